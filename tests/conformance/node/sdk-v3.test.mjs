// @aws-sdk/client-sqs v3: AWS JSON 1.0, MD5 checks on, retries off.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-sqs";
import { runScenarios } from "./scenarios.mjs";
import { credentials, region, unique, useServer } from "./support.mjs";

const server = useServer();
let client;
const connect = () =>
  (client ??= new sdk.SQSClient({
    endpoint: server.endpoint,
    region,
    credentials,
    maxAttempts: 1,
  }));
const sqs = (action, params) => connect().send(new sdk[`${action}Command`](params));

runScenarios({
  server,
  sqs,
  errorCode: (error) => error.name,
  // In the mode compatible with Query, v3 names an error it has a class for by that class, and
  // any other by the legacy code of the x-amzn-query-error header.
  codes: {
    noQueue: "QueueDoesNotExist",
    queueExists: "QueueNameExists",
    invalidValue: "InvalidParameterValue",
    emptyBatch: "EmptyBatchRequest",
    idsTwice: "BatchEntryIdsNotDistinct",
  },
});

test("a missing queue is an instance of its class and carries the legacy code", async () => {
  const missing = { QueueUrl: `${server.endpoint}/000000000000/${unique()}` };

  await assert.rejects(sqs("PurgeQueue", missing), (error) => {
    assert.ok(error instanceof sdk.QueueDoesNotExist);
    assert.equal(error.Code ?? error.Error?.Code, "AWS.SimpleQueueService.NonExistentQueue");
    assert.equal(error.$fault, "client");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
    return true;
  });
});

test("the paginator of the SDK", async () => {
  const prefix = unique("-");
  for (let n = 0; n < 3; n += 1) await sqs("CreateQueue", { QueueName: prefix + n });
  const sizes = [];

  const pages = sdk.paginateListQueues(
    { client: connect(), pageSize: 2 },
    { QueueNamePrefix: prefix },
  );
  for await (const page of pages) sizes.push(page.QueueUrls.length);

  assert.deepEqual(sizes, [2, 1]);
});

test("the trace header is a system attribute with a digest of its own", async () => {
  const { QueueUrl } = await sqs("CreateQueue", { QueueName: unique() });
  const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

  const sent = await sqs("SendMessage", {
    QueueUrl,
    MessageBody: "x",
    MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: trace } },
  });
  const { Messages } = await sqs("ReceiveMessage", {
    QueueUrl,
    MessageSystemAttributeNames: ["AWSTraceHeader"],
  });

  assert.equal(sent.MD5OfMessageSystemAttributes, "5ae4d5d7636402d80f4eb6d213245a88");
  assert.deepEqual({ ...Messages[0].Attributes }, { AWSTraceHeader: trace });
});

test("a repeated receive attempt returns the same receipt handles", async () => {
  const { QueueUrl } = await sqs("CreateQueue", {
    QueueName: unique(".fifo"),
    Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" },
  });
  await sqs("SendMessage", { QueueUrl, MessageBody: "x", MessageGroupId: "g" });
  const attempt = { QueueUrl, ReceiveRequestAttemptId: "try" };

  const first = await sqs("ReceiveMessage", attempt);
  const again = await sqs("ReceiveMessage", attempt);

  assert.equal(first.Messages[0].ReceiptHandle, again.Messages[0].ReceiptHandle);
});

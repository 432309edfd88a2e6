// What every JavaScript SDK must be able to do; the two SDK files run it with their own client.
// `sqs(action, params)` calls an action by its AWS name; `errorCode(error)` is how the SDK names
// an error to its caller.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  eventually,
  longPollWaits,
  messageAttributes,
  plain,
  redrivePolicy,
  unique,
} from "./support.mjs";

const FIFO = { FifoQueue: "true" };

export function runScenarios({ server, sqs, errorCode, codes }) {
  const create = async (name = unique(), Attributes = {}, tags = {}) =>
    (await sqs("CreateQueue", { QueueName: name, Attributes, tags })).QueueUrl;
  const send = (QueueUrl, MessageBody, more = {}) =>
    sqs("SendMessage", { QueueUrl, MessageBody, ...more });
  const receive = async (QueueUrl, more = {}) =>
    (await sqs("ReceiveMessage", { QueueUrl, ...more })).Messages ?? [];
  const attributes = async (QueueUrl, ...AttributeNames) =>
    (await sqs("GetQueueAttributes", { QueueUrl, AttributeNames })).Attributes ?? {};
  const arn = async (queue) => (await attributes(queue, "QueueArn")).QueueArn;
  const bodies = (messages) => messages.map((message) => message.Body);
  const failsWith = (code, action, params) =>
    assert.rejects(sqs(action, params), (error) => {
      assert.equal(errorCode(error), code);
      return true;
    });

  for (const body of ["hello", "a\r\nb\rc\n", "héllo 😀", "<a>&amp;\"'", " \t. "]) {
    test(`a body arrives as it was sent: ${JSON.stringify(body)}`, async () => {
      const queue = await create();
      const { MessageId } = await send(queue, body);

      const [message] = await receive(queue);

      assert.equal(message.Body, body);
      assert.equal(message.MessageId, MessageId);
    });
  }

  test("attributes of all types", async () => {
    const queue = await create();
    await send(queue, "x", { MessageAttributes: messageAttributes });

    const [message] = await receive(queue, {
      MessageAttributeNames: ["All"],
      AttributeNames: ["All"],
    });

    assert.deepEqual(plain(message.MessageAttributes), messageAttributes);
    assert.equal(message.Attributes.ApproximateReceiveCount, "1");
  });

  test("batches of all three kinds", async () => {
    const queue = await create();
    const ids = Array.from({ length: 10 }, (_, n) => String(n));

    const sent = await sqs("SendMessageBatch", {
      QueueUrl: queue,
      Entries: ids.map((Id) => ({
        Id,
        MessageBody: `m${Id}`,
        MessageAttributes: messageAttributes,
      })),
    });
    const messages = await receive(queue, {
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ["text", "n.*"],
    });
    const Entries = messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
    const changed = await sqs("ChangeMessageVisibilityBatch", {
      QueueUrl: queue,
      Entries: Entries.map((entry) => ({ ...entry, VisibilityTimeout: 60 })),
    });
    const deleted = await sqs("DeleteMessageBatch", {
      QueueUrl: queue,
      Entries: [...Entries.slice(0, 9), { Id: "bad", ReceiptHandle: "garbage" }],
    });

    assert.equal(sent.Successful.length, 10);
    assert.deepEqual(bodies(messages).sort(), ids.map((id) => `m${id}`));
    assert.deepEqual(Object.keys(messages[0].MessageAttributes).sort(), ["number", "text"]);
    assert.equal(changed.Successful.length, 10);
    assert.equal(deleted.Successful.length, 9);
    assert.equal(deleted.Failed[0].Code, "ReceiptHandleIsInvalid");
  });

  test("a long poll gets a message sent later", async () => {
    const queue = await create();
    const waiting = receive(queue, { WaitTimeSeconds: 20 });
    await longPollWaits(server, queue);

    await send(queue, "later");

    assert.deepEqual(bodies(await waiting), ["later"]);
  });

  test("visibility", async () => {
    const queue = await create();
    await send(queue, "x");
    const [{ ReceiptHandle }] = await receive(queue);
    assert.deepEqual(await receive(queue), []);

    await sqs("ChangeMessageVisibility", { QueueUrl: queue, ReceiptHandle, VisibilityTimeout: 0 });

    const [again] = await receive(queue);
    await sqs("DeleteMessage", { QueueUrl: queue, ReceiptHandle: again.ReceiptHandle });
    const counts = await attributes(queue, "All");
    assert.equal(counts.ApproximateNumberOfMessages, "0");
    assert.equal(counts.ApproximateNumberOfMessagesNotVisible, "0");
  });

  test("dead letters and their move back", async () => {
    const dlq = await create();
    const source = await create(unique(), { RedrivePolicy: redrivePolicy(await arn(dlq), 2) });
    await send(source, "poison");
    for (const _ of [1, 2]) {
      assert.deepEqual(bodies(await receive(source, { VisibilityTimeout: 0 })), ["poison"]);
    }
    assert.deepEqual(await receive(source), []);
    const [dead] = await receive(dlq, { AttributeNames: ["All"], VisibilityTimeout: 0 });
    assert.equal(dead.Attributes.ApproximateReceiveCount, "3");
    assert.equal(dead.Attributes.DeadLetterQueueSourceArn, await arn(source));

    const SourceArn = await arn(dlq);
    const { TaskHandle } = await sqs("StartMessageMoveTask", { SourceArn });
    const [task] = await eventually(async () => {
      const { Results } = await sqs("ListMessageMoveTasks", { SourceArn });
      return Results[0].Status === "COMPLETED" && Results;
    });

    assert.ok(TaskHandle);
    assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
    assert.deepEqual(bodies(await receive(source)), ["poison"]);
  });

  test("a move task can be cancelled", async () => {
    const dlq = await create();
    const SourceArn = await arn(dlq);
    const source = await create(unique(), { RedrivePolicy: redrivePolicy(SourceArn, 2) });
    for (let n = 0; n < 10; n += 1) await send(dlq, String(n));

    const { TaskHandle } = await sqs("StartMessageMoveTask", {
      SourceArn,
      DestinationArn: await arn(source),
      MaxNumberOfMessagesPerSecond: 1,
    });
    await failsWith(codes.invalidValue, "StartMessageMoveTask", { SourceArn });
    const cancelled = await sqs("CancelMessageMoveTask", { TaskHandle });

    assert.ok(cancelled.ApproximateNumberOfMessagesMoved < 10);
    await failsWith("ResourceNotFoundException", "StartMessageMoveTask", {
      SourceArn: `${SourceArn}-missing`,
    });
  });

  test("FIFO order, groups, de-duplication and sequence numbers", async () => {
    const queue = await create(unique(".fifo"), FIFO);
    const sendTo = (MessageGroupId, body, MessageDeduplicationId = body) =>
      send(queue, body, { MessageGroupId, MessageDeduplicationId });

    const first = await sendTo("a", "a1");
    const second = await sendTo("a", "a2");
    await sendTo("b", "b1");
    const duplicate = await sendTo("a", "a1 again", "a1");
    const taken = await receive(queue, { MaxNumberOfMessages: 2, AttributeNames: ["All"] });
    const other = await receive(queue, { MaxNumberOfMessages: 10 });

    assert.equal(duplicate.MessageId, first.MessageId);
    assert.ok(BigInt(first.SequenceNumber) < BigInt(second.SequenceNumber));
    assert.deepEqual(bodies(taken), ["a1", "a2"]);
    assert.equal(taken[0].Attributes.SequenceNumber, first.SequenceNumber);
    assert.equal(taken[0].Attributes.MessageGroupId, "a");
    assert.deepEqual(bodies(other), ["b1"]);
  });

  test("errors by code", async () => {
    const queue = await create();
    const name = queue.split("/").pop();
    const entry = { Id: "a", MessageBody: "x" };
    const missing = `${queue}-missing`;

    await failsWith(codes.noQueue, "SendMessage", { QueueUrl: missing, MessageBody: "x" });
    await failsWith(codes.noQueue, "GetQueueUrl", { QueueName: `${name}-missing` });
    await failsWith(codes.queueExists, "CreateQueue", {
      QueueName: name,
      Attributes: { VisibilityTimeout: "7" },
    });
    await failsWith("ReceiptHandleIsInvalid", "DeleteMessage", {
      QueueUrl: queue,
      ReceiptHandle: "garbage",
    });
    await failsWith("InvalidMessageContents", "SendMessage", {
      QueueUrl: queue,
      MessageBody: "\x01",
    });
    await failsWith(codes.invalidValue, "ReceiveMessage", {
      QueueUrl: queue,
      MaxNumberOfMessages: 11,
    });
    await failsWith("InvalidAttributeName", "SetQueueAttributes", {
      QueueUrl: queue,
      Attributes: { Nope: "1" },
    });
    await failsWith(codes.emptyBatch, "SendMessageBatch", { QueueUrl: queue, Entries: [] });
    await failsWith(codes.idsTwice, "SendMessageBatch", {
      QueueUrl: queue,
      Entries: [entry, entry],
    });
    await failsWith("OverLimit", "AddPermission", {
      QueueUrl: queue,
      Label: "l",
      AWSAccountIds: ["111122223333"],
      Actions: Array(8).fill("SendMessage"),
    });
  });

  test("tags and permissions", async () => {
    const queue = await create(unique(), {}, { kept: "1" });
    await sqs("TagQueue", { QueueUrl: queue, Tags: { team: "shop", empty: "" } });
    await sqs("UntagQueue", { QueueUrl: queue, TagKeys: ["team"] });
    await sqs("AddPermission", {
      QueueUrl: queue,
      Label: "l",
      AWSAccountIds: ["111122223333"],
      Actions: ["SendMessage"],
    });
    const { Policy } = await attributes(queue, "Policy");
    await sqs("RemovePermission", { QueueUrl: queue, Label: "l" });

    const { Tags } = await sqs("ListQueueTags", { QueueUrl: queue });
    assert.deepEqual({ ...Tags }, { kept: "1", empty: "" });
    assert.equal(JSON.parse(Policy).Statement[0].Sid, "l");
    assert.deepEqual({ ...(await attributes(queue, "Policy")) }, {});
  });

  test("pages of queues and of dead-letter sources", async () => {
    const prefix = unique("-");
    const dlq = await create(`${prefix}dlq`);
    const RedrivePolicy = redrivePolicy(await arn(dlq), 1);
    for (let n = 0; n < 3; n += 1) await create(prefix + n, { RedrivePolicy });
    const pages = async (action, member, params) => {
      const sizes = [];
      let NextToken;
      do {
        const page = await sqs(action, { ...params, MaxResults: 2, NextToken });
        sizes.push(page[member].length);
        NextToken = page.NextToken;
      } while (NextToken);
      return sizes;
    };

    assert.deepEqual(await pages("ListQueues", "QueueUrls", { QueueNamePrefix: prefix }), [2, 2]);
    assert.deepEqual(
      await pages("ListDeadLetterSourceQueues", "queueUrls", { QueueUrl: dlq }),
      [2, 1],
    );
  });

  test("set, purge and delete", async () => {
    const queue = await create();
    await send(queue, "x");
    await sqs("PurgeQueue", { QueueUrl: queue });
    await sqs("SetQueueAttributes", { QueueUrl: queue, Attributes: { DelaySeconds: "3" } });
    const found = await attributes(queue, "All");
    await sqs("DeleteQueue", { QueueUrl: queue });

    assert.equal(found.ApproximateNumberOfMessages, "0");
    assert.equal(found.DelaySeconds, "3");
    await failsWith(codes.noQueue, "DeleteQueue", { QueueUrl: queue });
  });
}

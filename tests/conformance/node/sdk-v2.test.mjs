// aws-sdk v2, which speaks the Query protocol only: MD5 checks on, retries off.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";

import AWS from "aws-sdk";
import { runScenarios } from "./scenarios.mjs";
import { credentials, region, useServer } from "./support.mjs";

const server = useServer();
let client;
const connect = () =>
  (client ??= new AWS.SQS({ endpoint: server.endpoint, region, credentials, maxRetries: 0 }));
const sqs = (action, params) =>
  connect()[action[0].toLowerCase() + action.slice(1)](params).promise();

runScenarios({
  server,
  sqs,
  errorCode: (error) => error.code,
  codes: {
    noQueue: "AWS.SimpleQueueService.NonExistentQueue",
    queueExists: "QueueAlreadyExists",
    invalidValue: "InvalidParameterValue",
    emptyBatch: "AWS.SimpleQueueService.EmptyBatchRequest",
    idsTwice: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  },
  moveTasks: true,
});

// Starts the real server for one test file, and small helpers that all files share.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before } from "node:test";

const repo = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.TRANTER_BIN ?? join(repo, "build/release/tranter");
const startMs = 20_000;

export const credentials = { accessKeyId: "anyone", secretAccessKey: "anything" };
export const region = "us-east-1";

function readyLine(child, log) {
  return new Promise((done, fail) => {
    let text = "";
    const timer = setTimeout(() => fail(new Error(`not ready:\n${readFileSync(log)}`)), startMs);
    child.stdio[3].setEncoding("utf8").on("data", (piece) => {
      text += piece;
      if (!text.endsWith("\n")) return;
      clearTimeout(timer);
      done(text);
    });
    child.once("error", fail);
    child.once("exit", (code) => fail(new Error(`exit ${code}:\n${readFileSync(log)}`)));
  });
}

async function start() {
  const directory = mkdtempSync(join(tmpdir(), "tranter-node-"));
  const log = join(directory, "server.log");
  const output = openSync(log, "w");
  const flags = ["serve", "--sqs", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-fd", "3"];
  const child = spawn(binary, flags, { stdio: ["ignore", output, output, "pipe"] });
  closeSync(output);
  const line = await readyLine(child, log);
  child.removeAllListeners("exit");
  const [, sqs, admin] = /^READY sqs=(\S+) admin=(\S+)\n$/.exec(line);
  const stop = () =>
    new Promise((done, fail) => {
      child.once("exit", (code) => {
        const text = readFileSync(log);
        rmSync(directory, { recursive: true });
        code === 0 ? done() : fail(new Error(`exit ${code}:\n${text}`));
      });
      child.kill("SIGTERM");
    });
  return { endpoint: `http://${sqs}`, admin: `http://${admin}`, stop };
}

/** A server for the tests of the calling file; its fields are there once tests run. */
export function useServer() {
  const server = {};
  before(async () => {
    const foreign = process.env.TRANTER_TEST_ENDPOINT;
    Object.assign(server, foreign ? { endpoint: foreign, stop: () => {} } : await start());
  });
  after(() => server.stop?.());
  return server;
}

let number = 0;
/** A queue name that no other test has. */
export function unique(suffix = "") {
  number += 1;
  return `n-${process.pid}-${number}${suffix}`;
}

/** The first true value of condition(), polled until a deadline. */
export async function eventually(condition, ms = 10_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`still ${value} after ${ms} ms`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** Returns once a receive waits on the queue; at once for a foreign server. */
export async function longPollWaits(server, queueUrl) {
  if (!server.admin) return;
  const sample = `tranter_long_polls_waiting{queue="${queueUrl.split("/").pop()}"} 1\n`;
  await eventually(async () => {
    const reply = await fetch(`${server.admin}/metrics`);
    return (await reply.text()).includes(sample);
  });
}

/** Attributes of all types with every kind of value the SDKs verify by MD5. */
export const messageAttributes = {
  text: { DataType: "String", StringValue: "héllo 😀 <&>\r\n" },
  labelled: { DataType: "String.json", StringValue: "{}" },
  number: { DataType: "Number", StringValue: "-1.5" },
  long: { DataType: "Number.java.lang.Long", StringValue: "1493147359900" },
  bytes: { DataType: "Binary", BinaryValue: Uint8Array.from({ length: 256 }, (_, n) => n) },
  picture: { DataType: "Binary.png", BinaryValue: Uint8Array.from([80, 78, 71]) },
};

/** Received attributes without the members an SDK adds, binary as Uint8Array. */
export function plain(attributes) {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, { DataType, StringValue, BinaryValue }]) => [
      key,
      BinaryValue === undefined
        ? { DataType, StringValue }
        : { DataType, BinaryValue: new Uint8Array(BinaryValue) },
    ]),
  );
}

/** A RedrivePolicy as the attribute wants it. */
export function redrivePolicy(arn, maxReceiveCount) {
  return JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount });
}

/** What runScenarios needs of a release of aws-sdk v2: MD5 checks on, retries off. */
export function v2(AWS) {
  const server = useServer();
  let client;
  const connect = () =>
    (client ??= new AWS.SQS({ endpoint: server.endpoint, region, credentials, maxRetries: 0 }));
  return {
    server,
    sqs: (action, params) =>
      connect()[action[0].toLowerCase() + action.slice(1)](params).promise(),
    errorCode: (error) => error.code,
    codes: {
      noQueue: "AWS.SimpleQueueService.NonExistentQueue",
      queueExists: "QueueAlreadyExists",
      invalidValue: "InvalidParameterValue",
      emptyBatch: "AWS.SimpleQueueService.EmptyBatchRequest",
      idsTwice: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    },
  };
}

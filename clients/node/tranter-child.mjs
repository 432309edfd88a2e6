// Handlers for `tranter work`: child = ["node", "handlers.mjs"]. Node 18 or later, nothing to
// install. docs/child-protocol.md describes what goes over standard input and output.
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";

export class Dead extends Error {}
export class Snooze extends Error {
  constructor(after) { super(`again in ${after}`); this.after = after; }
}
export class Retry extends Error {
  constructor(message, after) { super(message); this.after = after; }
}

// Whatever is printed is for the job's log, and the protocol has an input and output of its own:
// who opens something gets the lowest number that is free.
const input = openSync("/proc/self/fd/0", constants.O_RDONLY | constants.O_NONBLOCK);
const output = openSync("/proc/self/fd/1", "a");
for (const [number, other] of [[0, "/dev/null"], [1, "/proc/self/fd/2"]]) {
  closeSync(number);
  openSync(other, number ? "a" : "r");
}

// With more, writing might block while the worker waits for its answers to be read.
const unansweredMax = 32;
const handlers = new Map();
let current; // the job that is being done
export const handle = (type, handler) => void handlers.set(type, handler);

function say(message) {
  // Half of a surrogate pair is no JSON.
  const text = JSON.stringify(message).replace(/(?<=(?<!\\)(\\\\)*)\\ud[89a-f]../g, "\\ufffd");
  const bytes = Buffer.from(text + "\n");
  for (let at = 0; at < bytes.length;) at += writeSync(output, bytes, at);
}

class Context {
  #abort = new AbortController();
  #steps = new Map();
  #answers = new Map(); // who waits for the worker to keep a step
  #places = unansweredMax;
  #waiting = []; // with a step, for a place
  signal = this.#abort.signal;
  stopReason = null;
  constructor(job) {
    this.job = job;
    for (const name in job.steps) this.#steps.set(name, job.steps[name]);
  }
  #say(message, fields) { if (this === current) say({ message, id: this.job.id, ...fields }); }
  progress(progress) { this.#say("progress", { progress }); }
  log(...words) { this.#say("log", { line: words.join(" ") }); }
  heartbeat() { this.#say("heartbeat"); }
  async step(name, work) {
    if (!this.#steps.has(name)) this.#steps.set(name, this.#keep(name, work));
    return this.#steps.get(name);
  }
  async #keep(name, work) {
    try {
      const result = (await work()) ?? null;
      if (this.#places-- <= 0) await new Promise((go) => this.#waiting.push(go));
      try {
        await this.#send(name, result);
      } finally {
        ++this.#places;
        this.#waiting.shift()?.();
      }
      return result;
    } catch (error) {
      this.#steps.delete(name);
      throw error;
    }
  }
  async #send(name, result) {
    if (this !== current) throw new Error(`step ${name} is not kept, the job is over`);
    this.#say("step", { name, result });
    const { error } = await new Promise((heard) => this.#answers.set(name, heard));
    if (error) throw Object.assign(new Error(error.text), error);
  }
  hear({ message, reason, name, error }) {
    if (message === "step") this.#answers.get(name)?.({ error });
    if (message !== "stop") return;
    this.stopReason = reason;
    this.#abort.abort(new DOMException(`stopped: ${reason}`, "AbortError"));
  }
  end(outcome, fields) {
    this.#say("result", { outcome, ...fields });
    if (this === current) current = undefined;
    for (const go of this.#waiting.splice(0)) go();
  }
  fail(error) {
    if (error instanceof Dead) return this.end("dead", { reason: error.message });
    if (error instanceof Snooze) return this.end("snoozed", { after: error.after });
    if (this.stopReason === "cancelled") return this.end("cancelled");
    if (this.stopReason && this.stopReason !== "timeout") return this.end("released");
    console.error(error);
    const retry_after = error instanceof Retry ? error.after : undefined;
    const { name = typeof error, message = String(error), constructor } = error ?? {};
    const type = String(name === "Error" ? constructor?.name : name);
    this.end("failed", { error: { type, text: String(message) }, retry_after });
  }
}

async function work(job) {
  const context = (current = new Context(job));
  try {
    const handler = handlers.get(job.type) ?? handlers.get("*");
    if (!handler) throw new Dead(`there is no handler for type ${job.type}`);
    context.end("completed", { result: await handler(job, context) });
  } catch (error) {
    context.fail(error);
  }
}

export function run() {
  process.on("uncaughtException", (error) => { // and rejections that nobody handles
    current ? current.fail(error) : console.error(error);
    process.exit(1); // nobody knows what still works; the worker starts another process
  });
  const often = Number(process.env.TRANTER_HEARTBEAT_MS);
  if (often) setInterval(() => current?.heartbeat(), often).unref();
  let rest = "";
  new Socket({ fd: input }).setEncoding("utf8").on("end", () => process.exit()).on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const message of lines.map((line) => JSON.parse(line))) {
      if (message.message === "job") work(message);
      else if (message.id === current?.job.id) current.hear(message);
    }
  });
  say({ message: "ready", protocol: 1 });
}

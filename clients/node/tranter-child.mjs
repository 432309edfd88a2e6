// Handlers for `tranter work`: child = ["node", "handlers.mjs"]. Node 18 or later, nothing to
// install. docs/child-protocol.md describes what goes over standard input and output.
import { writeSync } from "node:fs";

export class Dead extends Error {}
export class Snooze extends Error {
  constructor(after) { super(`again in ${after}`); this.after = after; }
}
export class Retry extends Error {
  constructor(message, after) { super(message); this.after = after; }
}

const handlers = new Map();
let current; // the job that is being done
export const handle = (type, handler) => void handlers.set(type, handler);

// Whatever is printed is for the job's log, and standard output is the protocol's alone.
Object.defineProperty(process, "stdout", { get: () => process.stderr });

function say(message) {
  const bytes = Buffer.from(JSON.stringify(message) + "\n");
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code === "EPIPE") process.exit(); // the worker needs this process no more
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // until there is room
    }
  }
}

class Context {
  #abort = new AbortController();
  #steps = new Map();
  #waiting = new Map(); // for the worker to say that a step is kept
  signal = this.#abort.signal;
  stopReason = null;
  constructor(job) {
    this.job = job;
    for (const name in job.steps) this.#steps.set(name, job.steps[name]);
  }
  say(message, fields) { if (this === current) say({ message, id: this.job.id, ...fields }); }
  progress(progress) { this.say("progress", { progress }); }
  log(...words) { this.say("log", { line: words.join(" ") }); }
  heartbeat() { this.say("heartbeat"); }
  async step(name, work) {
    if (!this.#steps.has(name)) this.#steps.set(name, this.#keep(name, work));
    return this.#steps.get(name);
  }
  async #keep(name, work) {
    try {
      const result = (await work()) ?? null;
      if (this !== current) throw new Error(`step ${name} is not kept, the job is over`);
      this.say("step", { name, result });
      await new Promise((...ends) => this.#waiting.set(name, ends));
      return result;
    } catch (error) {
      this.#steps.delete(name);
      throw error;
    }
  }
  hear({ message, reason, name, error }) {
    const [kept, refused] = this.#waiting.get(name) ?? [];
    if (message === "step" && error) refused?.(Object.assign(new Error(error.text), error));
    else if (message === "step") kept?.();
    if (message !== "stop") return;
    this.stopReason = reason;
    this.#abort.abort(new DOMException(`stopped: ${reason}`, "AbortError"));
  }
  end(outcome) {
    this.say("result", outcome);
    if (this === current) current = undefined;
  }
  fail(error) {
    if (error instanceof Dead) return this.end({ outcome: "dead", reason: error.message });
    if (error instanceof Snooze) return this.end({ outcome: "snoozed", after: error.after });
    if (this.stopReason === "cancelled") return this.end({ outcome: "cancelled" });
    if (this.stopReason && this.stopReason !== "timeout") return this.end({ outcome: "released" });
    console.error(error);
    const retry_after = error instanceof Retry ? error.after : undefined;
    const { name = typeof error, message = String(error), constructor } = error ?? {};
    const type = String(name === "Error" ? constructor?.name : name);
    this.end({ outcome: "failed", error: { type, text: String(message) }, retry_after });
  }
}

async function work(job) {
  const context = (current = new Context(job));
  try {
    const handler = handlers.get(job.type) ?? handlers.get("*");
    if (!handler) throw new Dead(`there is no handler for type ${job.type}`);
    context.end({ outcome: "completed", result: await handler(job, context) });
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
  process.stdin.setEncoding("utf8").on("end", () => process.exit()).on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const message of lines.map((line) => JSON.parse(line))) {
      if (message.message === "job") work(message);
      else if (message.id === current?.job.id) current.hear(message);
    }
  });
  say({ message: "ready", protocol: 1 });
}

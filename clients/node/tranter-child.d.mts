/** JSON as it comes and goes. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** As the worker sends it; times are RFC 3339 in UTC. */
export interface Job<Payload = any> {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: Payload;
  /** Counts from 1, as `run` does. */
  readonly attempt: number;
  readonly max_attempts: number;
  readonly run: number;
  readonly runs: number;
  readonly group: string;
  readonly tags: readonly string[];
  readonly created_at: string;
  readonly steps: { readonly [name: string]: Json };
  /** W3C Trace Context of this attempt, where there is one. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export type StopReason = "timeout" | "cancelled" | "shutdown" | "lease_lost" | "decided";

/** One run of a job. After the handler has returned, nothing of it has an effect. */
export interface Context<Payload = any> {
  readonly job: Job<Payload>;
  /** Aborted when the job has to stop; give it to `fetch` and the like. */
  readonly signal: AbortSignal;
  readonly stopReason: StopReason | null;
  /** How far it is, up to 4 KiB. The last one counts. */
  progress(value: unknown): void;
  /** A line for the log of the job, where everything that is printed goes as well. */
  log(...words: unknown[]): void;
  /** Only needed by what blocks the event loop for longer than `heartbeat_timeout`. */
  heartbeat(): void;
  /** What `work` returned, now or in an earlier attempt. Kept when the promise is fulfilled. */
  step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
}

/** Who does the jobs of a type; "*" is every other type. What it returns is the result. */
export function handle<Payload = any>(
  type: string,
  handler: (job: Job<Payload>, context: Context<Payload>) => unknown,
): void;

/** Does jobs until the worker needs this process no more. Call it once all handlers are known. */
export function run(): void;

/** Thrown by a handler: no further attempt would help. */
export class Dead extends Error {}
/** Thrown by a handler: again after "30s" or "5m"; this attempt does not count. */
export class Snooze extends Error {
  constructor(after: string);
  readonly after: string;
}
/** Thrown by a handler: the attempt has failed, and the next one follows after "30s" or "5m". */
export class Retry extends Error {
  constructor(message: string, after?: string);
  readonly after?: string;
}

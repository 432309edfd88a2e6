// What a user writes with a client that openapi-typescript and openapi-fetch made from
// /v1/openapi.json. jobs-api.test.mjs checks the types of this file, and runs it.
import createClient from "openapi-fetch";
import type { components, paths } from "./jobs-api";

type Record = components["schemas"]["JobRecord"];

/** Enqueues a job, does it, and returns what is known of it then. */
export async function sendMail(baseUrl: string, queue: string): Promise<Record> {
  const api = createClient<paths>({ baseUrl });
  const path = { queue };
  const enqueued = await api.POST("/v1/queues/{queue}/jobs", {
    params: { path, header: { "Idempotency-Key": queue } },
    body: { type: "mail.send", payload: { to: "a@b" }, delay: "0s", retry: { max_attempts: 3 } },
  });
  if (enqueued.error) throw new Error(enqueued.error.detail);
  if (Array.isArray(enqueued.data)) throw new Error("one job has one answer");

  const received = await api.POST("/v1/queues/{queue}/receive", {
    params: { path },
    body: { jobs_max: 1, wait: "10s" },
  });
  if (received.error) throw new Error(received.error.detail);
  const settlements = received.data.jobs.map((job) => ({
    receipt: job.receipt,
    outcome: "completed" as const,
    result: { attempt: job.attempt },
  }));
  const settled = await api.POST("/v1/queues/{queue}/settle", {
    params: { path },
    body: { settlements },
  });
  if (settled.error) throw new Error(settled.error.detail);
  for (const { ok, error } of settled.data.results) if (!ok) throw new Error(error?.detail);

  const done = await api.GET("/v1/jobs/{id}/wait", {
    params: { path: { id: enqueued.data.id }, query: { timeout: "10s" } },
  });
  if (done.error) throw new Error(done.error.detail);
  return done.data;
}

/** The code of the error that a job without a type is refused with. */
export async function refusal(baseUrl: string, queue: string): Promise<string | undefined> {
  const api = createClient<paths>({ baseUrl });
  const { error } = await api.POST("/v1/queues/{queue}/jobs", {
    params: { path: { queue } },
    // @ts-expect-error: a job has a type
    body: { payload: 1 },
  });
  return error?.code;
}

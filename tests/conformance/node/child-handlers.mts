// Read by child-types.test.mjs, and never run.
import { Dead, Retry, Snooze, handle, run } from "../../../clients/node/tranter-child.mjs";

interface Order { order: string; items?: string[] }

handle<Order>("order.ship", async (job, context) => {
  if (!job.payload.items?.length) throw new Dead(`order ${job.payload.order} is empty`);
  if (job.attempt > job.max_attempts - 1) throw new Retry("busy", "5m");
  if (context.stopReason === "timeout") throw new Snooze("30s");
  const payment: { id: number } = await context.step("charge", async () => ({ id: 17 }));
  context.progress({ packed: payment.id });
  context.log("packed", job.payload.items.length);
  const answer = await fetch("http://127.0.0.1/", { signal: context.signal });
  // @ts-expect-error: nothing of a job can be changed
  job.id = "other";
  return { payment: payment.id, status: answer.status };
});
// @ts-expect-error: a handler is a function
handle("x", 1);
run();

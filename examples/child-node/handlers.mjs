// Handlers in one process that stays. An order is charged once, however often it is tried.
import { setTimeout as rest } from "node:timers/promises";
import { Dead, Retry, handle, run } from "../../clients/node/tranter-child.mjs";

handle("order.ship", async (job, context) => {
  const { order, items } = job.payload;
  if (!items?.length) throw new Dead(`order ${order} has no items`);
  const payment = await context.step("charge", () => charge(order, job.attempt));
  for (const [index, item] of items.entries()) {
    await rest(10, null, { signal: context.signal }); // ends early when the job has to stop
    console.log("packed", item); // a line of the job's log
    context.progress({ packed: index + 1, of: items.length });
  }
  if (order === "late" && job.attempt === 1) throw new Retry("the van is gone", "1ms");
  return { order, payment, packed: items.length };
});

async function charge(order, attempt) {
  console.log("charging", order);
  return `payment-${order}-${attempt}`;
}

run();

// An endpoint that does jobs. Nothing to install: what comes is signed as Standard Webhooks.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_SECONDS = 300;
const done = new Map(); // what was answered, by webhook-id: think of a table

function isGenuine(headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!id || !/^\d{1,12}$/.test(timestamp ?? "")) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const expected = Buffer.from(`v1,${digest.toString("base64")}`);
  const given = (headers["webhook-signature"] ?? "").split(" ", 16).map((one) => Buffer.from(one));
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

function doJob(job) {
  if (job.type !== "invoice.paid") return [404, { error: `nobody does type ${job.type}` }];
  return [200, { booked: job.payload.invoice }];
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const id = request.headers["webhook-id"];
  let answer = [401, { error: "the signature is wrong" }];
  if (isGenuine(request.headers, body)) {
    if (!done.has(id)) done.set(id, doJob(JSON.parse(body)));
    answer = done.get(id);
  }
  response.writeHead(answer[0], { "Content-Type": "application/json" });
  response.end(JSON.stringify(answer[1]));
});
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});

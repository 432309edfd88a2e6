// The Jobs API of a Tranter server, as far as a producer and a worker need it. Node 18 or later.

const url = process.env.TRANTER_URL ?? 'http://127.0.0.1:9325';
const token = process.env.TRANTER_TOKEN;

/** POSTs the body, or GETs without one; resolves to the answer, rejects with what the server said. */
export async function call(path, body, signal) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers,
    body: JSON.stringify(body),
    signal,
  });
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : undefined;
  if (!answer.ok) throw new Error(parsed?.detail ?? `status ${answer.status}`);
  return parsed;
}

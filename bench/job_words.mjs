// What the benchmarks of job queues in node.js have in common: their words, and what they measure.
import { readFileSync } from 'node:fs';

export const text = 'x'.repeat(225);

// `NAME=VALUE ...` as a function from a name and what it is otherwise to a number.
export function optionsOf(words) {
  const given = Object.fromEntries(words.map((word) => word.split('=')));
  return (name, value) => Number(given[name] ?? value);
}

// User and system seconds of all processes of the server, in clock ticks of 10 ms.
function cpuOf(server) {
  if (server === 0) return 0;
  const fieldsOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const sum = (fields, ...positions) =>
    positions.reduce((total, position) => total + Number(fields[position]), 0);
  let ticks = sum(fieldsOf(server), 11, 12, 13, 14);
  for (const child of readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').split(' ')) {
    if (child === '') continue;
    try {
      ticks += sum(fieldsOf(child), 11, 12);
    } catch {
      // it has ended since, and counts with the others that have
    }
  }
  return ticks / 100;
}

// Of so many jobs from now until the function that it returns is called.
export function meter(jobs, server) {
  const began = performance.now();
  const client = process.cpuUsage();
  const before = cpuOf(server);
  return () => {
    const seconds = (performance.now() - began) / 1e3;
    const used = process.cpuUsage(client);
    return {
      rate: Math.round(jobs / seconds),
      client_us: (used.user + used.system) / jobs,
      server_us: ((cpuOf(server) - before) / jobs) * 1e6,
    };
  };
}

// `peer` has add(payload) and addMany(payloads).
export async function enqueueAll(peer, { jobs, perCall, producers }) {
  let next = 0;
  const produce = async () => {
    while (next < jobs) {
      const from = next;
      next = Math.min(next + perCall, jobs);
      if (perCall === 1) {
        await peer.add({ number: from, text });
        continue;
      }
      const many = [];
      for (let number = from; number < next; ++number) many.push({ number, text });
      await peer.addMany(many);
    }
  };
  await Promise.all(Array.from({ length: producers }, produce));
}

export function percentiles(times) {
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.ceil(times.length * share) - 1];
  return { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1) };
}

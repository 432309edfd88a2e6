// cron-parser, which BullMQ and pg-boss use: reads lines as `tranter schedule preview --stdin` does, and
// prints how long a line took.
import { CronExpressionParser } from 'cron-parser';
import { readFileSync } from 'node:fs';
import { print } from './schedule_words.mjs';

const lines = readFileSync(0, 'utf8').trim().split('\n');
const began = process.cpuUsage();
for (const line of lines) {
  const { expr, tz, from, count } = JSON.parse(line);
  const interval = CronExpressionParser.parse(expr, { tz, currentDate: new Date(from) });
  JSON.stringify({ fires: interval.take(count).map((date) => date.toISOString()) });
}
const used = process.cpuUsage(began);
print({ line_us: (used.user + used.system) / lines.length });

// What the programs for BullMQ and pg-boss have in common: the words of schedule_bench.

export function given() {
  const [mode, port, ...rest] = process.argv.slice(2);
  const options = Object.fromEntries(rest.filter((word) => word.includes('=')).map((word) => word.split('=')));
  const words = rest.filter((word) => !word.includes('='));
  return { mode, port: Number(port), words, at: Number(options.at ?? 0), options };
}

export const payload = (number) => ({ number, text: 'x'.repeat(225) });

// Cron expressions with seconds, daily: at `at`, or in the minute that begins with it.
export function same(_, at) {
  const when = new Date(at);
  return `${when.getUTCSeconds()} ${when.getUTCMinutes()} ${when.getUTCHours()} * * *`;
}
export const spread = (number, at) => same(number, at + (number % 60) * 1000);
export function far(number) {
  const when = new Date(Date.now() + 180 * 86_400_000);
  const time = `${number % 60} ${Math.floor(number / 60) % 60} ${Math.floor(number / 3600) % 24}`;
  return `${time} ${when.getUTCDate()} ${when.getUTCMonth() + 1} *`;
}

export function rateOf(count) {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const used = process.cpuUsage(before);
    return {
      rate: Math.round(count / ((performance.now() - began) / 1e3)),
      client_us: (used.user + used.system) / count,
    };
  };
}

// Of milliseconds.
export function lateness() {
  const all = [];
  return {
    add(late) {
      if (late < 0) throw new Error(`a job came ${-late} ms early`);
      all.push(late);
    },
    figures(name) {
      all.sort((a, b) => a - b);
      const at = (share) => all[Math.ceil(all.length * share) - 1];
      return { [`${name}_p50_ms`]: at(0.5), [`${name}_p99_ms`]: at(0.99), [`${name}_max_ms`]: at(1) };
    },
  };
}

export const print = (figures) => console.log(JSON.stringify(figures));

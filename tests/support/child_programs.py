"""Handlers written with the clients of the child protocol, the same in each language."""

import sys

from server import REPO

NODE = (
    f'import {{ Dead, Retry, Snooze, handle, run }} from "{REPO}/clients/node/tranter-child.mjs";\n'
    + r"""
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { setTimeout as rest } from "node:timers/promises";

handle("echo", (job) => job.payload);
handle("pid", async () => process.pid);
handle("loud", (job, context) => {
  console.log("printed");
  process.stdout.write("written\n");
  console.error("wrong");
  console.log('{"message":"result","outcome":"dead","reason":"printed"}');
  context.log("logged", job.payload);
  context.progress({ done: 3 });
  return "ok";
});
handle("bury", () => { throw new Dead("buried"); });
handle("fail", () => { throw new TypeError("broken"); });
handle("unwritable", () => 1n);
handle("retry", (job) => {
  if (job.attempt === 1) throw new Retry("busy", "1ms");
  return job.attempt;
});
handle("snooze", ({ payload, attempt }) => {
  if (existsSync(payload)) return attempt;
  writeFileSync(payload, "");
  throw new Snooze("1ms");
});
handle("step", async (job, context) => {
  const count = async () => { appendFileSync(job.payload, "x"); return { made: job.attempt }; };
  const first = await context.step("count", count);
  const same = await context.step("count", count);
  if (job.attempt === 1) process.exit(1);
  if (job.attempt === 2) throw new Retry("again", "1ms");
  return [first, same, await context.step("nothing", () => {})];
});
handle("many.steps", async (job, context) => {
  const names = Array.from({ length: job.payload }, (_, number) => `step ${number}`);
  return (await Promise.all(names.map((name) => context.step(name, () => 1)))).length;
});
handle("refused", async (job, context) => context.step("x".repeat(200), () => 1));
handle("wait", async (job, context) => {
  console.log("begun");
  await rest(600_000, null, { signal: context.signal });
});
handle("finish", async (job, context) => {
  console.log("begun");
  await new Promise((stopped) => context.signal.addEventListener("abort", stopped));
  return context.stopReason;
});
handle("later", () => {
  setTimeout(() => { throw new RangeError("thrown later"); });
  return rest(600_000);
});
handle("rejected", () => {
  Promise.reject(new RangeError("thrown later"));
  return rest(600_000);
});
handle("exit", () => process.exit(3));
handle("nan", (job, context) => {
  context.progress(NaN);
  return [NaN, Infinity];
});
handle("half", (job, context) => {
  context.log("half \ud800");
  return ["half \ud800", "\\ud800"];
});
handle("half.reason", () => { throw new Dead("half \udfff"); });
handle("partial", () => {
  spawnSync("sh", ["-c", "printf 'no end of line'; cat"], { stdio: "inherit" });
  return "ok";
});
let late;
handle("late.step", (job, context) => {
  late = rest(50).then(() => context.step("late", () => 1));
  late.catch(() => {});
});
handle("late.result", () => late.catch((error) => error.message));
run();
"""
)

PYTHON = (
    f'import sys\nsys.path.insert(0, "{REPO}/clients/python")\n'
    + r"""
import asyncio
import os
import pathlib
import subprocess
import threading
import time
from tranter_child import Dead, Retry, Snooze, handler, run

@handler("echo")
def echo(job, context):
    return job["payload"]

@handler("pid")
async def pid(job, context):
    await asyncio.sleep(0)
    return os.getpid()

@handler("loud")
def loud(job, context):
    print("printed", flush=True)
    subprocess.run(["echo", "written"], check=True)
    print("wrong", file=sys.stderr)
    print('{"message":"result","outcome":"dead","reason":"printed"}')
    context.log(f"logged {job['payload']}")
    context.progress({"done": 3})
    return "ok"

@handler("bury")
def bury(job, context):
    raise Dead("buried")

@handler("fail")
def fail(job, context):
    raise TypeError("broken")

@handler("unwritable")
def unwritable(job, context):
    return object()

@handler("retry")
def retry(job, context):
    if job["attempt"] == 1:
        raise Retry("busy", after="1ms")
    return job["attempt"]

@handler("snooze")
def snooze(job, context):
    path = pathlib.Path(job["payload"])
    if path.exists():
        return job["attempt"]
    path.touch()
    raise Snooze("1ms")

@handler("step")
def step(job, context):
    def count():
        with open(job["payload"], "a") as file:
            file.write("x")
        return {"made": job["attempt"]}
    first = context.step("count", count)
    same = context.step("count", count)
    if job["attempt"] == 1:
        os._exit(1)
    if job["attempt"] == 2:
        raise Retry("again", after="1ms")
    return [first, same, context.step("nothing", lambda: None)]

@handler("refused")
def refused(job, context):
    return context.step("x" * 200, lambda: 1)

@handler("wait")
def wait(job, context):
    print("begun", flush=True)
    context.wait(600)
    raise InterruptedError(context.stop_reason)

@handler("finish")
def finish(job, context):
    print("begun", flush=True)
    context.wait(600)
    return context.stop_reason

@handler("later")
def later(job, context):
    raise RangeError("thrown later")

class RangeError(Exception):
    pass

@handler("rejected")
async def rejected(job, context):
    await asyncio.gather(asyncio.sleep(600), asyncio.create_task(reject()))

async def reject():
    raise RangeError("thrown later")

@handler("exit")
def leave(job, context):
    sys.exit(3)

@handler("nan")
def nan(job, context):
    return [float("nan"), float("inf")]

@handler("half")
def half(job, context):
    context.log("half \ud800")
    return ["half \ud800", "\\ud800"]

@handler("half.reason")
def half_reason(job, context):
    raise Dead("half \udfff")

@handler("partial")
def partial(job, context):
    subprocess.run(["sh", "-c", "printf 'no end of line'; cat"])
    return "ok"

late = []

@handler("late.step")
def late_step(job, context):
    running, over = threading.Event(), threading.Event()
    def step(name, work):
        try:
            context.step(name, work)
        except RuntimeError as error:
            late.append(str(error))
    def go_on():
        running.set()
        over.wait(10)
    # One is in its work when the job ends, and one comes later.
    threads = [threading.Thread(target=step, args=("late", go_on))]
    threads.append(threading.Thread(target=step, args=("later", lambda: None)))
    threads[0].start()
    running.wait()
    late.append((threads, over))

@handler("late.result")
def late_result(job, context):
    threads, over = late.pop()
    threads[1].start()
    over.set()
    for thread in threads:
        thread.join()
    return "; ".join(late)

run()
"""
)

# the file of the handlers, what is in it, and the command that runs it
LANGUAGES = {
    "node": ("handlers.mjs", NODE, ["node"]),
    "python": ("handlers.py", PYTHON, [sys.executable]),
}

"""Handlers for `tranter work`: child = ["python3", "handlers.py"]. Python 3.9 or later, nothing to
install. docs/child-protocol.md describes what goes over standard input and output."""

import asyncio
import json
import os
import queue
import sys
import threading
import traceback

_handlers = {}
_output = None
_saying = threading.Lock()


class Dead(Exception):
    """No further attempt would help."""


class Snooze(Exception):
    """Snooze("30s"): again after a while; this attempt does not count."""


class Retry(Exception):
    """Retry("busy", after="5m"): a failed attempt; the next one follows after a while."""

    def __init__(self, text="", after=None):
        super().__init__(text)
        self.after = after


def handler(job_type):
    """Who does the jobs of a type, called with (job, context); "*" is every other type."""
    return lambda function: _handlers.setdefault(job_type, function)


class Context:
    """One run of a job, for any thread. After its handler has returned, nothing has an effect."""

    def __init__(self, job):
        self.job = job
        self.stop_reason = None  # timeout, cancelled, shutdown, lease_lost, decided
        self._stop = threading.Event()
        self._stepping = threading.RLock()
        self._answers = queue.SimpleQueue()
        self._is_over = False

    @property
    def stopped(self):
        return self._stop.is_set()

    def wait(self, seconds):
        """As time.sleep(), but returns True at once when the job has to stop."""
        return self._stop.wait(seconds)

    def progress(self, value):
        self._say("progress", progress=value)

    def log(self, line):
        self._say("log", line=str(line))

    def heartbeat(self):
        self._say("heartbeat")

    def step(self, name, work):
        """What work() returned, now or in an earlier attempt. Kept when this returns."""
        with self._stepping:
            steps = self.job["steps"]
            if name not in steps:
                result = work()
                self._say("step", name=name, result=result)
                error = {"text": "the job is over"} if self._is_over else self._answers.get()
                if error:
                    raise RuntimeError(f"step {name} is not kept: {error['text']}")
                steps[name] = result
            return steps[name]

    def _say(self, message, **fields):
        if not self._is_over:
            _say(message, id=self.job["id"], **fields)

    def _end(self, outcome, **fields):
        self._say("result", outcome=outcome, **fields)
        self._is_over = True
        self._answers.put({"text": "the job is over"})  # whoever waits for another


def _say(message, **fields):
    # What no JSON has (NaN, half of a surrogate pair) is an error here, or a question mark.
    line = json.dumps({"message": message, **fields}, ensure_ascii=False, allow_nan=False)
    with _saying:
        _output.write(line.encode(errors="replace") + b"\n")
        _output.flush()


def _do(job, context):
    try:
        function = _handlers.get(job["type"]) or _handlers.get("*")
        if function is None:
            raise Dead(f"there is no handler for type {job['type']}")
        result = function(job, context)
        if asyncio.iscoroutine(result):
            result = asyncio.run(result)
        context._end("completed", result=result)
    except Dead as dead:
        context._end("dead", reason=str(dead))
    except Snooze as snooze:
        context._end("snoozed", after=str(snooze))
    except Exception as error:
        if context.stop_reason not in (None, "timeout"):
            return context._end("cancelled" if context.stop_reason == "cancelled" else "released")
        traceback.print_exc()
        after = error.after if isinstance(error, Retry) else None
        failure = {"type": type(error).__name__, "text": str(error)}
        context._end("failed", error=failure, retry_after=after)


def _read(requests, jobs):
    for line in requests:
        message = json.loads(line)
        if message["message"] == "job":
            context = Context(message)
            jobs.put(context)
        elif message.get("id") != context.job["id"]:
            continue
        elif message["message"] == "step":
            context._answers.put(message.get("error"))
        elif message["message"] == "stop":
            context.stop_reason = message["reason"]
            context._stop.set()
    jobs.put(None)


def run():
    """Does jobs until the worker needs this process no more. Call it when it has all handlers."""
    global _output
    # Whatever is printed is for the job's log, and the protocol has an input and output of its own.
    requests, _output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    jobs = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, jobs), daemon=True).start()
    _say("ready", protocol=1)
    while context := jobs.get():
        _do(context.job, context)

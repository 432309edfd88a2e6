"""Handlers for `tranter work`: child = ["python3", "handlers.py"]. Python 3.9 or later, nothing to
install. docs/child-protocol.md describes what goes over standard input and output."""

import asyncio
import inspect
import json
import os
import queue
import sys
import threading
import traceback


class Dead(Exception):
    """No further attempt would help."""


class Snooze(Exception):
    """Snooze("30s"): again after a while; this attempt does not count."""


class Retry(Exception):
    """Retry("busy", after="5m"): a failed attempt; the next one follows after a while."""

    def __init__(self, text="", after=None):
        super().__init__(text)
        self.after = after


_handlers = {}
_output = None
_saying = threading.Lock()


def handler(job_type):
    """Who does the jobs of a type, called with (job, context); "*" is every other type."""
    return lambda function: _handlers.setdefault(job_type, function)


def _say(message, **fields):
    with _saying:
        _output.write(json.dumps({"message": message, **fields}).encode() + b"\n")
        _output.flush()


class Context:
    """One run of a job. May be used from any thread until its handler returns."""

    def __init__(self, job):
        self.job = job
        self.stop_reason = None  # timeout, cancelled, shutdown, lease_lost, decided
        self._stop = threading.Event()
        self._steps = dict(job["steps"])
        self._stepping = threading.RLock()
        self._answers = queue.SimpleQueue()

    @property
    def stopped(self):
        return self._stop.is_set()

    def wait(self, seconds):
        """As time.sleep(), but returns True at once when the job has to stop."""
        return self._stop.wait(seconds)

    def progress(self, value):
        _say("progress", id=self.job["id"], progress=value)

    def log(self, line):
        _say("log", id=self.job["id"], line=str(line))

    def heartbeat(self):
        _say("heartbeat")

    def step(self, name, work):
        """What work() returned, now or in an earlier attempt. Kept when this returns."""
        with self._stepping:
            if name not in self._steps:
                result = work()
                _say("step", id=self.job["id"], name=name, result=result)
                if error := self._answers.get().get("error"):
                    raise RuntimeError(f"{error['type']}: {error['text']}")
                self._steps[name] = result
            return self._steps[name]

    def hear(self, message):
        if message["message"] == "step":
            self._answers.put(message)
        elif message["message"] == "stop":
            self.stop_reason = message["reason"]
            self._stop.set()


async def _awaited(result):
    return await result


def _outcome(job, context):
    try:
        function = _handlers.get(job["type"]) or _handlers.get("*")
        if function is None:
            raise Dead(f"there is no handler for type {job['type']}")
        result = function(job, context)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        json.dumps(result)
        return {"outcome": "completed", "result": result}
    except Dead as dead:
        return {"outcome": "dead", "reason": str(dead)}
    except Snooze as snooze:
        return {"outcome": "snoozed", "after": str(snooze)}
    except Exception as error:
        if context.stop_reason == "cancelled":
            return {"outcome": "cancelled"}
        if context.stop_reason in ("shutdown", "lease_lost", "decided"):
            return {"outcome": "released"}
        traceback.print_exc()
        after = error.after if isinstance(error, Retry) else None
        text = {"type": type(error).__name__, "text": str(error)}
        return {"outcome": "failed", "error": text, "retry_after": after}


def run():
    """Does jobs until the worker needs this process no more. Call it when it has all handlers."""
    global _output
    # Whatever is printed is for the job's log, and the protocol has an input and output of its own.
    requests, _output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    jobs = queue.SimpleQueue()
    current = None

    def read():
        nonlocal current
        for line in requests:
            message = json.loads(line)
            if message["message"] == "job":
                current = Context(message)
                jobs.put(current)
            elif message.get("id") == current.job["id"]:
                current.hear(message)
        jobs.put(None)

    threading.Thread(target=read, daemon=True).start()
    _say("ready", protocol=1)
    while context := jobs.get():
        outcome = _outcome(context.job, context)
        _say("result", id=context.job["id"], **outcome)

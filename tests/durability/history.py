"""What clients did and what came of it: one operation a line, in the order of their beginning.

An operation ends `ok` (answered with success), `fail` (refused, so it had no effect) or `unknown`
(no answer, or an answer that promises nothing: it may have had its effect, now or never)."""

import hashlib
import itertools
import json
import threading
import time
from dataclasses import asdict, dataclass, field


@dataclass(eq=False)
class Operation:
    number: int
    action: str
    start: float
    params: dict
    end: float | None = None
    outcome: str = "pending"
    result: dict = field(default_factory=dict)

    def __getattr__(self, name):
        """Parameters and results read like members; None when there is no such one."""
        if name.startswith("__") or name in ("params", "result"):
            raise AttributeError(name)
        return self.result.get(name, self.params.get(name))

    @property
    def effective(self):
        """It had its effect, or may have had it."""
        return self.outcome != "fail"

    def finish(self, outcome, **result):
        self.end, self.outcome, self.result = time.monotonic(), outcome, result

    def ok(self, **result):
        self.finish("ok", **result)

    def fail(self, **result):
        self.finish("fail", **result)

    def unknown(self, **result):
        self.finish("unknown", **result)


class History:
    """Thread-safe. Actions and their members:

    send      queue key digest group dedup delay -> id sequence
    receive   queue visibility -> messages: [{id key digest count sequence group}]
    delete, change   queue id
    purge, delete_queue, redrive   queue
    set       queue name value      get   queue name -> value
    kill, power   from the moment it happened until the server was back
    drained   queues: every one of them was received from and deleted from until it was empty
    """

    def __init__(self):
        self.operations = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def begin(self, action, **params):
        with self._lock:
            operation = Operation(next(self._numbers), action, time.monotonic(), params)
            self.operations.append(operation)
        return operation

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for operation in self.operations:
                file.write(json.dumps(asdict(operation)) + "\n")

    def summary(self):
        counts = {}
        for one in self.operations:
            counts.setdefault(one.action, {}).setdefault(one.outcome, 0)
            counts[one.action][one.outcome] += 1
        return "; ".join(
            f"{action} " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(by.items()))
            for action, by in sorted(counts.items())
        )


def digest(body, attributes=None):
    """Of what a message carries: what was sent and what was delivered must have the same."""
    text = body + "\0" + json.dumps(attributes or {}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

#!/usr/bin/env python3
"""Runs the jobs of a queue, one at a time, until SIGTERM or Ctrl-C: ./worker.py mail"""

import os
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.error

from tranter_jobs import Refused, call

LEASE = 30  # seconds; the server gives the job to another worker when it hears nothing for so long


def welcome(payload):
    print(f"welcome, {payload['name']}", flush=True)
    return {"greeted": payload["name"]}


HANDLERS = {"email.welcome": welcome}


class Heartbeat(threading.Thread):
    """Renews the lease of a job while its handler runs."""

    def __init__(self, queue, receipt):
        super().__init__(daemon=True)
        self.queue, self.receipt = queue, receipt
        self.done = threading.Event()

    def run(self):
        body = {"receipts": [self.receipt], "lease": f"{LEASE}s"}
        while not self.done.wait(LEASE / 3):
            try:
                call(f"/v1/queues/{self.queue}/extend", body)
            except (Refused, OSError) as error:
                print(f"cannot renew the lease: {error}", file=sys.stderr)

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.done.set()


def outcome_of(job):
    """What the server should be told about an attempt."""
    handler = HANDLERS.get(job["type"])
    if handler is None:
        return {"outcome": "dead", "reason": f"no handler for {job['type']}"}
    try:
        return {"outcome": "completed", "result": handler(job["payload"])}
    except Exception as error:  # the server tries again, as the retry policy of the job says
        text = "".join(traceback.format_exception(error))
        return {"outcome": "failed", "error": {"type": type(error).__name__, "text": text}}


def main():
    queue = sys.argv[1]
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    worker = f"{socket.gethostname()}-{os.getpid()}"
    request = {"jobs_max": 1, "lease": f"{LEASE}s", "wait": "5s", "worker": worker}
    while not stopping.is_set():
        try:
            jobs = call(f"/v1/queues/{queue}/receive", request)["jobs"]
            for job in jobs:
                with Heartbeat(queue, job["receipt"]):
                    settlement = outcome_of(job)
                settlement["receipt"] = job["receipt"]
                answer = call(f"/v1/queues/{queue}/settle", {"settlements": [settlement]})
                for result in answer["results"]:
                    if "error" in result:
                        print(f"job {job['id']}: {result['error']['detail']}", file=sys.stderr)
        except (urllib.error.URLError, OSError, Refused) as error:
            print(f"{error}; trying again", file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()

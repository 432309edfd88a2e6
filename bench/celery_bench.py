#!/usr/bin/python3
"""Celery with its prefork pool on Redis, for what bench/workers.py measures of `tranter work`.

Usage: celery_bench.py throughput|latency PORT JOBS CONCURRENCY     prints JSON
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import celery
import redis

PORT = int(os.environ.get("CELERY_BENCH_PORT", sys.argv[2] if len(sys.argv) > 2 else 6379))
URL = f"redis://127.0.0.1:{PORT}/0"
PATIENCE_SECONDS = 60

app = celery.Celery("celery_bench", broker=URL, backend=URL)
app.conf.worker_hijack_root_logger = False


@app.task(name="noop", ignore_result=True)
def noop(number, text):
    """Nothing."""


@app.task(name="started")
def started():
    """When it began, on a clock that all processes share."""
    return time.monotonic_ns()


@contextlib.contextmanager
def worker(concurrency):
    """Its processes run once this begins."""
    words = [sys.executable, "-m", "celery", "-A", "celery_bench", "worker", "--loglevel", "ERROR",
             "--pool", "prefork", "--concurrency", str(concurrency), "--queues", "warm"]
    process = subprocess.Popen(
        words, cwd=Path(__file__).parent, env={**os.environ, "CELERY_BENCH_PORT": str(PORT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(20 * concurrency):
            started.apply_async(queue="warm").get(timeout=PATIENCE_SECONDS)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def throughput(jobs, concurrency):
    store = redis.Redis(port=PORT)
    with worker(concurrency):
        with app.producer_pool.acquire() as producer:
            for number in range(jobs):
                noop.apply_async((number, "x" * 225), queue="bench", producer=producer)
        began = time.monotonic()
        app.control.add_consumer("bench")
        while store.llen("bench") or store.hlen("unacked"):
            time.sleep(0.002)
        return {"rate": jobs / (time.monotonic() - began)}


def latency(jobs, concurrency):
    times = []
    with worker(concurrency):
        for _ in range(jobs):
            began = time.monotonic_ns()
            times.append(started.apply_async(queue="warm").get(timeout=PATIENCE_SECONDS) - began)
    times.sort()
    return {f"p{share}_us": times[len(times) * share // 100] / 1e3 for share in (50, 90, 99)}


def main():
    mode, _, jobs, concurrency = sys.argv[1:]
    run = {"throughput": throughput, "latency": latency}[mode]
    print(json.dumps(run(int(jobs), int(concurrency))))


if __name__ == "__main__":
    main()

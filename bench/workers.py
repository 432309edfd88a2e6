"""Benchmarks of `tranter work` with handlers that are no C++, and of BullMQ, Celery and Sidekiq for
the same.

Nothing is pinned: server, worker and handlers share the cores, as on a small machine. Every run begins
with jobs that wait in a queue and handlers that have started.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jobs
import settings
from load import run_load
from servers import (BENCH, PATIENCE_SECONDS, DataDirectory, Missing, Server, binary, debian,
                     free_port, node)
from tables import median_of, spread_of, table, verdict, verdict_at_least

POOL = 2  # processes
WARM_UP_JOBS = 500
CHILD_JOBS, EXEC_JOBS, HTTP_JOBS, PEER_JOBS = 30_000, 4_000, 30_000, 5_000
HTTP_CONCURRENCY = 16
SIDEKIQ_THREADS = 10  # of its one process; what it has by default, and faster than POOL
LATENCY_JOBS = 1_000
IDLE_SECONDS = 20
QUEUE = "bench"
NOOP = {"type": "noop", "payload": {"number": 1, "text": "x" * 225}}
REDIS = {"Redis, appendfsync always": "appendfsync always", "Redis, no persistence": "in memory"}


def child_handler():
    return f'child = ["{node()}", "{BENCH / "noop_child.mjs"}"]\nprocesses = {POOL}\n'


EXEC_HANDLER = 'exec = ["/bin/true"]\n'


def http_handler(port):
    return f'http = "http://127.0.0.1:{port}/"\nallow_addresses = ["127.0.0.0/8"]\n'


class Api:
    """The Jobs API over one connection."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)

    def call(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body)
        self._connection.request(method or ("GET" if body is None else "POST"), path, data,
                                 {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"{path}: status {answer.status}, {text.decode()}")
        return json.loads(text) if text else None

    def close(self):
        """The next call opens it again."""
        self._connection.close()

    def enqueue(self, count):
        for begin in range(0, count, 1000):
            self.call(f"/v1/queues/{QUEUE}/jobs", [NOOP] * min(1000, count - begin))

    def pause(self, paused):
        self.call(f"/v1/queues/{QUEUE}/{'pause' if paused else 'resume'}", method="POST")


class Worker:
    """A running `tranter work`. Use it in a `with`."""

    def __init__(self, server, handler, concurrency):
        self._folder = tempfile.TemporaryDirectory(prefix="tranter-bench-")
        config = Path(self._folder.name) / "tranter.toml"
        config.write_text(f"[handlers.noop]\n{handler}")
        port = free_port()
        words = [binary("tranter"), "work", "--config", str(config), "--queue", QUEUE,
                 "--provider", f"http://127.0.0.1:{server.admin_port}", "--concurrency",
                 str(concurrency), "--health", f"127.0.0.1:{port}", "--log-level", "warn"]
        self.process = subprocess.Popen([*settings.PRIORITY, *words], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._health = Api(port)
        try:
            self._wait(lambda: self._attempts() is not None)
        except RuntimeError:
            self.__exit__()
            raise

    def _wait(self, condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the worker did not do its jobs")
            time.sleep(0.005)

    def _attempts(self):
        try:
            return self._health.call("/health")["attempts"]
        except (OSError, RuntimeError):  # not yet
            self._health.close()
            return None

    def wait_for(self, completed):
        self._wait(lambda: (self._attempts() or {"completed": 0})["completed"] >= completed)

    def cpu_seconds(self):
        return cpu_of(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        self._folder.cleanup()


def fields_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_of(pid):
    """User and system seconds of all its threads so far."""
    user, system = fields_of(pid)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def throughput(name, handler, concurrency, count):
    with Server(name, pinned=False) as server:
        api = Api(server.admin_port)
        api.enqueue(WARM_UP_JOBS)
        with Worker(server, handler, concurrency) as worker:
            worker.wait_for(WARM_UP_JOBS)
            api.pause(True)
            api.enqueue(count)
            before = worker.cpu_seconds(), server.cpu_seconds()
            began = time.monotonic()
            api.pause(False)
            worker.wait_for(WARM_UP_JOBS + count)
            seconds = time.monotonic() - began
            used = worker.cpu_seconds() - before[0], server.cpu_seconds() - before[1]
    return {"rate": count / seconds, "worker_us": used[0] / count * 1e6,
            "server_us": used[1] / count * 1e6}


def on_redis(name, run):
    with Server(name, pinned=False) as server:
        return run(server)


def bullmq(server, mode, **options):
    if not (BENCH / "node_modules" / "bullmq").is_dir():
        raise Missing("bullmq is not installed (npm ci in bench/)")
    options = {"concurrency": POOL, "pid": server.process.pid, **options}
    words = [node(), str(BENCH / "bullmq.mjs"), mode, str(server.port), *jobs.options_of(options)]
    found = jobs.run_json(words, pinned=False)
    if "client_us" in found:
        found["worker_us"] = found["client_us"]
    return found


def celery(server, mode, count):
    words = [sys.executable, str(BENCH / "celery_bench.py"), mode, str(server.port), str(count),
             str(POOL)]
    return jobs.run_json(words, pinned=False)


def sidekiq(server, mode, count):
    debian("sidekiq", "ruby-sidekiq")
    words = [debian("ruby"), str(BENCH / "sidekiq_bench.rb"), mode, str(server.port), str(count),
             str(SIDEKIQ_THREADS), str(server.process.pid)]
    return jobs.run_json(words, pinned=False)


def rates(results):
    rows = [[name, f"{median_of(found, 'rate'):,.0f}",
             *(spread_of(found, key) if key in found[0] else "" for key in
               ("worker_us", "server_us"))]
            for name, found in results.items()]
    return table(["", "jobs/s", "worker CPU us/job", "server CPU us/job"], rows)


# ---- throughput ----------------------------------------------------------------------------------


def child():
    shape = (child_handler(), POOL, CHILD_JOBS)
    runs = {name.replace("tranter", "tranter work, child"):
            lambda name=name: throughput(name, *shape) for name in ("tranter, sync", "tranter")}
    for name, level in REDIS.items():
        runs[f"BullMQ 6, sandboxed, {level}"] = lambda name=name: on_redis(
            name, lambda server: bullmq(server, "process", jobs=PEER_JOBS, sandbox=1))
        runs[f"BullMQ 6, in its process, {level}"] = lambda name=name: on_redis(
            name, lambda server: bullmq(server, "process", jobs=PEER_JOBS))
        runs[f"Celery 5.2, prefork, {level}"] = lambda name=name: on_redis(
            name, lambda server: celery(server, "throughput", PEER_JOBS))
        runs[f"Sidekiq 6.4, {SIDEKIQ_THREADS} threads, {level}"] = lambda name=name: on_redis(
            name, lambda server: sidekiq(server, "throughput", PEER_JOBS))
    results = jobs.take_turns(runs)
    ours = median_of(results["tranter work, child, sync"], "rate")
    peer = median_of(results["BullMQ 6, sandboxed, appendfsync always"], "rate")
    return [*rates(results), "",
            verdict_at_least("child, sync", ours, 5_000, "jobs/s"),
            f"- of BullMQ sandboxed with appendfsync always: {ours / peer:.1f} times"]


def spawn_loop(kind):
    return jobs.run_json([binary("spawn_loop"), str(POOL), str(EXEC_JOBS), kind, "/bin/true"],
                         pinned=False)


def command():
    results = jobs.take_turns({
        "posix_spawn and wait, no worker": lambda: spawn_loop("bare"),
        "the same with three pipes": lambda: spawn_loop("pipes"),
        "tranter work, exec, sync": lambda: throughput("tranter, sync", EXEC_HANDLER, POOL,
                                                       EXEC_JOBS),
    })
    bare, pipes, ours = (median_of(found, "rate") for found in results.values())
    return [*rates(results), "",
            verdict_at_least("exec, of the bare loop", ours / bare * 100, 80, "%"),
            f"- of the loop with pipes: {ours / pipes * 100:.0f} %"]


def endpoint():
    with Responder() as responder:
        results = jobs.take_turns({
            "the endpoint alone": responder.measure,
            "tranter work, http, sync": lambda: throughput(
                "tranter, sync", http_handler(responder.port), HTTP_CONCURRENCY, HTTP_JOBS),
        })
    alone, ours = (median_of(found, "rate") for found in results.values())
    return [*rates(results), "",
            verdict_at_least("http, sync", ours, 5_000, "jobs/s"),
            f"- of what the endpoint does alone: {ours / alone * 100:.0f} %"]


class Responder:
    """A bare endpoint, and what it does when the load generator asks it."""

    def __init__(self):
        self._server = Server("bare responder", pinned=False)
        self.port = self._server.port

    def measure(self):
        return {"rate": run_load("send", self.port, pinned=False, connections=HTTP_CONCURRENCY,
                                 seconds=2, warmup=0.3,
                                 server_pid=self._server.process.pid)["rate"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop()


# ---- latency -------------------------------------------------------------------------------------


def job_times(name):
    """From the call that enqueues a job until a child begins it, one job at a time."""
    times = []
    with Server(name, pinned=False) as server, Worker(server, child_handler(), POOL) as worker:
        api = Api(server.admin_port)
        api.enqueue(WARM_UP_JOBS)
        worker.wait_for(WARM_UP_JOBS)
        for _ in range(LATENCY_JOBS):
            began = time.monotonic_ns()
            job = api.call(f"/v1/queues/{QUEUE}/jobs", NOOP)["id"]
            record = api.call(f"/v1/jobs/{job}/wait?timeout=30s")
            times.append((int(record["result"]) - began) / 1e3)
    times.sort()
    return {f"p{share}_us": times[len(times) * share // 100] for share in (50, 90, 99)}


def commit_time():
    """Of one append and sync, without anything else."""
    with DataDirectory() as directory:
        words = [binary("raw_commit"), str(directory / "records"), "1", "1", "2", "loop"]
        found = jobs.run_json(words, pinned=False)
    return {"p50_us": found["p50_us"], "p99_us": found["p99_us"]}


def latency():
    runs = {"append + sync, no server": commit_time}
    for name in ("tranter, sync", "tranter"):
        runs[name.replace("tranter", "tranter work, child")] = lambda name=name: job_times(name)
    for name, level in REDIS.items():
        runs[f"BullMQ 6, sandboxed, {level}"] = lambda name=name: on_redis(
            name, lambda server: bullmq(server, "latency", jobs=LATENCY_JOBS, sandbox=1))
        runs[f"Celery 5.2, prefork, {level}"] = lambda name=name: on_redis(
            name, lambda server: celery(server, "latency", LATENCY_JOBS))
        runs[f"Sidekiq 6.4, {SIDEKIQ_THREADS} threads, {level}"] = lambda name=name: on_redis(
            name, lambda server: sidekiq(server, "latency", LATENCY_JOBS))
    results = jobs.take_turns(runs)
    rows = [[name, *(f"{median_of(found, key):.0f}" if key in found[0] else ""
                     for key in ("p50_us", "p90_us", "p99_us"))]
            for name, found in results.items()]
    commit = median_of(results["append + sync, no server"], "p50_us")
    ours = median_of(results["tranter work, child, sync"], "p50_us")
    return [*table(["from enqueueing to the handler", "p50 us", "p90 us", "p99 us"], rows), "",
            verdict("child, sync, p50 less one commit", (ours - commit) / 1e3, 2, "ms", 2)]


# ---- idle ----------------------------------------------------------------------------------------


def run_time_ns(pid):
    """On a processor, of all its threads."""
    return sum(int(Path(task, "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir())


def memory_mb(pid):
    """(RSS, what of it no other process has)"""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}
    return kb["Rss"] * 1024 / 1e6, (kb["Private_Clean"] + kb["Private_Dirty"]) * 1024 / 1e6


def idle():
    """After jobs were done, so that everything is there that a worker needs."""
    rows, figures = [], []
    with Server("tranter, sync", pinned=False) as server, Responder() as responder:
        api = Api(server.admin_port)
        for name, handler in {"exec": EXEC_HANDLER, "child": child_handler(),
                              "http": http_handler(responder.port)}.items():
            with Worker(server, handler, POOL) as worker:
                api.enqueue(WARM_UP_JOBS)
                worker.wait_for(WARM_UP_JOBS)
                time.sleep(1)  # whatever it still has to say
                before = run_time_ns(worker.process.pid)
                time.sleep(IDLE_SECONDS)
                used = (run_time_ns(worker.process.pid) - before) / 1e6
                memory, own = memory_mb(worker.process.pid)
            figures.append((memory, used))
            rows.append([f"tranter work, {name}", f"{memory:.1f}", f"{own:.1f}", f"{used:.1f}"])
    return [*table(["idle", "RSS MB", "of it in no other process MB",
                    f"CPU ms in {IDLE_SECONDS} s"], rows), "",
            verdict("RSS", max(memory for memory, _ in figures), 15, "MB"),
            verdict(f"CPU in {IDLE_SECONDS} s", max(used for _, used in figures), 10, "ms")]


ALL = {
    "workers_child": (child, "Workers: long-lived children"),
    "workers_exec": (command, "Workers: a command for each job"),
    "workers_http": (endpoint, "Workers: an endpoint"),
    "workers_latency": (latency, "Workers: from enqueue to start"),
    "workers_idle": (idle, "Workers: at rest"),
}

"""Benchmarks of the job library, and of BullMQ for the same.

In-process stores run on all cores, as a program would use them. Of a server and its client each gets a
core of its own, also for BullMQ and its Redis.
"""

import json
import subprocess

import settings
from load import REPEATS
from servers import BENCH, LOAD_CORE, DataDirectory, Missing, Server, binary, node
from tables import median_of, spread_of, table, verdict, verdict_at_least

PRODUCERS = 64  # each has one call outstanding
CONCURRENCY = 100  # handlers at a time
BATCH = 100  # jobs in a call
IN_PROCESS_BATCH = 1_000
MEMORY_JOBS = 400_000
DURABLE_JOBS = 100_000
SINGLE_JOBS = 40_000  # where each call waits for a disk
PEER_JOBS = 20_000
LATENCY_JOBS = 3_000
FINISHED_JOBS = 1_000_000

SERVERS = ["tranter, sync", "tranter, os", "tranter"]
REDIS = ["Redis, appendfsync always", "Redis, no persistence"]


def run_json(words, pinned):
    if pinned:
        words = ["taskset", "-c", LOAD_CORE, *words]
    output = subprocess.run([*settings.PRIORITY, *words], stdout=subprocess.PIPE, text=True,
                            check=False)
    if output.returncode != 0 or not output.stdout:
        raise RuntimeError(f"{' '.join(words)} failed with {output.returncode}")
    return json.loads(output.stdout)


def options_of(options):
    return [f"{name}={value}" for name, value in options.items()]


def ours(mode, url, pinned=False, **options):
    return run_json([binary("jobs_bench"), mode, url, *options_of(options)], pinned)


def bullmq(mode, port, **options):
    if not (BENCH / "node_modules" / "bullmq").is_dir():
        raise Missing("bullmq is not installed (npm ci in bench/)")
    words = [node(), str(BENCH / "bullmq.mjs"), mode, str(port), *options_of(options)]
    return run_json(words, pinned=True)


def on_server(name, mode, **options):
    """One fresh server, pinned to its core, with the client on the other."""
    with Server(name) as server:
        pid = server.process.pid
        if name in REDIS:
            return bullmq(mode, server.port, pid=pid, **options)
        return ours(mode, f"http://127.0.0.1:{server.admin_port}", pinned=True, pid=pid, **options)


def in_process(kind, mode, **options):
    """memory, or file with a durability, in a directory of its own."""
    if kind == "memory":
        return ours(mode, "memory:", **options)
    with DataDirectory() as directory:
        return ours(mode, f"file:{directory}/data", durability=kind.split()[1], **options)


def take_turns(runs):
    """{name: [result of each repeat]}"""
    results = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            results[name].append(run())
    return results


# ---- in a process ------------------------------------------------------------------------------


def rate_table(results, columns):
    """`results` is {(row, column): [...]}."""
    rows = []
    for row in dict.fromkeys(name for name, _ in results):
        cells = []
        for column in columns:
            found = results.get((row, column))
            cells.append(f"{median_of(found, 'rate'):,.0f} ({median_of(found, 'client_us'):.1f} us)"
                         if found else "")
        rows.append([row, *cells])
    return table(["jobs/s (CPU per job)", *columns], rows)


def library():
    shapes = {
        "enqueue, one per call": {"mode": "enqueue", "batch": 1, "producers": PRODUCERS},
        "enqueue, batches": {"mode": "enqueue", "batch": IN_PROCESS_BATCH, "producers": 1},
        "process": {"mode": "process", "concurrency": 1},
        "both, batches": {"mode": "both", "batch": IN_PROCESS_BATCH, "producers": 1,
                          "concurrency": 1},
    }
    runs = {}
    for kind, jobs in [("memory", MEMORY_JOBS), ("file os", DURABLE_JOBS),
                       ("file sync", DURABLE_JOBS)]:
        for column, shape in shapes.items():
            runs[kind, column] = lambda kind=kind, shape=shape, jobs=jobs: in_process(
                kind, jobs=jobs, **shape)
    both = shapes["both, batches"]
    runs["memory, no history", "both, batches"] = lambda: in_process(
        "memory", jobs=MEMORY_JOBS, history=0, **both)
    runs["file sync, no history", "both, batches"] = lambda: in_process(
        "file sync", jobs=DURABLE_JOBS, history=0, **both)
    results = take_turns(runs)

    def rate(row):
        return median_of(results[row, "both, batches"], "rate")

    def without(row):
        return (1 - rate(row) / rate(f"{row}, no history")) * 100

    return [*rate_table(results, list(shapes)), "",
            verdict_at_least("memory, enqueue and process in batches", rate("memory"), 300_000,
                             "jobs/s"),
            verdict("memory, what the history costs", without("memory"), 5, "%"),
            verdict("file sync, what the history costs", without("file sync"), 5, "%")]


# ---- latency -----------------------------------------------------------------------------------


def latency():
    shape = {"jobs": LATENCY_JOBS, "concurrency": 1}
    runs = {kind: lambda kind=kind: in_process(kind, "latency", **shape)
            for kind in ["memory", "file os", "file sync"]}
    for name in ["tranter", "tranter, sync", *REDIS]:
        title = f"BullMQ on {name}" if name in REDIS else name.replace("tranter", "http")
        runs[title] = lambda name=name: on_server(name, "latency", **shape)
    results = take_turns(runs)
    keys = ("p50_us", "p90_us", "p99_us", "max_us")
    rows = [[name, *(f"{median_of(found, key):.0f}" for key in keys)]
            for name, found in results.items()]
    return [*table(["from enqueue() to the handler", "p50 us", "p90 us", "p99 us", "max us"], rows),
            "",
            verdict("memory, p50", median_of(results["memory"], "p50_us"), 50, "us"),
            verdict("memory, p99", median_of(results["memory"], "p99_us") / 1e3, 1, "ms", 2)]


# ---- over a server -----------------------------------------------------------------------------


def server_shapes():
    concurrency = {"concurrency": CONCURRENCY}
    return {
        "enqueue, one per call": {"mode": "enqueue", "producers": PRODUCERS},
        f"enqueue, batches of {BATCH}": {"mode": "enqueue", "producers": PRODUCERS, "batch": BATCH},
        "process": {"mode": "process", **concurrency},
        "both, one per call": {"mode": "both", "producers": PRODUCERS, **concurrency},
        f"both, batches of {BATCH}": {"mode": "both", "producers": PRODUCERS, "batch": BATCH,
                                      **concurrency},
    }


def jobs_for(name, shape):
    if name in REDIS:
        return PEER_JOBS
    return SINGLE_JOBS if shape.get("batch", 1) == 1 else DURABLE_JOBS


def server_table(results):
    rows = [[name.replace("Redis", "BullMQ 6, Redis"), f"{median_of(found, 'rate'):,.0f}",
             spread_of(found, "client_us"), spread_of(found, "server_us")]
            for name, found in results.items()]
    return table(["", "jobs/s", "client CPU us/job", "server CPU us/job"], rows)


def server():
    lines, verdicts = [], []
    for title, shape in server_shapes().items():
        results = take_turns({
            name: lambda name=name: on_server(name, jobs=jobs_for(name, shape), **shape)
            for name in [*SERVERS, *REDIS]})
        lines += [f"{title[0].upper()}{title[1:]}:", "", *server_table(results), ""]
        rate = median_of(results["tranter, sync"], "rate")
        if title == f"both, batches of {BATCH}":
            verdicts.append(verdict_at_least(f"sync, {title}", rate, 20_000, "jobs/s"))
        peer = median_of(results["Redis, appendfsync always"], "rate")
        verdicts.append(verdict_at_least(f"sync, {title}, of BullMQ with appendfsync always",
                                         rate / peer, 5, "times", 1))
    return [*lines, *verdicts]


# ---- finished jobs -----------------------------------------------------------------------------


def finished():
    found = in_process("file os", "finished", jobs=FINISHED_JOBS)
    questions = {name: value for name, value in found.items()
                 if name not in ("rate", "client_us", "server_us", "kept")}
    rows = [[name, f"{value:.2f}"] for name, value in questions.items()]
    return [*table([f"first 50 of {found['kept']:,} finished jobs", "ms"], rows), "",
            verdict("slowest question", max(questions.values()), 50, "ms")]


ALL = {
    "jobs_library": (library, "Jobs in one process"),
    "jobs_latency": (latency, "Jobs, from enqueue to start"),
    "jobs_server": (server, "Jobs over a server, and BullMQ"),
    "jobs_finished": (finished, "A million finished jobs"),
}

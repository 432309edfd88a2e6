"""Benchmarks of jobs in PostgreSQL, and of graphile-worker, pg-boss and BullMQ for the same.

Nothing is pinned: the database and its client share the cores, as on a small machine. Each run has a
database of its own, with the settings that PostgreSQL comes with. The CPU of the server is that of all
its processes.
"""

import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import jobs
import settings
from schedule_parts import tree_of
from servers import BENCH, POSTGRES, Missing, Server, binary, node
from tables import median_of, spread_of, table, verdict, verdict_at_least
from workers import run_time_ns

PRODUCERS, CONCURRENCY = 10, 10
BATCH = 100
SINGLE_JOBS, BATCHED_JOBS, LATENCY_JOBS = 10_000, 100_000, 1_000
IDLE_WORKERS, IDLE_SECONDS = 100, 20
OURS = "tranter"
GRAPHILE, PG_BOSS, BULLMQ = "graphile-worker 0.18", "pg-boss 12", "BullMQ 6 on PostgreSQL"
PACKAGES = {GRAPHILE: "graphile-worker", PG_BOSS: "pg-boss", BULLMQ: "bullmq"}
SCRIPT = str(BENCH / "postgres_peers.mjs")


def url_of(server):
    return f"postgres://postgres@127.0.0.1:{server.port}/postgres"


def ask(server, sql):
    words = [f"{POSTGRES}/psql", "-qAtX", url_of(server), "-c", sql]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def run_once(name, peer, mode, server, **options):
    if name == OURS:
        return jobs.ours(mode, url_of(server), pid=server.process.pid, **options)
    if not (BENCH / "node_modules" / PACKAGES[name]).is_dir():
        raise Missing(f"{PACKAGES[name]} is not installed (npm ci in bench/)")
    words = [node(), SCRIPT, peer, mode, str(server.port), f"pid={server.process.pid}"]
    return jobs.run_json([*words, *jobs.options_of(options)], pinned=False)


def on_database(name, peer, mode, **options):
    with Server("PostgreSQL", pinned=False) as server:
        return run_once(name, peer, mode, server, **options)


def compared(peers, mode, our_mode=None, **options):
    """Of us and `peers`, which says what each is called by the script."""
    runs = {OURS: lambda: on_database(OURS, None, our_mode or mode, **options)}
    for name, peer in peers.items():
        runs[name] = lambda name=name, peer=peer: on_database(name, peer, mode, **options)
    return jobs.take_turns(runs)


def rates(results):
    rows = [[name, f"{median_of(found, 'rate'):,.0f}", spread_of(found, "client_us"),
             spread_of(found, "server_us")] for name, found in results.items()]
    return table(["", "jobs/s", "client CPU us/job", "server CPU us/job"], rows)


def rate_verdict(what, results, peer):
    ours, theirs = (median_of(results[name], "rate") for name in (OURS, peer))
    return verdict_at_least(f"{what}, of {peer}", ours / theirs, 1, "times", 1)


def cpu_verdict(what, results, key, share):
    ours, theirs = (median_of(results[name], key) for name in (OURS, GRAPHILE))
    return verdict(f"{what}, of graphile-worker's", ours / theirs, share, "times", 2)


# ---- in ------------------------------------------------------------------------------------------


def enqueue():
    peers = {GRAPHILE: "graphile", PG_BOSS: "pgboss", BULLMQ: "bullmq"}
    lines, verdicts = [], []
    for title, batch, count in [("One per call", 1, SINGLE_JOBS),
                                (f"Batches of {BATCH}", BATCH, BATCHED_JOBS)]:
        results = compared(peers, "enqueue", jobs=count, batch=batch, producers=PRODUCERS)
        lines += [f"{title}, {PRODUCERS} producers:", "", *rates(results), ""]
        verdicts += [rate_verdict(title, results, peer) for peer in peers]
    return [*lines, *verdicts]


# ---- out -----------------------------------------------------------------------------------------


def process():
    batched = compared({GRAPHILE: "graphile_batched", PG_BOSS: "pgboss_batched"}, "process",
                       jobs=BATCHED_JOBS, concurrency=CONCURRENCY)
    single = compared({GRAPHILE: "graphile", BULLMQ: "bullmq"}, "process", "one_by_one",
                      jobs=SINGLE_JOBS, concurrency=CONCURRENCY)
    return [f"As it comes, graphile-worker with its local queue of 500, pg-boss in batches of 500, "
            f"{CONCURRENCY} at a time:", "", *rates(batched), "",
            f"One per call, {CONCURRENCY} at a time:", "", *rates(single), "",
            *(rate_verdict("batched", batched, name) for name in batched if name != OURS),
            *(rate_verdict("one per call", single, name) for name in single if name != OURS),
            cpu_verdict("client CPU, batched", batched, "client_us", 0.5),
            cpu_verdict("server CPU, batched", batched, "server_us", 1)]


def latency():
    peers = {GRAPHILE: "graphile", PG_BOSS: "pgboss", BULLMQ: "bullmq"}
    results = compared(peers, "latency", jobs=LATENCY_JOBS, concurrency=1)
    with Server("PostgreSQL", pinned=False) as server:
        commit = commit_ms(server)
    keys = ("p50_us", "p90_us", "p99_us", "max_us")
    rows = [[name, *(f"{median_of(found, key) / 1e3:.1f}" for key in keys)]
            for name, found in results.items()]
    ours = median_of(results[OURS], "p50_us") / 1e3
    return [*table(["ms from enqueue to the handler", "p50", "p90", "p99", "max"], rows), "",
            f"One commit of one row: {commit:.1f} ms.", "",
            verdict("p50 without that", ours - commit, 3, "ms")]


def commit_ms(server):
    """Of one row after the other on one connection."""
    ask(server, "CREATE TABLE one(id integer)")
    words = [f"{POSTGRES}/pgbench", "-n", "-f", "/dev/stdin", "-t", "1000", url_of(server)]
    output = subprocess.run(words, input="INSERT INTO one VALUES(1);", stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("latency average"))
    return float(line.split("=")[1].split()[0])


# ---- at rest -------------------------------------------------------------------------------------


def cpu_seconds(server):
    return sum(run_time_ns(pid) for pid in tree_of(server.process.pid)) / 1e9


def idle():
    """Workers that wait for jobs that do not come."""
    with Server("PostgreSQL", "-c max_connections=500", pinned=False) as server, ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tranter-bench-"))
        config = Path(folder) / "tranter.toml"
        config.write_text('[handlers.noop]\nexec = ["/bin/true"]\n')
        for number in range(IDLE_WORKERS):
            words = [binary("tranter"), "work", "--config", str(config), "--provider",
                     url_of(server), "--queue", "bench", "--health", "127.0.0.1:0",
                     "--name", f"worker-{number}", "--log-level", "error"]
            worker = stack.enter_context(subprocess.Popen([*settings.PRIORITY, *words],
                                                          stdin=subprocess.DEVNULL))
            stack.callback(worker.terminate)
        time.sleep(IDLE_SECONDS)
        before = cpu_seconds(server)
        time.sleep(IDLE_SECONDS)
        share = (cpu_seconds(server) - before) / IDLE_SECONDS * 100
    return [verdict(f"{IDLE_WORKERS} idle workers, CPU of the server", share, 2, "% of a core", 2)]


ALL = {
    "postgres_enqueue": (enqueue, "PostgreSQL: enqueue"),
    "postgres_process": (process, "PostgreSQL: process"),
    "postgres_latency": (latency, "PostgreSQL: from enqueue to start"),
    "postgres_idle": (idle, "PostgreSQL: workers that wait"),
}

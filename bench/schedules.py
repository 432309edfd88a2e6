"""Benchmarks of `tranter schedule` and `tranter timers`, and of BullMQ and pg-boss for the same.

Nothing is pinned. Everything is registered and every process has started before a slot comes.
"""

import json
import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import jobs
import settings
from load import REPEATS
from schedule_parts import (PEERS, REST_PEERS, STORES, Peer, Process, Role, Store, ours, tree_of,
                            vacuum)
from servers import BENCH, PATIENCE_SECONDS, DataDirectory, Server, binary, node
from tables import median_of, spread_of, table, verdict
from workers import memory_mb, run_time_ns

SCHEDULES, SAME_SECOND, STORED, FAR_JOBS = 1_000, 10_000, 100_000, 1_000_000
IDLE_SECONDS = 20
PASS_SECONDS = 60  # two passes of pg-boss
LEAD_SECONDS = 6  # from registration to the first slot
PREVIEW_LINES = 20_000
SLOW_PEER = "pg-boss 12, as it comes"  # sends 50 jobs every five seconds
SERVER = "tranter, sync"
FROM = "2026-03-01T00:00:00Z"
EXPRESSIONS = [
    ("*/5 * * * *", "UTC"), ("0 9 * * 1-5", "America/New_York"), ("30 2 * * *", "Europe/Berlin"),
    ("0 0 1 * *", "Asia/Tokyo"), ("15 10 L * *", "UTC"), ("0 12 * * MON#1", "Europe/London"),
    ("*/10 30 8-18 * * 1-5", "America/Chicago"), ("0 0 29 2 *", "UTC"),
]


def moment(seconds):
    """So many seconds from now, at a full second, in milliseconds since 1970."""
    return (int(time.time()) + seconds) * 1000


def provider_of(server):
    return f"http://127.0.0.1:{server.admin_port}"


def watched(role_name, server, store, count, at):
    """Through a server, to a worker."""
    words = [binary("schedule_bench"), "watch", provider_of(server), str(count), f"at={at}"]
    with Role(role_name, store, provider_of(server)), Process(words) as worker:
        check_in_time(at)
        return worker.figures()


def schedules_watched(store_kind, kind, count):
    with Server(SERVER, pinned=False) as server, Store(store_kind) as store:
        at = moment(LEAD_SECONDS)
        ours("fill", store.url, kind, count, f"at={at}")
        return watched("schedule", server, store, count, at)


def peer_watched(name, kind, count, lead):
    peer = Peer(name)
    with Server(peer.server_name, pinned=False) as server:
        at = moment(lead)
        peer.run(server, "fill", kind, count, f"at={at}")
        with Process(peer.words(server, "watch", count, f"at={at}", f"kind={kind}")) as worker:
            check_in_time(at)
            return worker.figures()


def check_in_time(at):
    if time.time() * 1000 > at:
        raise RuntimeError("the first slot came before everything had started")


# ---- lateness ------------------------------------------------------------------------------------


def lateness():
    found = {f"tranter schedule, {kind}": schedules_watched(kind, "spread", SCHEDULES)
             for kind in STORES}
    for name in PEERS:
        found[name] = peer_watched(name, "spread", SCHEDULES, 2 * LEAD_SECONDS)
    keys = [f"{what}_{share}_ms" for what in ("enqueue", "start")
            for share in ("p50", "p99", "max")]
    rows = [[name, *(f"{one[key]:.1f}" if key in one else "" for key in keys)]
            for name, one in found.items()]
    head = ["ms after its time", "enqueued p50", "p99", "max", "handler p50", "p99", "max"]
    return [*table(head, rows), "",
            *(verdict(f"{kind}, enqueued, p99",
                      found[f"tranter schedule, {kind}"]["enqueue_p99_ms"], 100, "ms")
              for kind in STORES)]


# ---- at rest -------------------------------------------------------------------------------------


def rest_of(process, server, seconds):
    """What a process and the database behind it use while nothing is due."""
    if server and server.api == "sql":
        vacuum(server)  # or it would do so by itself meanwhile, after so many rows
    others = tree_of(server.process.pid) if server else []
    before = {pid: run_time_ns(pid) for pid in [process.pid, *others]}
    time.sleep(seconds)
    used = {pid: (run_time_ns(pid) - before[pid]) / seconds / 1e7 for pid in before
            if Path(f"/proc/{pid}").exists()}
    found = {"share": used.pop(process.pid), "memory": memory_mb(process.pid)[0]}
    if server:
        found["server_share"] = sum(used.values())
        found["server_memory"] = memory_mb(server.process.pid)[0]
    return found


def wait_until_quiet(pid):
    """Until it has read what it reads at its start."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        before = run_time_ns(pid)
        time.sleep(1)
        if run_time_ns(pid) - before < 20_000_000:
            return
    raise RuntimeError(f"process {pid} does not come to rest")


def role_at_rest(name, server, store):
    with Role(name, store, provider_of(server)) as process:
        wait_until_quiet(process.pid)
        return rest_of(process, store.server, IDLE_SECONDS)


def peer_at_rest(peer, server, seconds):
    with Process(peer.words(server, "idle")) as process:
        wait_until_quiet(process.pid)
        return rest_of(process, server, seconds)


def rest_table(title, found):
    rows = [[name, f"{one['rate']:,.0f}", f"{one['share']:.2f} %",
             f"{one['server_share']:.2f} %" if "server_share" in one else "",
             f"{one['memory']:.1f}",
             f"{one['server_memory']:.0f}" if "BullMQ" in name else ""]
            for name, one in found.items()]
    return table([title, "stored/s", "CPU of a core", "of its database", "RSS MB",
                  "RSS of Redis MB"], rows)


def rest_verdict(found):
    worst = max(one["share"] for name, one in found.items() if name.startswith("tranter"))
    return verdict("CPU at rest", worst, 1, "% of a core", 2)


def idle():
    found = {}
    for kind in STORES:
        with Server(SERVER, pinned=False) as server, Store(kind) as store:
            rate = ours("fill", store.url, "far", STORED)["rate"]
            found[f"tranter schedule, {kind}"] = {
                "rate": rate, **role_at_rest("schedule", server, store)}
    for name in REST_PEERS:
        peer = Peer(name)
        with Server(peer.server_name, pinned=False) as server:
            rate = peer.run(server, "fill", "far", STORED)["rate"]
            seconds = PASS_SECONDS if "boss" in name else IDLE_SECONDS
            found[name] = {"rate": rate, **peer_at_rest(peer, server, seconds)}
    return [*rest_table(f"{STORED:,} schedules, none due", found), "", rest_verdict(found)]


# ---- all at once ---------------------------------------------------------------------------------


def promoted(role_name, store, provider_kind, fill):
    """By a scheduler in the process that measures."""
    with ExitStack() as stack:
        server_words = []
        if provider_kind == "http":
            server = stack.enter_context(Server(SERVER, pinned=False))
            provider, server_words = provider_of(server), [f"pid={server.process.pid}"]
        elif provider_kind == "file":
            provider = f"file:{stack.enter_context(DataDirectory())}/data"
        else:
            provider = "memory:"
        at = moment(LEAD_SECONDS)
        ours(fill, store.url, "same", SAME_SECOND, f"at={at}")
        return ours("promote", store.url, provider, role_name, SAME_SECOND, f"at={at}",
                    *server_words)


def schedules_promoted(store_kind, provider_kind):
    with Store(store_kind) as store:
        return promoted("recurring", store, provider_kind, "fill")


def burst_lines(results, with_worker):
    rows = [[name, f"{median_of(found, 'seconds'):.2f}", f"{median_of(found, 'client_us'):.0f}",
             f"{median_of(found, 'server_us'):.0f}" if "http" in name else ""]
            for name, found in results.items()]
    worker_rows = [[name,
                    f"{one['enqueue_max_ms'] / 1e3:.2f}" if "enqueue_max_ms" in one else "",
                    f"{one['start_max_ms'] / 1e3:.2f}"] for name, one in with_worker.items()]
    worst = max(median_of(found, "seconds") for found in results.values())
    return [*table([f"{SAME_SECOND:,} at once", "until the last is enqueued s",
                    "scheduler CPU us/job", "server CPU us/job"], rows), "",
            *table(["with a worker", "until the last is enqueued s", "until the last has begun s"],
                   worker_rows), "",
            verdict("slowest, until the last is enqueued", worst, 2, "s", 2)]


def burst():
    results = jobs.take_turns({
        f"{store} to {provider}": lambda store=store, provider=provider: schedules_promoted(
            store, provider)
        for store in STORES for provider in ("memory", "file", "http")})
    with_worker = {f"tranter schedule, {kind}": schedules_watched(kind, "same", SAME_SECOND)
                   for kind in STORES}
    for name in PEERS:
        if name != SLOW_PEER:
            with_worker[name] = peer_watched(name, "same", SAME_SECOND, 5 * LEAD_SECONDS)
    return burst_lines(results, with_worker)


# ---- jobs for later ------------------------------------------------------------------------------


def timers():
    """On stores that hold a million jobs for later already."""
    results, at_rest, with_worker = {}, {}, {}
    for kind in STORES:
        name = f"tranter timers, {kind}"
        with Server(SERVER, pinned=False) as server, Store(kind) as store:
            rate = ours("fill_jobs", store.url, "far", FAR_JOBS)["rate"]
            at_rest[name] = {"rate": rate, **role_at_rest("timers", server, store)}
            results[f"{kind} to http"] = [
                promoted("timers", store, "http", "fill_jobs") for _ in range(REPEATS)]
            at = moment(LEAD_SECONDS)
            ours("fill_jobs", store.url, "same", SAME_SECOND, f"at={at}")
            with_worker[name] = watched("timers", server, store, SAME_SECOND, at)
    for name in REST_PEERS:
        peer = Peer(name)
        with Server(peer.server_name, pinned=False) as server:
            rate = peer.run(server, "fill_jobs", "far", FAR_JOBS)["rate"]
            at_rest[name] = {"rate": rate, **peer_at_rest(peer, server, IDLE_SECONDS)}
            at = moment(2 * LEAD_SECONDS)
            peer.run(server, "fill_jobs", "same", SAME_SECOND, f"at={at}")
            with Process(peer.words(server, "watch", SAME_SECOND, f"at={at}")) as worker:
                check_in_time(at)
                found = worker.figures()
            with_worker[name] = {"start_max_ms": found["start_max_ms"]}  # nothing moves them
    return [*rest_table(f"{FAR_JOBS:,} jobs for later, none due", at_rest), "",
            *burst_lines(results, with_worker), rest_verdict(at_rest)]


# ---- preview -------------------------------------------------------------------------------------


def preview_input(count):
    return "".join(
        json.dumps({"expr": expression, "tz": zone, "from": FROM, "count": 5}) + "\n"
        for number in range(count)
        for expression, zone in [EXPRESSIONS[number % len(EXPRESSIONS)]])


def preview_ours():
    """CPU of a process, less that of one with a single line."""
    def used(lines):
        words = [*settings.PRIORITY, binary("tranter"), "schedule", "preview", "--stdin"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True)
        process.stdin.write(preview_input(lines))
        process.stdin.close()
        _, _, usage = os.wait4(process.pid, 0)
        return usage.ru_utime + usage.ru_stime

    return {"line_us": (used(PREVIEW_LINES) - used(1)) / PREVIEW_LINES * 1e6}


def preview_peer():
    words = [*settings.PRIORITY, node(), str(BENCH / "preview.mjs")]
    output = subprocess.run(words, input=preview_input(PREVIEW_LINES), stdout=subprocess.PIPE,
                            text=True, check=True).stdout
    return json.loads(output)


def preview():
    results = jobs.take_turns({"tranter schedule preview --stdin": preview_ours,
                               "cron-parser 5, of BullMQ and pg-boss": preview_peer})
    rows = [[name, spread_of(found, "line_us")] for name, found in results.items()]
    return table(["an expression read, its next five firings printed", "CPU us"], rows)


ALL = {
    "schedules_lateness": (lateness, "Schedules: how late"),
    "schedules_idle": (idle, "Schedules: 100,000 at rest"),
    "schedules_burst": (burst, "Schedules: 10,000 in the same second"),
    "schedules_timers": (timers, "Jobs for later"),
    "schedules_preview": (preview, "Schedules: a preview"),
}

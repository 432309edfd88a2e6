"""What jobs in PostgreSQL leave behind: room on the disk, and work for those that come after them.

Peers and their programs are those of postgres.py.
"""

import subprocess
import threading
from contextlib import contextmanager

import jobs
from postgres import (BULLMQ, CONCURRENCY, GRAPHILE, OURS, PG_BOSS, POSTGRES, ask, run_once, url_of)
from servers import Server
from tables import table, verdict_at_least

MANY, FEWER = 1_000_000, 100_000  # pg-boss and BullMQ take minutes for a tenth
LONG_FLOW = 10_000_000
PARTS = 10
HELD_PART, HELD_SECONDS = 50_000, 90
BATCHED = {OURS: None, GRAPHILE: "graphile_batched", PG_BOSS: "pgboss_batched"}


def make_tables(name, peer, server):
    """By the first jobs, which have gone then."""
    run_once(name, peer, "enqueue", server, jobs=1_000, batch=1_000)
    run_once(name, peer, "drain", server, jobs=1_000, concurrency=CONCURRENCY)


# ---- room ----------------------------------------------------------------------------------------


def bytes_of_database(server):
    ask(server, "CHECKPOINT")
    return int(ask(server, "SELECT pg_database_size(current_database())"))


def bytes_of(server, relation):
    return int(ask(server, f"SELECT pg_total_relation_size('{relation}')"))


def sizes_of(name, peer, count):
    """Of the whole database, beyond what it has without jobs: while they wait, after they were
    done, and after a vacuum; in bytes a job."""
    with Server("PostgreSQL", "-c autovacuum=off", pinned=False) as server:
        make_tables(name, peer, server)
        empty = bytes_of_database(server)
        run_once(name, peer, "enqueue", server, jobs=count, batch=1_000, producers=4)
        sizes = [bytes_of_database(server)]
        run_once(name, peer, "drain", server, jobs=count, concurrency=CONCURRENCY)
        sizes.append(bytes_of_database(server))
        ask(server, "VACUUM")
        sizes.append(bytes_of_database(server))
        hot = bytes_of(server, "tranter.jobs") if name == OURS else None
    return [(size - empty) / count for size in sizes], hot


def space():
    rows = []
    for name, peer in {**BATCHED, BULLMQ: "bullmq"}.items():
        count = FEWER if name in (PG_BOSS, BULLMQ) else MANY
        sizes, of_ours = sizes_of(name, peer, count)
        rows.append([name, f"{count:,}", *(f"{size:,.0f}" for size in sizes)])
        hot = of_ours or hot
    return [*table(["bytes a job, with 256 of payload", "jobs", "waiting", "done", "after VACUUM"],
                   rows), "",
            f"Of {OURS}'s last figure {hot / MANY:,.1f} are the table of jobs, the rest history that "
            "can be searched; graphile-worker keeps nothing of a job that is done, BullMQ and "
            "pg-boss keep it where it was."]


# ---- a long flow ---------------------------------------------------------------------------------


def last_of_first(rates, parts):
    """0 when the last one was not reached."""
    return rates[-1] / rates[0] if len(rates) == parts else 0


class Sampled:
    """The largest size of a table while something runs beside."""

    def __init__(self, server, relation):
        self.largest = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server, relation))

    def _run(self, server, relation):
        there = f"SELECT to_regclass('{relation}') IS NOT NULL"
        while not self._stop.wait(0.5):
            if ask(server, there) == "t":
                self.largest = max(self.largest, bytes_of(server, relation))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.largest == 0:
            raise RuntimeError("the size of the table was not seen")


def bloat():
    """Ten million jobs one after the other, with maintenance as it comes with every worker."""
    with Server("PostgreSQL", pinned=False) as server:
        with Sampled(server, "tranter.jobs") as hot:
            found = jobs.ours("flow", url_of(server), pid=server.process.pid, jobs=LONG_FLOW,
                              parts=PARTS, concurrency=CONCURRENCY)
        counters = bytes_of(server, "tranter.queue_tallies")
    rates = found["rates"]
    return [*table(["million", *(str(number + 1) for number in range(len(rates)))],
                   [["jobs/s", *(f"{rate:,}" for rate in rates)]]), "",
            f"Server CPU {found['server_us']:.1f} us a job, with the making of periods and their "
            f"indexes. The table of jobs had {hot.largest / 1e6:,.0f} MB at most: this fast the "
            "server's autovacuum, which looks once a minute, does not keep up. That of counters has "
            f"{counters / 1e6:.1f} MB at the end.", "",
            verdict_at_least("the last million, of the first", last_of_first(rates, PARTS), 0.8,
                             "times", 2)]


# ---- an old snapshot -----------------------------------------------------------------------------


@contextmanager
def old_snapshot(server):
    """As pg_dump has one for as long as it runs."""
    words = [f"{POSTGRES}/psql", "-qAtX", url_of(server)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
        psql.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n")
        psql.stdin.flush()
        psql.stdout.readline()
        yield
        psql.stdin.close()


def held(name, peer):
    with Server("PostgreSQL", pinned=False) as server:
        make_tables(name, peer, server)
        with old_snapshot(server):
            found = run_once(name, peer, "flow", server, jobs=PARTS * HELD_PART,
                             parts=PARTS, seconds=HELD_SECONDS, concurrency=CONCURRENCY)
    return found["rates"]


def snapshot():
    results = {name: held(name, peer) for name, peer in BATCHED.items()}
    head = [f"jobs/s of each {HELD_PART:,}", *(str(part + 1) for part in range(PARTS))]
    rows = [[name, *(f"{rate:,}" for rate in rates), *[""] * (PARTS - len(rates))]
            for name, rates in results.items()]
    ours = results[OURS]
    return [*table(head, rows), "",
            f"An empty place was not reached within {HELD_SECONDS} seconds.", "",
            verdict_at_least("the last part, of the first", last_of_first(ours, PARTS), 0.8,
                             "times", 2)]


ALL = {
    "postgres_space": (space, "PostgreSQL: a million jobs on disk"),
    "postgres_bloat": (bloat, "PostgreSQL: ten million jobs in a row"),
    "postgres_snapshot": (snapshot, "PostgreSQL: jobs while somebody has an old snapshot open"),
}

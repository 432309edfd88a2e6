"""Jobs in PostgreSQL while its server, its connections and workers are killed: all of them complete,
none keeps its lease, and none runs twice without an accident that explains it. The workers believe
that they are on two machines whose clocks are a minute apart.

    TRANTER_CHAOS_SECONDS=120 TRANTER_CHAOS_JOBS=20000 TRANTER_CHAOS_SEED=1    the long form
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import threading
import time
import uuid

import pytest
from chaos_journal import PROGRAMS, Journal, Report
from postgres_proxy import AFTER, BEFORE, PostgresProxy
from postgres_server import PostgresServer
from waiting import eventually
from worker_process import WorkerProcess

SECONDS = float(os.environ.get("TRANTER_CHAOS_SECONDS", "8"))
JOBS = int(os.environ.get("TRANTER_CHAOS_JOBS", "2000"))
SEED = int(os.environ.get("TRANTER_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
BATCH = 50
CLOCKS = ["+30s", "-30s"]
FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
WORKER_CONFIG = f"""
[worker]
queues = ["chaos"]
concurrency = 4
batch = 16
poll_wait = "2s"
lease = "5s"
[handlers.python]
child = ["python3", "{PROGRAMS}/child.py"]
processes = 2
environment = {{ JOURNAL = "%s" }}
retry = {{ max_attempts = 100, base = "100ms", factor = 1, max = "1s" }}
"""


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer("max_connections=100")
    yield server
    server.end()


class Producer(threading.Thread):
    """Enqueues jobs from SQL. What was not acknowledged it enqueues again, under the same ids."""

    def __init__(self, postgres, database, jobs, per_second):
        super().__init__(daemon=True)
        self.postgres, self.database = postgres, database
        self.per_second = per_second
        self.jobs = {number: str(uuid.uuid4()) for number in range(jobs)}
        self.refused = 0

    def run(self):
        begun = time.monotonic()
        numbers = list(self.jobs)
        for first in range(0, len(numbers), BATCH):
            time.sleep(max(0, begun + first / self.per_second - time.monotonic()))
            batch = [
                {"id": self.jobs[number], "type": "python", "payload": {"n": number}}
                for number in numbers[first : first + BATCH]
            ]
            sql = f"SELECT count(*) FROM tranter.enqueue_many('chaos', '{json.dumps(batch)}')"
            while True:
                try:
                    self.postgres.query(sql, self.database)
                    break
                except subprocess.CalledProcessError:
                    self.refused += 1
                    time.sleep(0.05)


class World:
    def __init__(self, postgres, folder):
        self.postgres, self.folder = postgres, folder
        self.url = postgres.new_database()
        self.database = self.url.split("?")[0].rsplit("/", 1)[-1]
        self.chance = random.Random(SEED)
        self.journal = Journal(folder / "journal")
        self.accidents = collections.Counter()
        self.workers = [self.start_worker(number) for number in range(len(CLOCKS))]

    def start_worker(self, number):
        folder = self.folder / f"worker-{number}"
        folder.mkdir(exist_ok=True)
        clock = {}
        if FAKETIME.exists():
            clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": CLOCKS[number],
                     "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return WorkerProcess(
            folder, self.url, WORKER_CONFIG % self.journal.path, "--name", f"machine-{number}",
            env=clock, log_path=folder / "log",
        )

    def query(self, sql):
        return self.postgres.query(sql, self.database).strip()

    def strike(self):
        strikes = [self.kill_worker, self.kill_postgres, self.end_session, self.end_session,
                   self.end_all_sessions]
        strike = self.chance.choice(strikes)
        strike()
        self.accidents[strike.__name__] += 1

    def kill_worker(self):
        number = self.chance.randrange(len(self.workers))
        with self.journal.accident("worker"):
            self.workers[number].kill()
            self.workers[number] = self.start_worker(number)

    def kill_postgres(self):
        with self.journal.accident("postgres"):
            self.postgres.kill()
            self.postgres.start()

    def end_session(self, which="ORDER BY random() LIMIT 1"):
        with self.journal.accident("session"):
            self.query(
                "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE "
                f"datname = current_database() AND pid <> pg_backend_pid() {which}) one"
            )

    def end_all_sessions(self):
        self.end_session("")

    def is_done(self):
        return self.query("SELECT count(*) FROM tranter.jobs") == "0"

    def close(self):
        for worker in self.workers:
            worker.kill()


@pytest.fixture
def world(postgres, tmp_path):
    running = World(postgres, tmp_path)
    yield running
    running.close()


@pytest.mark.alone
def test_no_job_is_lost_and_none_runs_twice_without_a_reason(world, capsys):
    producer = Producer(world.postgres, world.database, JOBS, JOBS / SECONDS)
    producer.start()
    end = time.monotonic() + SECONDS
    while producer.is_alive() or time.monotonic() < end:
        time.sleep(world.chance.uniform(0.1, 1))
        world.strike()
    eventually(world.is_done, 120)

    report = Report(world.journal.lines())
    with capsys.disabled():
        print(f"\nchaos, seed {SEED}: {len(report.by_id)} jobs, {len(report.duplicates())} "
              f"duplicates, {producer.refused} requests repeated, {dict(world.accidents)}")
    assert report.by_id.keys() == set(producer.jobs.values())
    finished = world.query("SELECT state, count(*), count(DISTINCT id) FROM tranter.finished_jobs "
                           "GROUP BY state")
    assert finished == f"3|{JOBS}|{JOBS}"
    assert not report.unexplained()
    assert [worker.end()[0] for worker in world.workers] == [0] * len(CLOCKS)


@pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is not installed: ./dev setup does")
def test_leases_are_those_of_the_clock_of_the_database(world):
    """A worker whose clock is a minute ahead of that of another neither takes its jobs away nor loses
    its own."""
    world.query("SELECT tranter.enqueue('chaos', 'python', jsonb_build_object('n', n * 97)) "
                "FROM generate_series(0, 99) n")
    eventually(world.is_done, 60)

    report = Report(world.journal.lines())
    assert {effect[4] for effect in report.effects} == {1}
    assert len(report.effects) == 100
    workers = world.query("SELECT count(DISTINCT worker) FROM tranter.finished_jobs")
    assert workers == str(len(CLOCKS))
    late = world.query("SELECT count(*) FROM tranter.finished_jobs WHERE started_at < created_at OR "
                       "finished_at > now() OR finished_at < started_at")
    assert late == "0"


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_a_connection_that_is_dropped_at_any_message_loses_nothing(postgres, tmp_path, moment):
    """The first connection is dropped at its first message, the next one at its second, and so on."""
    left = set(range(40))
    lock = threading.Lock()

    def choose(number):
        with lock:
            if number not in left:
                return None
            left.remove(number)
            return moment

    url = postgres.new_database()
    database = url.split("?")[0].rsplit("/", 1)[-1]
    direct = WorkerProcess(tmp_path, url, WORKER_CONFIG % os.devnull)  # makes the tables
    assert direct.end()[0] == 0
    journal = Journal(tmp_path / "journal")
    proxy = PostgresProxy(f"{postgres.directory}/.s.PGSQL.{postgres.port}")
    through = (f"postgres://tranter@127.0.0.1:{proxy.port}/{database}?sslmode=disable&"
               "gssencmode=disable")
    worker = WorkerProcess(tmp_path, through, WORKER_CONFIG % journal.path,
                           log_path=tmp_path / "log")
    try:
        proxy.choose = choose
        postgres.cut_connections()
        enqueued = 0

        def is_over():
            """More and more jobs, as long as there is something left to cut."""
            nonlocal enqueued
            if left:
                postgres.query("SELECT tranter.enqueue('chaos', 'python', "
                               f"jsonb_build_object('n', {enqueued}))", database)
                enqueued += 1
                return False
            return postgres.query("SELECT count(*) FROM tranter.jobs", database).strip() == "0"

        eventually(is_over, 120)

        report = Report(journal.lines())
        assert len(report.by_id) == enqueued
        done = postgres.query("SELECT count(*) FROM tranter.finished_jobs WHERE state = 3", database)
        assert done.strip() == str(enqueued)
        assert worker.process.poll() is None
    finally:
        worker.kill()
        proxy.close()

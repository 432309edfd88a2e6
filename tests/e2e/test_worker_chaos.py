"""SIGKILL and cut connections at random, from the producer to the handler: no job is lost, and no
effect happens twice without an accident that explains it.

A program with the SDK of AWS sends, `tranter serve` keeps what it sends in a synced directory, two
`tranter work` run a command, a Node child, a Python child and an HTTP endpoint for it. Workers, server
and handlers are killed; connections of producer and workers are cut at every moment of a call. Handlers
append a line to one journal for each effect, and so does the test for each accident.

    TRANTER_CHAOS_SECONDS=120 TRANTER_CHAOS_JOBS=10000 TRANTER_CHAOS_SEED=1    the long form
"""

import collections
import contextlib
import os
import random
import signal
import subprocess
import time

import pytest
from chaos_journal import PROGRAMS, Journal, Report, produce
from fault_proxy import CUTS, ERRORS, FaultProxy
from jobs import call
from local_machine import free_port, parent_of, processes, processes_with
from server import Server
from waiting import eventually
from worker_process import WorkerProcess

SECONDS = float(os.environ.get("TRANTER_CHAOS_SECONDS", "12"))
JOBS = int(os.environ.get("TRANTER_CHAOS_JOBS", "1500"))
SEED = int(os.environ.get("TRANTER_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
CALM_JOBS = 200  # before and after
FAULTS_PER_CALL = 0.02
TYPES = ["exec", "node", "python", "http"]
CONCURRENCY, BATCH = 4, 16
WORKERS = 2
LEASE_SECONDS = 2

SERVER_CONFIG = """
[queues.chaos]
dead_letter = { queue = "chaos-dlq", max_receives = 100 }
[queues.chaos-dlq]
"""
WORKER_CONFIG = f"""
[worker]
queues = ["chaos"]
concurrency = {CONCURRENCY}
batch = {BATCH}
poll_wait = "2s"
lease = "{LEASE_SECONDS}s"
""" + "".join(
    f"""
[handlers.{name}]
{handler}
retry = {{ max_attempts = 100, base = "100ms", factor = 1, max = "1s" }}
"""
    for name, handler in {
        "exec": f'exec = ["{PROGRAMS}/command.sh"]\nenvironment = {{ JOURNAL = "%(journal)s" }}',
        "node": f'child = ["node", "{PROGRAMS}/child.mjs"]\nprocesses = 2\n'
                'environment = { JOURNAL = "%(journal)s" }',
        "python": f'child = ["python3", "{PROGRAMS}/child.py"]\nprocesses = 2\n'
                  'environment = { JOURNAL = "%(journal)s" }',
        "http": 'http = "http://127.0.0.1:%(endpoint)s/"\nallow_addresses = ["127.0.0.0/8"]',
    }.items()
)


class World:
    """Everything that runs, and the accidents that happen to it."""

    def __init__(self, folder):
        self.folder = folder
        self.chance = random.Random(SEED)
        self.journal = Journal(folder / "journal")
        self.accidents = collections.Counter()
        self.is_calm = True
        self.producers = []
        self.sqs_port, self.admin_port, self.endpoint_port = free_port(), free_port(), free_port()
        self.server = self.start_server()
        self.sqs = FaultProxy("127.0.0.1", self.sqs_port, self.fault)
        self.admin = FaultProxy("127.0.0.1", self.admin_port, self.fault)
        self.endpoint = self.start_endpoint()
        self.workers = [self.start_worker(number) for number in range(WORKERS)]

    def start_server(self):
        return Server(
            "--data", str(self.folder / "data"), "--sqs", f"127.0.0.1:{self.sqs_port}",
            "--admin", f"127.0.0.1:{self.admin_port}", config=SERVER_CONFIG, listen=False,
        )

    def start_endpoint(self):
        process = subprocess.Popen(
            ["node", PROGRAMS / "endpoint.mjs", str(self.endpoint_port)],
            env={"PATH": os.environ["PATH"], "JOURNAL": str(self.journal.path)},
        )
        return process

    def start_worker(self, number):
        folder = self.folder / f"worker-{number}"
        folder.mkdir(exist_ok=True)
        config = WORKER_CONFIG % {"journal": self.journal.path, "endpoint": self.endpoint_port}
        return WorkerProcess(folder, self.admin.url, config, log_path=folder / "log")

    def produce(self, first, count, per_second):
        url = f"{self.sqs.url}/000000000000/chaos"
        producer = produce(url, self.folder / f"sent-{first}", first, count, per_second, TYPES)
        self.producers.append(producer.process)
        return producer

    def fault(self, _):
        """Of a call through a proxy."""
        if self.is_calm or self.chance.random() > FAULTS_PER_CALL:
            return None
        fault = self.chance.choice([*CUTS, *ERRORS])
        self.journal.note(f"begin {fault}")
        self.journal.note(f"end {fault}")
        self.accidents[f"call: {fault}"] += 1
        return fault

    # ---- accidents

    def strike(self):
        strikes = [self.kill_worker, self.kill_server, self.kill_handler, self.kill_handler,
                   self.kill_endpoint, self.cut]
        happened = self.chance.choice(strikes)()
        if happened:
            self.accidents[happened] += 1

    def kill_worker(self):
        number = self.chance.randrange(WORKERS)
        with self.journal.accident("worker"):
            self.workers[number].kill()
        self.workers[number] = self.start_worker(number)
        return "kill -9 of a worker"

    def kill_server(self):
        with self.journal.accident("server"):
            self.server.kill()
            self.server.directory.cleanup()
            self.server = self.start_server()
        return "kill -9 of the server"

    def kill_handler(self):
        """A child or a command of a worker."""
        parents = {worker.pid for worker in self.workers}
        handlers = [pid for pid in processes() if parent_of(pid) in parents]
        if not handlers:
            return None
        handler = self.chance.choice(handlers)
        with self.journal.accident("handler"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(handler, signal.SIGKILL)
            eventually(lambda: parent_of(handler) not in parents)
        return "kill -9 of a handler"

    def kill_endpoint(self):
        with self.journal.accident("endpoint"):
            self.endpoint.kill()
            self.endpoint.wait()
            self.endpoint = self.start_endpoint()
        return "kill -9 of the endpoint"

    def cut(self):
        with self.journal.accident("cut"):
            self.chance.choice([self.sqs, self.admin]).cut()
        return "all connections cut"

    # ---- what comes of it

    def unfinished(self):
        stats = call(self.server, "/v1/queues/chaos")
        return {name: stats[name] for name in ("pending", "scheduled", "processing") if stats[name]}

    def is_done(self):
        return not self.unfinished()

    def stop(self):
        """Exit codes and the ends of the logs of the workers."""
        return [worker.end()[0] for worker in self.workers]

    def destroy(self):
        for producer in self.producers:
            producer.kill()
            producer.wait()
        for worker in self.workers:
            worker.kill()
        self.endpoint.kill()
        self.endpoint.wait()
        if self.server.process.poll() is None:
            self.server.kill()
        for proxy in (self.sqs, self.admin):
            proxy.refuse()


@pytest.fixture
def world(tmp_path):
    running = World(tmp_path)
    yield running
    running.destroy()


def storm(world, producer):
    """Accidents until all is sent, and for SECONDS at least."""
    world.is_calm = False
    end = time.monotonic() + SECONDS
    while producer.process.poll() is None or time.monotonic() < end:
        time.sleep(world.chance.uniform(0.1, 0.7))
        world.strike()
        assert [worker.process.poll() for worker in world.workers] == [None] * WORKERS
    world.is_calm = True


def calm(world, first):
    """So many jobs without an accident."""
    acknowledged, repeated = world.produce(first, CALM_JOBS, 1000).finish()
    assert (len(acknowledged), repeated) == (CALM_JOBS, 0)
    eventually(world.is_done, 60)
    return acknowledged


@pytest.mark.alone
def test_no_job_is_lost_and_none_runs_twice_without_a_reason(world, capsys):
    before = calm(world, 0)
    producer = world.produce(CALM_JOBS, JOBS, JOBS / SECONDS)
    storm(world, producer)
    during, repeated = producer.finish()
    eventually(world.is_done, 60)
    after = calm(world, CALM_JOBS + JOBS)

    report = Report(world.journal.lines())
    duplicates = report.duplicates()
    numbers = {effect[2] for effect in report.effects}
    sent_twice = len(report.by_id) - len(numbers)
    with capsys.disabled():
        print(f"\nchaos, seed {SEED}: {len(numbers)} jobs, {len(report.effects)} effects, "
              f"{len(duplicates)} duplicates, {sent_twice} messages sent twice by the SDK in "
              f"{repeated} repeated requests; "
              + ", ".join(f"{count} x {what}" for what, count in world.accidents.most_common()))

    acknowledged = before | during | after
    assert not acknowledged.keys() - report.by_id.keys(), "acknowledged jobs are lost"
    assert numbers == set(range(JOBS + 2 * CALM_JOBS))
    assert call(world.server, "/v1/queues/chaos-dlq")["pending"] == 0
    assert {len(report.by_id[job]) for job in before | after} == {1}
    assert not report.unexplained()
    assert {pair[0][1] for pair in report.repeated_attempts()} <= {"http"}
    assert len(duplicates) <= world.accidents.total() * WORKERS * (CONCURRENCY + BATCH)
    assert sent_twice <= repeated * 10

    assert world.stop() == [0] * WORKERS
    world.endpoint.kill()
    world.endpoint.wait()
    assert not processes_with(f"JOURNAL={world.journal.path}"), "processes are left behind"

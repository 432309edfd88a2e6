"""Jobs in PostgreSQL whose disk is full: what was acknowledged is done, once; what was not stored
is refused with the reason; and workers say what is wrong, wait, and go on by themselves."""

import json
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
import uuid

import pytest
from chaos_journal import Journal, Report
from command_line import tranter
from postgres_server import PostgresServer
from tools import fill, small_disk
from waiting import eventually
from worker_process import WorkerProcess

MEBIBYTE = 1024 * 1024
PRODUCERS = 2
# Long enough for a page of a table to hold only a few, which have to be appended then.
FILLER = "x" * 1500
# A job that has begun ends once there is a file `gate`.
WORKER_CONFIG = """
[worker]
queues = ["full"]
concurrency = 8
batch = 16
poll_wait = "1s"
lease = "LEASE"
[handlers.job]
exec = ["/bin/sh", "-c", '''
    until [ -e gate ]; do sleep 0.05; done
    echo "effect job 0 $TRANTER_JOB_ID $TRANTER_ATTEMPT" >>journal
''']
retry = { max_attempts = 2 }
"""


class Disks:
    """One for the tables and one for the log of a server, of so many bytes, both nearly empty."""

    def __init__(self, home):
        home.chmod(0o755)  # the server runs as another user
        self.tables, self.log = home / "tables", home / "log"

    def make_room(self):
        for disk in (self.tables, self.log):
            (disk / "ballast").unlink(missing_ok=True)


@pytest.fixture
def disks():
    home = pathlib.Path(tempfile.mkdtemp(prefix="postgres-disks-"))
    try:
        made = Disks(home)
        with small_disk(made.tables, 120 * MEBIBYTE), small_disk(made.log, 40 * MEBIBYTE):
            for disk in (made.tables, made.log):
                disk.chmod(0o777)
            yield made
    finally:
        shutil.rmtree(home)


@pytest.fixture
def postgres(disks):
    """Each of its segments of the log is a new file, and nothing is cleaned up by accident."""
    server = PostgresServer(
        "autovacuum=off", "wal_recycle=off", "log_line_prefix=%a:",
        data=disks.tables / "data",
        initdb=["--waldir", disks.log / "wal", "--wal-segsize", "1"],
    )
    try:
        yield server
    finally:
        disks.make_room()
        server.end()


class Producer(threading.Thread):
    """Enqueues one job after the other from SQL, and knows what became of each."""

    def __init__(self, postgres, database):
        super().__init__(daemon=True)
        self.postgres, self.database = postgres, database
        self.stored, self.refused = [], {}
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            identity = str(uuid.uuid4())
            options = json.dumps({"id": identity})
            sql = f"SELECT tranter.enqueue('full', 'job', '\"{FILLER}\"', '{options}')"
            try:
                self.postgres.query(sql, self.database)
                self.stored.append(identity)
            except subprocess.CalledProcessError as error:
                self.refused[identity] = error.stderr
                self.ending.wait(0.05)


class World:
    def __init__(self, postgres, folder, lease):
        self.postgres, self.folder = postgres, folder
        self.url = postgres.new_database()
        self.database = self.url.split("?")[0].rsplit("/", 1)[-1]
        self.log_path = folder / "log"
        self.journal = Journal(folder / "journal")
        config = WORKER_CONFIG.replace("LEASE", lease)
        self.worker = WorkerProcess(folder, self.url, config, log_path=self.log_path)
        self.producers = [Producer(postgres, self.database) for _ in range(PRODUCERS)]
        for producer in self.producers:
            producer.start()

    def query(self, sql):
        return self.postgres.query(sql, self.database).strip()

    def open_gate(self):
        (self.folder / "gate").touch()

    def stored(self):
        return {identity for producer in self.producers for identity in producer.stored}

    def refused(self):
        return {identity: why for producer in self.producers
                for identity, why in producer.refused.items()}

    def stored_more(self, jobs):
        before = len(self.stored())
        eventually(lambda: len(self.stored()) >= before + jobs, 60)

    def end_producers(self):
        for producer in self.producers:
            producer.ending.set()
        for producer in self.producers:
            producer.join(60)
            assert not producer.is_alive()

    def log(self):
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def warnings(self):
        return [line for line in self.log() if line["level"] in ("warn", "error")]

    def unanswered(self):
        """The calls that the worker's log says the store does not answer."""
        return {line.get("call") for line in self.warnings()}

    def last_error(self):
        checks = json.loads(self.worker.get("/health")[1])["checks"]
        return next(check for check in checks if check["name"] == "store").get("last_error") or ""

    def finished(self):
        """By id, with how they ended."""
        rows = self.query("SELECT id, state FROM tranter.finished_jobs").split()
        finished = dict(row.split("|") for row in rows)
        assert len(finished) == len(rows)
        return finished

    def is_done(self):
        return self.query("SELECT count(*) FROM tranter.jobs") == "0"

    def close(self):
        for producer in self.producers:
            producer.ending.set()
        self.worker.kill()


@pytest.fixture
def world(postgres, tmp_path, lease):
    running = World(postgres, tmp_path, lease)
    yield running
    running.close()


COMPLETED = "3"


# Leases cannot be renewed meanwhile, and a machine may be slow.
@pytest.mark.parametrize("lease", ["5m"])
def test_a_table_that_cannot_grow_costs_no_job(world, disks):
    world.stored_more(30)
    eventually(lambda: json.loads(world.worker.get("/health")[1])["running"] == 8, 60)

    fill(disks.tables)
    full_at = time.monotonic()
    eventually(lambda: len(world.refused()) >= 20, 60)
    world.open_gate()
    eventually(lambda: "settle" in world.unanswered(), 60)
    assert "No space left on device" in world.last_error()
    refused = tranter("job", "enqueue", "full", "job", json.dumps(secrets.token_hex(20_000)),
                      env={"TRANTER_URL": world.url})
    assert refused.code == 6 and "no space left for the store of jobs" in refused.err, refused
    # Long enough for whatever is tried again without a rest to be seen.
    eventually(lambda: len(world.refused()) >= 40, 60)
    tries = world.postgres.log.read_text().count("tranter:ERROR")
    seconds = time.monotonic() - full_at
    assert 0 < tries < 20 + 20 * seconds
    assert 0 < len(world.warnings()) < 10 + 2 * seconds, world.log()
    assert any("No space left on device" in line.get("error", "") for line in world.warnings())
    assert world.worker.process.poll() is None

    disks.make_room()
    world.stored_more(30)
    world.end_producers()
    eventually(world.is_done, 60)

    finished = world.finished()
    assert finished.keys() == world.stored()
    assert set(finished.values()) == {COMPLETED}
    assert all("No space left on device" in why for why in world.refused().values())
    assert not Report(world.journal.lines()).duplicates()
    assert world.worker.get("/readyz")[0] == 200
    assert world.worker.end()[0] == 0


# Short, since what was given by a commit whose answer got lost comes again only after it.
@pytest.mark.parametrize("lease", ["60s"])
def test_a_log_of_the_database_that_cannot_grow_costs_no_job(world, disks):
    world.stored_more(30)
    eventually(lambda: json.loads(world.worker.get("/health")[1])["running"] == 8, 60)

    fill(disks.log)
    eventually(lambda: not world.postgres.is_up(), 60)
    assert "PANIC" in world.postgres.log.read_text()
    world.open_gate()
    eventually(lambda: world.worker.get("/readyz")[0] == 503, 60)
    assert world.last_error()
    assert world.worker.process.poll() is None

    disks.make_room()
    world.postgres.start()
    world.stored_more(30)
    world.end_producers()
    eventually(world.is_done, 150)

    finished = world.finished()
    # Of a commit that was under way nobody knows.
    unknown = finished.keys() - world.stored()
    assert world.stored() <= finished.keys()
    assert unknown <= world.refused().keys() and len(unknown) <= PRODUCERS
    assert set(finished.values()) == {COMPLETED}
    assert not Report(world.journal.lines()).duplicates()
    assert len(world.warnings()) < 50, world.log()
    assert world.worker.get("/readyz")[0] == 200
    assert world.worker.end()[0] == 0

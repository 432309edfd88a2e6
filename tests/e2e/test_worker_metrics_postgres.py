"""What /readyz and /metrics of a worker say of its store, with a real PostgreSQL."""

import contextlib
import os
import pathlib
import subprocess

import pytest
from command_line import ok
from metrics import samples
from postgres_server import PostgresServer
from waiting import eventually
from worker_process import WorkerProcess

HANDLERS = """
[handlers.good]
exec = ["/bin/true"]
"""
QUEUE = "mail"
POOLER = pathlib.Path("/usr/sbin/pgbouncer")
# As a disk that is full, for those who end a job alone.
REFUSE_ENDS = """
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON tranter.finished_jobs FOR EACH ROW EXECUTE FUNCTION public.refuse();
"""


class World:
    """A worker, its database, and the server of that."""

    def __init__(self, server, folder, behind="", **env):
        """`behind` is appended to the URL that the worker has."""
        self.server = server
        self.url = server.new_database()
        self.database = self.url.split("?")[0].rsplit("/", 1)[-1]
        words = ["--queue", QUEUE, "--lease", "2s"]
        self.worker = WorkerProcess(folder, self.url + behind, HANDLERS, *words, env=env)

    def enqueue(self):
        ok("job", "enqueue", QUEUE, "good", env={"TRANTER_URL": self.url})

    def query(self, sql):
        return self.server.query(sql, self.database).strip()

    def get(self, path):
        return self.worker.get(path)

    def shown(self):
        """A look at its figures at one moment, which gives None for one that is not there."""
        found = samples(self.get("/metrics")[1])

        def figure(name, **labels):
            labels["store"] = "jobs"
            return found.get((f"tranter_store_{name}", tuple(sorted(labels.items()))))

        return figure

    def metric(self, name, **labels):
        return self.shown()(name, **labels)

    def connects(self, use, result="made"):
        return self.metric("connects_total", use=use, result=result)

    def listens(self):
        return self.metric("listens") == 1

    def do_one(self):
        before = self.worker.attempts()["completed"]
        self.enqueue()
        eventually(lambda: self.worker.attempts()["completed"] == before + 1, seconds=30)


@contextlib.contextmanager
def pooler(server, port):
    """Gives each transaction another session of the server."""
    settings = server.directory / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={server.directory} user=tranter\n"
        f"[pgbouncer]\nlisten_port = {port}\nunix_socket_dir = {server.directory}\n"
        "auth_type = any\npool_mode = transaction\n"
    )
    user = ["-u", "postgres"] if os.geteuid() == 0 else []
    process = subprocess.Popen([POOLER, "-q", settings, *user])
    try:
        eventually(lambda: (server.directory / f".s.PGSQL.{port}").exists(), seconds=30)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def world(postgres, tmp_path):
    running = World(postgres, tmp_path)
    yield running
    running.worker.kill()


def test_a_worker_whose_outcomes_are_not_stored_is_not_ready(world):
    eventually(lambda: world.get("/readyz") == (200, "ok\n"), seconds=30)
    world.query(REFUSE_ENDS)

    world.enqueue()

    status, text = eventually(
        lambda: (answer := world.get("/readyz"))[0] == 503 and answer, seconds=30
    )
    assert text.startswith(f"outcomes of queue {QUEUE} have not been stored for ")
    assert "no space left" in world.get("/readyz?verbose")[1]
    assert world.get("/livez") == (200, "ok\n")
    world.query("DROP TRIGGER refuse ON tranter.finished_jobs")
    eventually(lambda: world.get("/readyz") == (200, "ok\n"), seconds=30)
    eventually(lambda: world.worker.attempts()["completed"] == 1)


def test_connections_are_counted_and_so_are_those_that_take_their_place(world):
    eventually(world.listens, seconds=30)
    world.do_one()
    shown = world.shown()
    made = shown("connects_total", use="calls", result="made")
    assert 1 <= made <= shown("connections_max") == 8
    assert shown("connections", state="busy") + shown("connections", state="idle") == made
    assert shown("connects_total", use="listening", result="made") == 1
    assert shown("connection_waits_total") == 0
    assert shown("errors_total", kind="lost") == 0
    assert shown("pooled") == 0

    world.server.cut_connections()

    eventually(lambda: world.connects("listening") == 2 and world.listens(), seconds=30)
    world.do_one()
    assert world.connects("calls") > made
    assert world.connects("calls", "failed") == 0


def test_a_server_that_is_away_is_counted(world):
    eventually(world.listens, seconds=30)

    world.server.stop()
    try:
        eventually(lambda: world.connects("calls", "failed") >= 1, seconds=30)
        eventually(lambda: world.connects("listening", "failed") >= 1, seconds=30)
        assert world.metric("errors_total", kind="away") >= 1
        assert world.metric("connections", state="idle") == 0
        assert not world.listens()
    finally:
        world.server.start()

    eventually(world.listens, seconds=30)
    world.do_one()
    assert world.metric("connections", state="idle") >= 1


@pytest.mark.skipif(not POOLER.exists(), reason="needs pgbouncer")
def test_a_pooler_that_lets_nobody_hear_is_shown(postgres, tmp_path):
    port = 6432
    with pooler(postgres, port):
        world = World(postgres, tmp_path, f"&port={port}", WORKER_POLL_INTERVAL_MS="200")
        try:
            eventually(lambda: world.metric("pooled") == 1, seconds=30)
            assert not world.listens()
            world.do_one()
        finally:
            world.worker.kill()

"""What /readyz and /metrics of a worker say of its store, with a real PostgreSQL."""

import pytest
from command_line import ok
from postgres_server import PostgresServer
from waiting import eventually
from worker_process import WorkerProcess

HANDLERS = """
[handlers.good]
exec = ["/bin/true"]
"""
QUEUE = "mail"
# As a disk that is full, for those who end a job alone.
REFUSE_ENDS = """
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON tranter.finished_jobs FOR EACH ROW EXECUTE FUNCTION public.refuse();
"""


class World:
    """A worker, its database, and the server of that."""

    def __init__(self, server, folder):
        self.server = server
        self.url = server.new_database()
        self.database = self.url.split("?")[0].rsplit("/", 1)[-1]
        self.worker = WorkerProcess(folder, self.url, HANDLERS, "--queue", QUEUE, "--lease", "2s")

    def enqueue(self):
        ok("job", "enqueue", QUEUE, "good", env={"TRANTER_URL": self.url})

    def query(self, sql):
        return self.server.query(sql, self.database).strip()

    def get(self, path):
        return self.worker.get(path)


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

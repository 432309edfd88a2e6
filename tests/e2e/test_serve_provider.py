"""`tranter serve --provider postgres://...`: any number of servers over one database."""

import concurrent.futures
import signal
import urllib.error
import urllib.request

import pytest
from command_line import check_failure, clean_environment, ok, tranter
from jobs_api import JobsApi
from metrics import samples
from postgres_server import PostgresServer
from server import Server
from waiting import eventually
from worker_process import WorkerProcess

LONG_POLLS = 60  # many more than the server has threads for calls that do not wait


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def database(postgres):
    return postgres.new_database()


@pytest.fixture
def serve(database):
    """Starts servers over the database, and kills what is left of them."""
    running = []

    def start(*flags, **options):
        server = Server(
            "--admin", "127.0.0.1:0", "--provider", database, *flags, listen=False, **options
        )
        running.append(server)
        return server

    yield start
    for server in running:
        server.kill()


def check_refused(answer, code, told):
    check_failure(answer, code)
    assert told in answer.err


def get(server, path, **headers):
    request = urllib.request.Request(server.admin_endpoint + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_two_servers_have_the_same_jobs(serve, name):
    first, second = JobsApi(serve()), JobsApi(serve())
    queue = name()

    made = first.ok("POST", f"/queues/{queue}/jobs", {"type": "t", "payload": {"n": 1}})
    [job] = second.ok("POST", f"/queues/{queue}/receive", {"worker": "w", "wait": "10s"})["jobs"]
    assert job["id"] == made["id"] and job["payload"] == {"n": 1}
    second.ok("POST", f"/queues/{queue}/complete", {"receipt": job["receipt"], "result": 7})

    found = first.ok("GET", f"/jobs/{made['id']}")
    assert (found["state"], found["result"]) == ("completed", 7)


def test_a_long_poll_is_woken_by_a_job_of_another_server(serve, name):
    first, second = serve(), serve(env={"WORKER_POLL_INTERVAL_MS": "3600000"})
    queue = name()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(
            JobsApi(second).ok, "POST", f"/queues/{queue}/receive", {"worker": "w", "wait": "20s"}
        )
        eventually(lambda: queue in get(second, "/v1/workers")[1])
        JobsApi(first).ok("POST", f"/queues/{queue}/jobs", {"type": "t"})
        assert len(waits.result()["jobs"]) == 1


def test_those_who_wait_hold_up_nobody(serve, name):
    server = serve()
    queue = name()
    api = JobsApi(server)
    with concurrent.futures.ThreadPoolExecutor(LONG_POLLS) as pool:
        waits = [
            pool.submit(
                JobsApi(server).ok, "POST", f"/queues/{queue}/receive",
                {"worker": f"w{i}", "wait": "60s"},
            )
            for i in range(LONG_POLLS)
        ]
        eventually(lambda: len(api.ok("GET", "/workers")["workers"]) == LONG_POLLS, seconds=30)

        jobs = [{"type": "t"}] * LONG_POLLS
        assert len(api.ok("POST", f"/queues/{queue}/jobs", jobs)) == LONG_POLLS
        given = [job["id"] for wait in waits for job in wait.result()["jobs"]]

    left = api.ok("POST", f"/queues/{queue}/receive", {"worker": "w", "jobs_max": 100})["jobs"]
    assert len({*given, *(job["id"] for job in left)}) == LONG_POLLS


def test_a_worker_works_through_it(serve, name, tmp_path):
    server = serve()
    queue = name()
    worker = WorkerProcess(
        tmp_path, server.admin_endpoint, '[handlers."*"]\nexec = ["/bin/true"]\n', "--queue", queue
    )
    try:
        env = {"TRANTER_URL": server.admin_endpoint}
        [made] = ok("job", "enqueue", queue, "t", "-o", "ndjson", env=env).lines()
        job = ok("job", "wait", made["id"], "-o", "json", env=env).json()
        assert job["state"] == "completed"
    finally:
        code, log = worker.end()
    assert code == 0, log


def test_schedules_are_in_the_same_database(serve, database):
    api = JobsApi(serve())
    api.ok("POST", "/schedules", {"name": "tick", "expression": "every 1 hour", "type": "t"})
    assert "tick" in ok("schedule", "list", "--store", database).out


def test_health_and_metrics(serve, postgres, name):
    server = serve()
    queue = name()
    JobsApi(server).ok("POST", f"/queues/{queue}/jobs", [{"type": "t"}, {"type": "t", "delay": "1h"}])
    assert get(server, "/livez") == (200, "ok\n")
    assert "[+]store ok" in get(server, "/readyz?verbose")[1]

    def waiting(state):
        key = ("tranter_queue_messages", (("queue", queue), ("state", state)))
        return samples(get(server, "/metrics")[1]).get(key)

    eventually(lambda: (waiting("visible"), waiting("delayed"), waiting("inflight")) == (1, 1, 0), 30)
    before = samples(get(server, "/metrics")[1])
    assert before[("tranter_store_up", ())] == 1
    assert before[("tranter_store_connections_max", (("store", "jobs"),))] > 0

    postgres.stop()
    try:
        eventually(lambda: get(server, "/readyz")[0] == 503, 30)
        assert get(server, "/livez") == (200, "ok\n")
        status, text = get(server, "/health")
        assert status == 503 and "the store does not answer" in text
        assert samples(get(server, "/metrics")[1])[("tranter_store_up", ())] == 0
        assert JobsApi(server).ask("GET", f"/queues/{queue}")[0] == 503
    finally:
        postgres.start()
    eventually(lambda: get(server, "/readyz")[0] == 200, 30)
    assert JobsApi(server).ok("GET", f"/queues/{queue}")["pending"] == 1


def test_everything_but_health_asks_for_the_token(serve):
    server = serve(config='[admin]\ntoken = "correct-horse-battery"\n')
    for path in ("/", "/metrics", "/v1/queues"):
        assert get(server, path)[0] == 401
        assert get(server, path, Authorization="Bearer wrong")[0] == 401
        assert get(server, path, Authorization="Bearer correct-horse-battery")[0] == 200
    for path in ("/livez", "/readyz", "/health", "/api/health"):
        assert get(server, path)[0] == 200


def test_it_ends_while_somebody_waits(serve, name):
    server = serve()
    queue = name()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(
            JobsApi(server).ask, "POST", f"/queues/{queue}/receive", {"worker": "w", "wait": "60s"}
        )
        eventually(lambda: queue in get(server, "/v1/workers")[1])
        server.signal(signal.SIGTERM)
        assert waits.result()[0] in (200, 503)
    assert server.wait() == 0, server.log()
    assert "stopped" in server.log()


def test_an_address_that_is_taken(serve, database):
    taken = f"127.0.0.1:{serve().admin_port}"
    answer = tranter("serve", "--admin", taken, "--provider", database)
    check_refused(answer, 1, taken)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--provider", "memory:"], "without --provider"),
        (["--provider", "file:/tmp/x"], "--data DIR"),
        (["--provider", "sqs:http://127.0.0.1:1/000000000000"], "neither looked up nor listed"),
        (["--provider", "nonsense"], "postgres://HOST/DATABASE"),
        (["--provider", "postgres:///x", "--data", "/tmp/x"], "--data is about queues"),
        (["--provider", "postgres:///x", "--sqs", "127.0.0.1:0"], "--sqs is about queues"),
        (["--provider", "postgres:///x", "--auto-create"], "--auto-create is about queues"),
    ],
)
def test_what_cannot_be_together(words, told):
    check_refused(tranter("serve", *words), 2, told)


def test_a_password_is_shown_nowhere(tmp_path):
    answer = tranter(
        "serve", "--admin", "127.0.0.1:0", "--provider",
        "postgres://u:canary-4711@127.0.0.1:1/x", env=clean_environment(),
    )
    check_refused(answer, 6, "127.0.0.1")
    assert "canary" not in answer.err + answer.out

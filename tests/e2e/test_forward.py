"""`tranter forward`: jobs go from one store to another, and none is lost or there twice whatever ends in
between."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from command_line import check_failure, clean_environment, ok, tranter
from fault_proxy import FaultProxy
from jobs_api import JobsApi
from postgres_server import PostgresServer
from server import binary
from waiting import eventually
from wire import Api

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
JOBS = 230


class Forwarder:
    """Has begun when it is made. `health` is where it tells how it is."""

    def __init__(self, source, target, *flags):
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [binary(), "forward", "--from", source, "--to", target, "--queue", "mail",
             "--health", "127.0.0.1:0", "--ready-fd", str(told), *flags],
            env=clean_environment(**KEYS), pass_fds=[told], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        os.close(told)
        with os.fdopen(ready) as line:
            self.health = line.readline().strip().removeprefix("READY health=")
        assert self.health, self.end(signal.SIGKILL)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.health}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log.decode()


@pytest.fixture
def forwarders():
    """Makes Forwarders, and kills what is left of them."""
    made = []

    def make(*arguments):
        made.append(Forwarder(*arguments))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


@pytest.fixture
def queue(name):
    """Of the target."""
    return name()


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def source(tmp_path):
    return f"file:{tmp_path / 'outbox'}"


def ok_json(answer):
    status, text = answer
    assert status == 200, text
    return json.loads(text)


def enqueue(store, count, **more):
    lines = "".join(
        json.dumps({"type": "welcome", "payload": number, **more}) + "\n" for number in range(count)
    )
    ok("job", "enqueue", "mail", "--bulk", "--provider", store, stdin=lines)


def jobs_of(store, *words):
    """Ids of jobs that are there."""
    listed = ok(
        "job", "list", "--provider", store, "--limit", "10000", "-o", "ndjson", *words
    ).lines()
    return [job["id"] for job in listed]


class Reaper:
    """Kills a process when a call has been done for the `at`th time, and its answer is on the way."""

    def __init__(self, name, at):
        self.name = name
        self.at = at
        self.process = None

    def __call__(self, name):
        if name != self.name or self.process is None:
            return None
        self.at -= 1
        if self.at != 0:
            return None
        self.process.kill()
        return "no answer"


def check_kill(source, target, forwarders, reaper, to_queue, there):
    words = ["--to-queue", to_queue, "--batch", "50", "--lease", "10s"]
    killed = forwarders(source, target, *words)
    reaper.process = killed.process
    assert killed.process.wait(60) == -signal.SIGKILL
    assert 0 < there() < JOBS

    # The jobs of the batch in hand come back when their lease ends.
    second = forwarders(source, target, *words)
    eventually(lambda: there() == JOBS, seconds=60)
    # What was there already is looked at again too. SQS does not say that it was.
    eventually(
        lambda: target.startswith("sqs:")
        or ok_json(second.get("/health"))["jobs"]["duplicate"] > 0,
        seconds=60,
    )
    code, log = second.end()
    assert code == 0, log
    # History does not know the last moments before a kill, what is unfinished is known.
    for state in ("pending", "scheduled", "processing", "failed", "dead"):
        assert jobs_of(source, "--state", state) == []


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_killed_before_the_jobs_api_answers_none_is_left_out_or_there_twice(
    kind, server, queue, source, forwarders, request
):
    if kind == "postgres":
        source = request.getfixturevalue("postgres").new_database()
    enqueue(source, JOBS)
    reaper = Reaper("jobs", 3)
    with FaultProxy("127.0.0.1", server.admin_port, reaper) as proxy:
        check_kill(
            source, proxy.url, forwarders, reaper, queue,
            lambda: len(jobs_of(server.admin_endpoint, "--queue", queue)),
        )
    ids = jobs_of(server.admin_endpoint, "--queue", queue)
    assert len(set(ids)) == len(ids) == JOBS


def test_killed_before_sqs_answers_a_fifo_queue_has_each_once(server, queue, source, forwarders):
    enqueue(source, JOBS, group="acme")
    api = Api(server, "json")
    made = api.create(f"{queue}.fifo", FifoQueue="true")
    reaper = Reaper("sendmessagebatch", 8)
    count = lambda: int(
        api.attributes(made, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"]
    )
    with FaultProxy("127.0.0.1", server.port, reaper) as proxy:
        target = f"sqs:{proxy.url}/000000000000"
        check_kill(source, target, forwarders, reaper, f"{queue}.fifo", count)
    assert count() == JOBS


def test_from_a_transaction_in_postgres_to_sqs_and_into_postgres(
    server, queue, postgres, forwarders
):
    database = postgres.new_database()
    ok("db", "migrate", "--url", database)
    name = database.removeprefix("postgres:///").partition("?")[0]
    forwarder = forwarders(database, f"sqs:{server.endpoint}/000000000000", "--to-queue", queue)
    postgres.query("BEGIN; SELECT tranter.enqueue('mail', 'welcome', '1'); COMMIT", name)
    postgres.query("BEGIN; SELECT tranter.enqueue('mail', 'welcome', '2'); ROLLBACK", name)
    api = Api(server, "json")
    made = api.create(queue)
    bodies = eventually(lambda: api.receive(made, WaitTimeSeconds=1), seconds=60)
    assert [message["Body"] for message in bodies] == ["1"]
    assert forwarder.end()[0] == 0

    ok("forward", "--from", f"sqs:{server.endpoint}/000000000000", "--to", database, "--queue",
       queue, "--to-queue", "back", "--until-empty", env=KEYS)
    assert jobs_of(database, "--queue", "back") == []  # it is in flight for whoever received it
    enqueue(server.admin_endpoint, 1)
    ok("forward", "--from", server.admin_endpoint, "--to", database, "--queue", "mail",
       "--to-queue", "back", "--until-empty")
    assert len(jobs_of(database, "--queue", "back")) == 1


def test_connections_of_both_ends_are_counted_where_they_are_in_postgres(
    server, queue, postgres, source, forwarders
):
    enqueue(source, 1)
    database = postgres.new_database()
    to_database = forwarders(source, database).get("/metrics")[1]
    from_database = forwarders(database, server.admin_endpoint, "--to-queue", queue)

    assert 'tranter_store_connections{store="target",state="idle"}' in to_database
    assert 'store="source"' not in to_database
    assert 'tranter_store_listens{store="target"}' not in to_database
    eventually(
        lambda: 'tranter_store_listens{store="source"} 1' in from_database.get("/metrics")[1],
        seconds=30,
    )


def test_many_dead_jobs_do_not_hide_those_behind_them(server, queue, tmp_path):
    api = JobsApi(server)
    target = f"file:{tmp_path / 'target'}"
    enqueue(target, 1)  # which makes the store
    many = 250  # more than one request moves away
    lost = {"type": "lost", "retry": {"max_attempts": 1}}
    api.ok("POST", f"/queues/{queue}/jobs", [lost] * many)
    held = 0
    while held < many:
        wanted = {"worker": "w", "jobs_max": 100, "lease": "1s"}
        held += len(api.ok("POST", f"/queues/{queue}/receive", wanted)["jobs"])
    eventually(lambda: api.ok("GET", f"/queues/{queue}")["processing"] == 0, seconds=60)
    api.ok("POST", f"/queues/{queue}/jobs", [{"type": "alive"}] * 5)

    ok("forward", "--queue", queue, "--from", server.admin_endpoint, "--to", target,
       "--until-empty")

    assert api.ok("GET", f"/queues/{queue}")["pending"] == 0
    assert len(jobs_of(target, "--queue", queue)) == 5


def test_at_a_stop_jobs_that_the_target_does_not_take_go_back(server, queue, source, forwarders):
    enqueue(source, 3)
    with FaultProxy("127.0.0.1", server.admin_port) as proxy:
        forwarder = forwarders(source, proxy.url, "--to-queue", queue)
        eventually(lambda: len(jobs_of(server.admin_endpoint, "--queue", queue)) == 3)
        assert forwarder.get("/readyz")[0] == 200
        assert forwarder.end()[0] == 0

        enqueue(source, 2)
        proxy.refuse()
        forwarder = forwarders(source, proxy.url, "--to-queue", queue)
        eventually(lambda: forwarder.get("/readyz")[0] == 503, seconds=30)
        assert "target" in forwarder.get("/readyz")[1]
        code, log = forwarder.end()
        assert code == 0, log
        assert "the target does not take jobs" in log
        assert '"released":2' in log

        proxy.listen()
        ok("forward", "--from", source, "--to", proxy.url, "--queue", "mail", "--to-queue", queue,
           "--until-empty")
    assert len(jobs_of(server.admin_endpoint, "--queue", queue)) == 5
    assert jobs_of(source, "--state", "pending") == []


def test_what_a_target_cannot_keep_is_dead_with_the_reason_or_left_behind(server, queue, source):
    Api(server, "json").create(queue)
    target = f"sqs:{server.endpoint}/000000000000"
    words = ["forward", "--from", source, "--to", target, "--to-queue", queue, "--queue", "mail",
             "--until-empty"]
    enqueue(source, 1, priority=1)
    enqueue(source, 1)
    ok(*words, env=KEYS)
    [dead] = ok("job", "list", "--provider", source, "--state", "dead", "-o", "json").json()
    assert "priority is 1" in dead["reason"]
    ok("job", "retry", dead["id"], "--provider", source)
    ok(*words, "--without", "priority", env=KEYS)
    assert jobs_of(source, "--state", "dead") == []
    assert len(jobs_of(source, "--state", "completed")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "memory:", "--to", "memory:"], "--queue is missing"),
        (["--queue", "q", "--to", "memory:"], "--from is missing"),
        (["--queue", "q", "--from", "memory:", "--to", "memory:"], "the same store and queue"),
        (["--queue", "q", "--from", "nosuch:x", "--to", "memory:"], "--from: "),
        (["--queue", "q", "--from", "memory:", "--to", "nosuch:x"], "--to: "),
        (["--queue", "q", "--from", "a:", "--to", "b:", "--lease", "1s"], "--lease: "),
        (["--queue", "q", "--from", "a:", "--to", "b:", "--batch", "0"], "batch"),
        (["--queue", "q", "--from", "a:", "--to", "b:", "--without", "x"], "without"),
    ],
)
def test_what_makes_no_sense_is_said(words, said):
    outcome = tranter("forward", *words)
    check_failure(outcome, 2)
    assert said in outcome.err


def test_a_source_that_may_not_be_read_ends_what_should_end(postgres, tmp_path):
    database = postgres.new_database()
    enqueue(database, 1)
    ok("db", "migrate", "--url", database)
    ok("db", "roles", "--apply", "--url", database)
    postgres.query("CREATE ROLE looker LOGIN IN ROLE tranter_readonly")
    target = f"file:{tmp_path / 'target'}"
    enqueue(target, 1)
    looking = database.replace("user=tranter", "user=looker")
    words = ["--queue", "mail", "--from", looking, "--to", target, "--until-empty"]

    refused = tranter("forward", *words)

    assert refused.code == 5 and "not open to this user" in refused.err, refused
    assert len(jobs_of(database)) == 1

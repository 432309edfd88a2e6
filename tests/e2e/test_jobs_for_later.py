"""Jobs that SQS cannot delay for so long: they wait in a store of schedules until `tranter timers`
hands them over. Behind it are two servers that speak SQS."""

import json
import signal
import time
from datetime import datetime, timedelta, timezone

import pytest
from command_line import check_failure, ok, tranter
from dead_letters import fauxqs
from postgres_server import PostgresServer
from scheduler_process import started_schedulers
from waiting import eventually


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture(scope="module")
def other_sqs():
    with fauxqs() as endpoint:
        yield endpoint


@pytest.fixture(params=[("file", "tranter"), ("postgres", "fauxqs")], ids="-".join)
def kinds(request):
    """Of the store of schedules, and of the server behind it."""
    return request.param


@pytest.fixture
def endpoint(kinds, request):
    if kinds[1] == "fauxqs":
        return request.getfixturevalue("other_sqs")
    return request.getfixturevalue("server").endpoint


@pytest.fixture
def store(kinds, request, tmp_path):
    if kinds[0] == "postgres":
        return request.getfixturevalue("postgres").new_database()
    return f"file:{tmp_path}"


@pytest.fixture
def provider(endpoint):
    return f"sqs:{endpoint}/000000000000"


@pytest.fixture
def timers(provider, store):
    """`tranter timers` on the store; ended with the test."""
    with started_schedulers() as start:
        yield lambda: start(provider, store, role="timers")


def rfc3339(seconds_from_now):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds_from_now)).isoformat()


def enqueue(queue, *flags, provider, store, job_type="email.reminder"):
    words = ("job", "enqueue", queue, job_type, '{"user_id": 42}', *flags)
    return ok(*words, "--provider", provider, "--store", store, "-o", "json").json()["id"]


def waiting(store):
    return {job["id"]: job for job in ok("timers", "list", "--store", store, "-o", "json").json()}


def messages(queue, endpoint):
    received = ok(
        *("message", "receive", queue, "--max", "1000", "--visibility-timeout", "1h"),
        *("-o", "ndjson"), endpoint=endpoint,
    )
    return received.lines()


def attribute(message, key):
    return message["attributes"][key]["value"]


def exists(queue, endpoint):
    return any(one["name"] == queue for one in ok("queue", "list", endpoint=endpoint).json())


def test_a_long_delay_waits_in_the_store_and_is_handed_over_at_its_time(
    name, provider, store, endpoint, timers
):
    queue = name()
    job = enqueue(queue, "--delay", "2h", provider=provider, store=store)
    assert waiting(store)[job]["state"] == "waiting"
    assert not exists(queue, endpoint)
    timers()

    due = time.time() + 3
    ok("timers", "move", job, "--run-at", rfc3339(3), "--store", store)

    eventually(lambda: exists(queue, endpoint))
    assert time.time() >= due
    (message,) = eventually(lambda: messages(queue, endpoint))
    assert json.loads(message["body"]) == {"user_id": 42}
    assert attribute(message, "tranter.id") == job
    assert attribute(message, "type") == "email.reminder"
    shown = ok("timers", "show", job, "--store", store, "-o", "json").json()
    assert shown["state"] == "enqueued"
    assert waiting(store) == {}


def test_without_a_store_the_delay_is_refused_and_the_error_says_what_helps(name, provider):
    refused = tranter("job", "enqueue", name(), "t", "--delay", "2h", "--provider", provider)
    check_failure(refused, 4)
    assert "15m" in refused.err and "--store" in refused.err


def test_an_id_is_kept_once(name, provider, store, timers, endpoint):
    queue = name()
    chosen = "0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10"
    flags = ("--id", chosen, "--delay", "2h")
    enqueue(queue, *flags, provider=provider, store=store)
    again = ok(
        *("job", "enqueue", queue, "email.reminder", *flags),
        *("--provider", provider, "--store", store, "-o", "json"),
    ).json()
    assert again == {"id": chosen, "duplicate_of": chosen}

    timers()
    ok("timers", "move", chosen, "--delay", "0s", "--store", store)
    (message,) = eventually(lambda: exists(queue, endpoint) and messages(queue, endpoint))
    assert attribute(message, "tranter.id") == chosen


def test_a_fifo_queue_gets_its_delayed_job_once_though_it_delays_none(
    name, provider, store, endpoint, timers
):
    queue = f"{name()}.fifo"
    ok("queue", "create", queue, "--fifo", endpoint=endpoint)
    job = enqueue(queue, "--delay", "2s", "--group", "g", provider=provider, store=store)
    assert list(waiting(store)) == [job]
    assert messages(queue, endpoint) == []

    timers()

    (message,) = eventually(lambda: messages(queue, endpoint))
    assert attribute(message, "tranter.id") == job


def test_what_waits_is_listed_cancelled_and_promoted(name, provider, store, endpoint, timers):
    queue = name()
    on_it = ("--provider", provider, "--store", store)
    first, second = (
        enqueue(queue, "--delay", delay, provider=provider, store=store) for delay in ("2h", "3h")
    )
    listed = ok("job", "list", "--state", "scheduled", *on_it, "-o", "json").json()
    assert [job["id"] for job in listed] == [first, second]
    assert [job["state"] for job in listed] == ["scheduled"] * 2
    check_failure(tranter("job", "list", *on_it), 4)

    ok("job", "cancel", first, *on_it)
    assert ok("job", "show", first, *on_it, "-o", "json").json()["state"] == "cancelled"
    check_failure(tranter("timers", "cancel", first, "--store", store), 4)
    ok("job", "promote", second, *on_it)
    timers()

    (message,) = eventually(lambda: exists(queue, endpoint) and messages(queue, endpoint))
    assert attribute(message, "tranter.id") == second


def test_a_bulk_of_jobs_is_divided_between_the_queue_and_the_store(
    name, provider, store, endpoint
):
    queue = name()
    lines = [{"type": "t", "payload": i, "delay": f"{i * 600}s"} for i in range(4)]
    ok(
        *("job", "enqueue", queue, "--bulk", "--provider", provider, "--store", store),
        stdin="\n".join(json.dumps(line) for line in lines),
    )

    assert sorted(job["payload"] for job in waiting(store).values()) == [2, 3]
    assert [json.loads(one["body"]) for one in messages(queue, endpoint)] == [0]


@pytest.mark.parametrize("kinds", [("file", "tranter")], indirect=True)
def test_timers_that_are_killed_lose_nothing(name, provider, store, endpoint, timers):
    queue = name()
    jobs = {
        enqueue(queue, "--delay", "1h", provider=provider, store=store) for _ in range(20)
    }
    first = timers()
    for number, job in enumerate(sorted(jobs)):
        ok("timers", "move", job, "--delay", "0s", "--store", store)
        if number % 7 == 3:
            first.end(signal.SIGKILL)
            first = timers()

    seen = []

    def all_seen():
        if exists(queue, endpoint):
            seen.extend(attribute(one, "tranter.id") for one in messages(queue, endpoint))
        return set(seen) == jobs

    # What a dead one held is taken after its 30 seconds.
    eventually(all_seen, seconds=90)

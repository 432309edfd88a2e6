"""Dead jobs and messages: looked at, replayed, exported and forgotten, in every kind of store."""

import json
import signal
import subprocess

import pytest
from command_line import check_failure, clean_environment, ok, on_terminal, tranter
from dead_letters import FileStore, JobStore, SqsStore, fauxqs
from postgres_server import PostgresServer
from server import ForeignServer, Server, binary
from waiting import eventually
from wire import Api
from worker_process import WorkerProcess

KINDS = ["http", "file", "sqs", "fauxqs"]


@pytest.fixture
def server():
    """Of one test alone: lists show, and --read receives, what stands in all queues."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def foreign_server():
    with fauxqs() as endpoint:
        yield ForeignServer(endpoint)


@pytest.fixture
def foreign_endpoint(foreign_server):
    """Empty again afterwards, for the same reason."""
    yield foreign_server.endpoint
    api = Api(foreign_server, "json")
    for url in api.call("ListQueues").get("QueueUrls", []):
        api.call("DeleteQueue", QueueUrl=url)


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture(params=KINDS)
def store(request, tmp_path):
    if request.param == "fauxqs":
        yield SqsStore(request.getfixturevalue("foreign_endpoint"))
        return
    if request.param == "file":
        one = FileStore(tmp_path)
        yield one
        one.server.stop()
        return
    server = request.getfixturevalue("server")
    yield JobStore(server) if request.param == "http" else SqsStore(server.endpoint)


@pytest.fixture
def jobs(server):
    return JobStore(server)


@pytest.fixture(params=["sqs", "fauxqs"])
def messages(request):
    if request.param == "sqs":
        return SqsStore(request.getfixturevalue("server").endpoint)
    return SqsStore(request.getfixturevalue("foreign_endpoint"))


def listed(store, queue, *more):
    queues = ok("dlq", "list", *more, env=store.env).json()
    return next(one for one in queues if one["name"] == f"{queue}-dlq")


def depth(store, queue):
    return listed(store, queue, "--depth-only")["depth"]


def peeked(store, queue, *more):
    return ok("dlq", "peek", f"{queue}-dlq", "--limit", "0", *more, env=store.env).json()


def replay(store, queue, *more, **options):
    outcome = ok("dlq", "replay", f"{queue}-dlq", "--yes", *more, env=store.env, **options)
    return outcome.json()


def wait_for(condition):
    eventually(condition, seconds=60, pause=0.05)


def numbers(payloads):
    return sorted(payload["n"] for payload in payloads)


# --- looking


def test_queues_are_listed_with_their_letters_by_type_and_error(store, queue):
    store.bury(queue, [{"n": 1}, {"n": 2}], "email.welcome", "no route")
    store.bury(queue, [{"n": 3}], "email.welcome", "timeout")
    store.bury(queue, [{"n": 4}], "report", "timeout")
    store.close()

    one = listed(store, queue, "--read")

    assert one["depth"] == 4
    assert [source["queue"] for source in one["sources"]] == [queue]
    groups = {(group["type"], group["error"]): group for group in one["groups"]}
    assert {key: group["count"] for key, group in groups.items()} == {
        ("email.welcome", "SmtpError: no route"): 2,
        ("email.welcome", "SmtpError: timeout"): 1,
        ("report", "SmtpError: timeout"): 1,
    }
    assert one["groups"][0]["count"] == 2
    assert all(group["first_at"] <= group["last_at"] for group in groups.values())
    assert one["oldest_at"] == min(group["first_at"] for group in groups.values())


def test_a_table_has_a_line_for_each_type_and_error(jobs, queue):
    jobs.bury(queue, [{"n": 1}, {"n": 2}], "email.welcome", "no route")
    jobs.bury(queue, [{"n": 3}], "report", "a\x1b[2Jb")

    shown = ok("dlq", "list", "-o", "table", env=jobs.env).out

    lines = [line.split() for line in shown.splitlines() if line.startswith(f"{queue}-dlq")]
    assert [(line[1], "email.welcome" in line or "report" in line) for line in lines] == [
        ("3", True), ("3", True)
    ]
    assert "\x1b" not in shown


def test_sqs_is_not_received_from_without_being_told_to(messages, queue):
    messages.bury(queue, [{"n": 1}])

    one = listed(messages, queue)

    assert one["depth"] == 1 and one["groups"] == [] and one["oldest_at"] is None
    (letter,) = peeked(messages, queue)
    assert letter["receive_count"] == 1


def test_looking_changes_nothing_and_says_what_it_costs(store, queue):
    store.bury(queue, [{"n": n} for n in range(25)])
    store.close()

    first = ok("dlq", "peek", f"{queue}-dlq", "--limit", "0", env=store.env)
    second = ok("dlq", "peek", f"{queue}-dlq", "--limit", "3", env=store.env)

    assert numbers(letter["payload"] for letter in first.json()) == list(range(25))
    assert len(second.json()) == 3
    letter = first.json()[0]
    assert letter["type"] == "email.welcome" and letter["queue"] == queue
    assert letter["error"] == "SmtpError: no route" and letter["state"] == "dead"
    assert ("receive count" in first.err) == store.receives_to_look
    one = listed(store, queue, "--depth-only")
    assert (one["depth"], one["in_flight"]) == (25, 0)


def test_filters_choose_by_type_error_age_and_field(store, queue):
    store.bury(queue, [{"n": 1, "user": {"id": 7}}], "email.welcome", "no route to host")
    store.bury(queue, [{"n": 2}], "report", "timeout")
    store.close()

    def found(*filters):
        return numbers(letter["payload"] for letter in peeked(store, queue, *filters))

    assert found("--type", "report") == [2]
    assert found("--error", "no route") == [1]
    assert found("--error", "timeout", "--type", "email.welcome") == []
    assert found("--filter", "args.user.id:7") == [1]
    assert found("--older", "1h") == [] and found("--newer", "1h") == [1, 2]
    check_failure(tranter("dlq", "peek", f"{queue}-dlq", "--older", "1", env=store.env), 2)


def test_one_is_shown_with_payload_failures_and_log(jobs, queue):
    (job,) = jobs.bury(queue, [{"n": 1}])

    shown = ok("dlq", "show", job, env=jobs.env).json()
    table = ok("dlq", "show", job, "-o", "table", env=jobs.env).out

    assert shown["payload"] == {"n": 1} and shown["reason"] == "no route"
    assert [failure["type"] for failure in shown["failures"]] == ["SmtpError"]
    assert shown["log"] == ["tried to", "do it"] and shown["log_dropped"] == 0
    assert "tried to\ndo it\n" in table


def test_a_message_is_shown_by_its_id_and_queue(messages, queue):
    messages.bury(queue, [{"n": 1}, {"n": 2}])
    letter = peeked(messages, queue)[1]
    named = ("dlq", "show", letter["id"])

    shown = ok(*named, "--queue", f"{queue}-dlq", env=messages.env).json()

    assert shown["payload"] == letter["payload"] and shown["failures"][0]["attempt"] == 3
    check_failure(tranter(*named, env=messages.env), 2)
    missing = tranter("dlq", "show", "nobody", "--queue", f"{queue}-dlq", env=messages.env)
    assert missing.code == 3


def test_what_is_not_there_is_exit_3_and_what_is_alive_4(jobs, queue):
    check_failure(tranter("dlq", "peek", f"{queue}-dlq", env=jobs.env), 3)
    check_failure(tranter("dlq", "replay", f"{queue}-dlq", "--yes", env=jobs.env), 3)
    alive = ok("job", "enqueue", queue, "t", env=jobs.env).json()["id"]
    check_failure(tranter("dlq", "show", alive, env=jobs.env), 4)
    check_failure(tranter("dlq", "replay", queue, "--yes", env=jobs.env), 4)
    check_failure(tranter("dlq", "show", "7b0c4b1e-0000-4000-8000-000000000001", env=jobs.env), 3)


def test_an_empty_queue_has_nothing_to_do(store, queue):
    store.bury(queue, [{"n": 1}])
    store.close()
    replay(store, queue)

    assert replay(store, queue)["replayed"] == 0
    assert peeked(store, queue) == []
    assert ok("dlq", "export", f"{queue}-dlq", env=store.env).out == ""
    one = listed(store, queue, "--read")
    assert one["depth"] == 0 and one["groups"] == [] and one["oldest_at"] is None


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.mark.parametrize("kind", ["http", "file", "postgres"])
def test_a_queue_has_an_empty_one_before_anything_dies(request, tmp_path, queue, kind):
    place = {
        "http": lambda: request.getfixturevalue("server").admin_endpoint,
        "file": lambda: f"file:{tmp_path / 'jobs'}",
        "postgres": lambda: request.getfixturevalue("postgres").new_database(),
    }
    env = {"TRANTER_URL": place[kind]()}
    ok("job", "enqueue", queue, "email.welcome", "{}", env=env)
    letters = f"{queue}-dlq"

    (one,) = ok("dlq", "list", env=env).json()
    assert (one["name"], one["depth"], one["source_names"]) == (letters, 0, [queue])
    assert ok("dlq", "peek", letters, env=env).json() == []
    assert ok("dlq", "export", letters, env=env).out == ""
    assert ok("dlq", "replay", letters, "--yes", env=env).json()["left"] == 0
    assert ok("dlq", "purge", letters, "--yes", env=env).json()["left"] == 0
    check_failure(tranter("dlq", "peek", f"no-{letters}", env=env), 3)


def test_a_message_of_an_sqs_client_is_a_job_like_any_other(server, jobs, queue):
    dlq = f"{queue}-dlq"
    ok("queue", "create", dlq, endpoint=server)
    ok("queue", "create", queue, "--dlq", dlq, "--max-receives", "1", endpoint=server)
    ok("message", "send", queue, "no JSON \u009b2J", endpoint=server)
    for _ in range(2):
        ok(*("message", "receive", queue, "--visibility-timeout", "0s"), endpoint=server)

    (letter,) = peeked(jobs, queue)
    table = ok("dlq", "peek", dlq, "-o", "table", env=jobs.env).out

    assert letter["type"] == "message" and letter["payload"] == "no JSON \u009b2J"
    assert "\u009b" not in table
    assert replay(jobs, queue)["replayed"] == 1
    (back,) = ok("message", "receive", queue, endpoint=server).json()
    assert back["body"] == "no JSON \u009b2J"


# --- replay


def test_replayed_jobs_run_again_and_the_report_says_so(store, queue):
    store.bury(queue, [{"n": n} for n in range(23)])
    store.close()

    report = replay(store, queue)

    assert report == {
        "queue": f"{queue}-dlq", "replayed": 23, "left": 0, "skipped": 0, "failed": 0,
        "failed_ids": [], "interrupted": False,
    }
    assert numbers(store.waiting(queue)) == list(range(23))


def test_only_what_matches_is_replayed(store, queue):
    store.bury(queue, [{"n": 1}], "email.welcome", "no route")
    store.bury(queue, [{"n": 2}, {"n": 3}], "report", "timeout")
    store.close()
    chosen = next(one for one in peeked(store, queue) if one["payload"] == {"n": 3})

    by_id = replay(store, queue, chosen["id"])
    by_error = replay(store, queue, "--error", "route", "--newer", "1h")

    assert (by_id["replayed"], by_id["left"]) == (1, 2)
    assert (by_error["replayed"], by_error["left"]) == (1, 1)
    assert numbers(store.waiting(queue)) == [1, 3]
    both = tranter("dlq", "replay", f"{queue}-dlq", "x", "--type", "t", "--yes", env=store.env)
    check_failure(both, 2)


def test_a_dry_run_shows_what_would_be_and_changes_nothing(store, queue):
    store.bury(queue, [{"n": 1}, {"n": 2}])
    store.close()

    rows = ok(
        *("dlq", "replay", f"{queue}-dlq", "--dry-run", "--set", "m=[5]"), env=store.env
    ).json()

    assert {row["result"] for row in rows} == {"would replay"}
    assert [row["payload"]["m"] for row in rows] == [[5], [5]]
    assert depth(store, queue) == 2 and store.waiting(queue) == []


def test_nobody_to_ask_is_an_error_that_says_what_to_do(store, queue):
    store.bury(queue, [{"n": 1}])
    store.close()

    for verb in ("replay", "purge"):
        refused = tranter("dlq", verb, f"{queue}-dlq", env=store.env)
        check_failure(refused, 2)
        assert "--yes" in refused.err
    assert depth(store, queue) == 1


def test_a_payload_is_repaired_and_nothing_else_of_it_changes(store, queue):
    store.bury(queue, [{"n": 1, "user": {"id": 7}, "x": 1.50}])
    store.close()

    report = replay(
        store, queue, "--set", 'user.locale="en"', "--set", "user.id=18446744073709551616",
    )

    assert (report["replayed"], report["left"]) == (1, 0)
    assert store.waiting(queue) == [
        {"n": 1, "user": {"id": 18446744073709551616, "locale": "en"}, "x": 1.5}
    ]


def test_a_payload_is_replaced_or_edited_by_hand(jobs, queue, tmp_path):
    jobs.bury(queue, [{"n": 1}])
    assert replay(jobs, queue, "--payload", '{"n": 5}')["replayed"] == 1
    other = f"{queue}-2"
    jobs.bury(other, [{"n": 1}, {"n": 2}])
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ngrep -q 2 "$1" && exit 1\nsed -i "s/1/9/" "$1"\n')
    editor.chmod(0o755)

    outcome = tranter(
        *("dlq", "replay", f"{other}-dlq", "--edit", "--yes"),
        env={**jobs.env, "EDITOR": str(editor), "TMPDIR": str(tmp_path)},
    )

    assert jobs.waiting(queue) == [{"n": 5}]
    assert outcome.code == 7
    report = outcome.json()
    assert (report["replayed"], report["failed"], report["left"]) == (1, 1, 1)
    assert jobs.waiting(other) == [{"n": 9}]
    assert [path.name for path in tmp_path.iterdir()] == ["editor"]


def test_what_cannot_be_set_is_named_and_stays(store, queue):
    store.bury(queue, [{"n": 1}])
    store.close()
    command = ("dlq", "replay", f"{queue}-dlq", "--yes", "--set")

    check_failure(tranter(*command, "n=", env=store.env), 2)
    check_failure(tranter(*command, "n", env=store.env), 2)
    refused = tranter(*command, "n.deeper=1", env=store.env)

    assert refused.code == 2 and "n.deeper" in refused.err
    assert refused.json()["failed"] == 1 and depth(store, queue) == 1


def test_into_another_queue(store, queue):
    store.bury(queue, [{"n": 1}])
    other = f"{queue}-other"
    if store.receives_to_look:
        ok("queue", "create", other, endpoint=store.endpoint)
    store.close()

    assert replay(store, queue, "--to", other)["replayed"] == 1

    assert numbers(store.waiting(other)) == [1]
    assert depth(store, queue) == 0


def test_what_was_sent_there_by_hand_goes_to_the_only_source(store, queue):
    dlq = f"{queue}-dlq"
    store.bury(queue, [{"n": 1}])
    if store.receives_to_look:
        ok("message", "send", dlq, '{"n": 2}', endpoint=store.endpoint)
    else:
        ok("job", "enqueue", dlq, "by.hand", '{"n": 2}', env=store.env)
    store.close()

    assert replay(store, queue)["replayed"] == 2

    assert numbers(store.waiting(queue)) == [1, 2]


def test_what_was_replayed_and_died_again_is_not_replayed_for_ever(server, jobs, queue, tmp_path):
    config = f"""
        [worker]
        queues = ["{queue}"]
        [handlers."*"]
        exec = ["/bin/sh", "-c", "exit 65"]
    """
    jobs.bury(queue, [{"n": n} for n in range(50)])
    worker = WorkerProcess(tmp_path, server.admin_endpoint, config)
    try:
        report = replay(jobs, queue)
        wait_for(lambda: depth(jobs, queue) == 50)
    finally:
        worker.kill()

    assert report["replayed"] == 50


def test_a_dead_job_of_a_worker_on_sqs_is_replayed(messages, queue, tmp_path):
    config = f"""
        [worker]
        queues = ["{queue}"]
        [handlers."*"]
        exec = ["/bin/sh", "-c", "echo broken >&2; exit 65"]
    """
    job = ok("job", "enqueue", queue, "report", '{"n": 1}', env=messages.env).json()["id"]
    worker = WorkerProcess(tmp_path, messages.env["TRANTER_URL"], config)
    try:
        wait_for(lambda: depth(messages, queue) == 1)
    finally:
        worker.kill()

    # The long poll of the worker that was killed may still get what comes into its own queue.
    other = f"{queue}-other"
    ok("queue", "create", other, endpoint=messages.endpoint)

    (letter,) = peeked(messages, queue)
    report = replay(messages, queue, job, "--to", other)

    assert letter["id"] == job and letter["type"] == "report" and letter["queue"] == queue
    assert letter["error"] == "exit: exit code 65: broken"
    assert report["replayed"] == 1 and messages.waiting(other) == [{"n": 1}]


def test_dead_jobs_of_a_queue_without_a_policy_are_found_by_name(messages, queue, tmp_path):
    ok("queue", "create", queue, endpoint=messages.endpoint)
    config = f"""
        [worker]
        queues = ["{queue}"]
        [handlers."*"]
        exec = ["/bin/sh", "-c", "exit 65"]
    """
    job = ok("job", "enqueue", queue, "report", '{"n": 1}', env=messages.env).json()["id"]
    worker = WorkerProcess(tmp_path, messages.env["TRANTER_URL"], config)

    def is_dead():
        queues = ok("dlq", "list", "--depth-only", env=messages.env).json()
        return any(one["name"] == f"{queue}-dlq" and one["depth"] == 1 for one in queues)

    try:
        wait_for(is_dead)
    finally:
        worker.kill()

    assert [source["queue"] for source in listed(messages, queue)["sources"]] == [queue]
    (letter,) = peeked(messages, queue)
    assert letter["id"] == job and letter["queue"] == queue


# --- many, at once, and interrupted


def test_ten_thousand_dead_jobs(jobs, queue):
    jobs.bury(queue, [{"n": n} for n in range(10_000)])

    one = listed(jobs, queue)
    report = replay(jobs, queue, "--filter", "args.n:77", seconds=120)
    rest = replay(jobs, queue, seconds=120)

    assert one["depth"] == 10_000 and one["groups"][0]["count"] == 10_000
    assert (report["replayed"], report["left"]) == (1, 9_999)
    assert (rest["replayed"], rest["left"], rest["skipped"]) == (9_999, 0, 0)
    assert numbers(jobs.waiting(queue)) == list(range(10_000))


def begin(store, queue, *more):
    return subprocess.Popen(
        [str(binary()), "dlq", "replay", f"{queue}-dlq", "--yes", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(**store.env),
    )


def test_a_replay_that_is_killed_loses_nothing_and_can_be_repeated(store, queue):
    store.bury(queue, [{"n": n} for n in range(120)])
    store.close()
    running = begin(store, queue, "--rate", "40")
    wait_for(lambda: in_the_middle(store, queue, running, 120))
    running.kill()
    running.communicate()

    if store.receives_to_look:
        # What it held is hidden for as long as it said; those that it had not seen are not.
        killed = replay(store, queue)
        seen = numbers(store.waiting(queue))
        hidden = depth(store, queue)
        assert killed["failed"] == 0
        assert len(set(seen)) + hidden >= 120 and len(set(seen)) == len(seen)
    else:
        report = replay(store, queue)
        assert report["left"] == 0 and report["failed"] == 0
        assert numbers(store.waiting(queue)) == list(range(120))


def in_the_middle(store, queue, process, total):
    """Some are replayed, and others are not."""
    assert process.poll() is None, process.communicate()
    if store.env["TRANTER_URL"].startswith("file:"):
        # Nobody else can look into its directory, but each replayed job is a write at least.
        with open(f"/proc/{process.pid}/io", encoding="ascii") as figures:
            writes = next(line for line in figures if line.startswith("syscw"))
        return int(writes.split()[1]) >= 20
    return 0 < depth(store, queue) < total


def test_an_interrupted_replay_says_what_it_did(store, queue):
    store.bury(queue, [{"n": n} for n in range(60)])
    store.close()
    running = begin(store, queue, "--rate", "10/s")
    wait_for(lambda: in_the_middle(store, queue, running, 60))
    running.send_signal(signal.SIGTERM)

    out, _ = running.communicate(timeout=60)

    report = json.loads(out)
    assert running.returncode == 130 and report["interrupted"]
    assert report["replayed"] + report["left"] == 60 and report["replayed"] < 60
    assert replay(store, queue)["replayed"] == 60 - report["replayed"]
    assert numbers(store.waiting(queue)) == list(range(60))


def test_two_replays_at_once_run_everything_once(jobs, queue):
    jobs.bury(queue, [{"n": n} for n in range(2_000)])

    both = [begin(jobs, queue), begin(jobs, queue)]
    reports = [json.loads(one.communicate(timeout=120)[0]) for one in both]

    assert sum(report["replayed"] for report in reports) == 2_000
    assert all(report["failed"] == 0 for report in reports)
    assert numbers(jobs.waiting(queue)) == list(range(2_000))


def test_two_replays_at_once_share_the_messages(messages, queue):
    messages.bury(queue, [{"n": n} for n in range(100)])

    both = [begin(messages, queue), begin(messages, queue)]
    reports = [json.loads(one.communicate(timeout=120)[0]) for one in both]

    assert sum(report["replayed"] for report in reports) == 100
    assert numbers(messages.waiting(queue)) == list(range(100))


# --- purge, export


def test_purged_letters_are_gone(store, queue):
    store.bury(queue, [{"n": 1}, {"n": 2}], "email.welcome")
    store.bury(queue, [{"n": 3}], "report")
    store.close()
    purge = ("dlq", "purge", f"{queue}-dlq", "--yes")

    some = ok(*purge, "--type", "report", env=store.env).json()
    rest = ok(*purge, env=store.env).json()

    assert (some["purged"], some["left"]) == (1, 2)
    assert (rest["purged"], rest["left"]) == (2, 0)
    assert store.waiting(queue) == [] and peeked(store, queue) == []


def test_a_purge_wants_the_name_of_the_queue(server, jobs, queue):
    jobs.bury(queue, [{"n": 1}])
    words = ("dlq", "purge", f"{queue}-dlq")
    asked = {"endpoint": server, "env": jobs.env, "until": "go on: "}

    refused, _ = on_terminal(*words, typed="y\n", **asked)
    left = depth(jobs, queue)
    agreed, shown = on_terminal(*words, typed=f"{queue}-dlq\n", **asked)

    assert refused == 1 and left == 1
    assert agreed == 0 and "purge 1 of" in shown
    assert depth(jobs, queue) == 0


def test_a_replay_asks(server, jobs, queue):
    jobs.bury(queue, [{"n": 1}])
    words = ("dlq", "replay", f"{queue}-dlq")
    asked = {"endpoint": server, "env": jobs.env, "until": "[y/N] "}

    refused, _ = on_terminal(*words, typed="n\n", **asked)
    left = depth(jobs, queue)
    agreed, _ = on_terminal(*words, typed="y\n", **asked)

    assert (refused, left, agreed) == (1, 1, 0)
    assert jobs.waiting(queue) == [{"n": 1}]


def test_exported_letters_can_be_read_again(store, queue):
    payloads = [{"n": 1, "text": "\x00\x1b[2J \u202e \u009b"}, {"n": 2, "text": "\ufffe"}]
    store.bury(queue, payloads)
    store.close()

    exported = ok("dlq", "export", f"{queue}-dlq", env=store.env)
    ok("dlq", "purge", f"{queue}-dlq", "--yes", env=store.env)

    if store.receives_to_look:
        assert "message send QUEUE --ndjson" in exported.err
        ok("message", "send", queue, "--ndjson", endpoint=store.endpoint, stdin=exported.out)
    else:
        assert "job enqueue QUEUE --bulk" in exported.err
        ok("job", "enqueue", queue, "--bulk", env=store.env, stdin=exported.out)
    assert "\x1b" not in exported.out and "\u202e" not in exported.out
    assert sorted(store.waiting(queue), key=lambda payload: payload["n"]) == payloads


# --- workers


def test_workers_are_listed_with_what_they_run(server, jobs, queue, tmp_path):
    config = f"""
        [worker]
        queues = ["{queue}"]
        concurrency = 3
        [handlers."*"]
        exec = ["/bin/sleep", "600"]
    """
    worker = WorkerProcess(tmp_path, server.admin_endpoint, config, "--name", f"{queue}-worker")

    def shown():
        workers = ok("worker", "list", env=jobs.env).json()
        return next((one for one in workers if one["name"] == f"{queue}-worker"), None)

    try:
        wait_for(lambda: shown() is not None)
        assert shown()["queues"] == [queue] and shown()["running"] == 0
        assert shown()["concurrency"] == 3 and shown()["version"]
        for _ in range(2):
            ok("job", "enqueue", queue, "t", env=jobs.env)
        wait_for(lambda: shown()["running"] == 2)
        table = ok("worker", "list", "-o", "table", env=jobs.env).out
        assert f"{queue}-worker" in table and "LAST SEEN" in table
    finally:
        worker.kill()


def test_sqs_does_not_know_its_workers(messages):
    refused = tranter("worker", "list", env=messages.env)

    check_failure(refused, 4)
    assert "does not know" in refused.err

"""`tranter data`: looking at, checking, copying and mending a data directory."""

import threading

import pytest
from command_line import check_failure, ok, tranter
from jobs import call, receive
from waiting import eventually
from wire import Api

SMALL_SEGMENTS = '[server]\nsegment_size = "1MiB"\n'


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def serve(own_server, data):
    return lambda *flags: own_server("--data", str(data), *flags, config=SMALL_SEGMENTS)


def fill(server, megabytes, keep=3):
    """Sends so much to `q` and deletes it again, but for the last few messages."""
    api = Api(server, "json")
    queue = api.create("q")
    body = "x" * 100_000
    for number in range(megabytes * 10):
        api.send(queue, f"{number} {body}")
    for _ in range(megabytes * 10 - keep):
        (message,) = api.receive(queue)
        api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def segments(directory):
    return sorted(directory.glob("*.seg"))


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


@pytest.fixture
def stopped(serve, data):
    """A small store with two queues and no server."""
    server = serve()
    api = Api(server, "json")
    orders, late = api.create("orders"), api.create("late", DelaySeconds=900)
    for number in range(5):
        api.send(orders, f"body {number} " + "y" * 100)
    api.send(late, "later")
    (message,) = api.receive(orders)
    api.call("DeleteMessage", QueueUrl=orders, ReceiptHandle=message["ReceiptHandle"])
    (message,) = api.receive(orders, VisibilityTimeout=600)
    server.stop()
    return data


# --- verify


def test_verify_reads_everything_and_changes_nothing(stopped):
    before = contents(stopped)

    outcome = ok("data", "verify", str(stopped))

    shown = outcome.json()
    assert shown["intact"] and shown["damage"] == [] and outcome.err == ""
    assert shown["segments"] == 1 and shown["records"] >= 11 and shown["commits"] >= 1
    assert contents(stopped) == before


def test_verify_finds_damage_and_names_it(stopped):
    (segment,) = segments(stopped)
    flip(segment, 200)

    outcome = tranter("data", "verify", str(stopped))

    assert outcome.code == 1
    (damage,) = outcome.json()["damage"]
    assert damage["file"] == segment.name and damage["offset"] <= 200 and not damage["torn_tail"]
    assert segment.name in outcome.err and "offset" in outcome.err


def test_a_torn_tail_is_shown_and_is_no_damage(stopped):
    with open(segments(stopped)[-1], "ab") as segment:
        segment.write(b"torn" * 20)

    outcome = tranter("data", "verify", str(stopped))

    assert outcome.code == 0
    assert outcome.json()["intact"] and outcome.json()["damage"][0]["torn_tail"]
    assert "torn tail" in outcome.err


def test_verify_works_while_a_server_runs_and_says_so(serve, data):
    fill(serve(), 1)

    outcome = tranter("data", "verify", str(data))

    assert outcome.code == 0 and outcome.json()["intact"]
    assert "a server is running" in outcome.err


# --- dump


def test_dump_prints_every_record(stopped):
    rows = ok("data", "dump", str(stopped)).lines()

    assert len(rows) == ok("data", "verify", str(stopped)).json()["records"]
    assert all("error" not in row for row in rows)
    types = [row["type"] for row in rows]
    assert types.count("message_sent") == 6 and types.count("message_deleted") == 1
    created = [row for row in rows if row["type"] == "queue_created"]
    assert [row["name"] for row in created] == ["orders", "late"]
    offsets = [row["offset"] for row in rows]
    assert offsets == sorted(offsets)


def test_dump_cuts_bodies_unless_told_not_to(stopped):
    def sent(*flags):
        rows = ok("data", "dump", str(stopped), *flags).lines()
        return next(row for row in rows if row["type"] == "message_sent")

    assert sent()["body"].endswith("y...") and len(sent()["body"]) < 80
    assert sent("--bodies")["body"] == "body 0 " + "y" * 100
    assert sent()["body_bytes"] == 107


def test_dump_goes_on_behind_damage(stopped):
    flip(segments(stopped)[0], 200)

    outcome = tranter("data", "dump", str(stopped))

    assert outcome.code == 1 and "offset" in outcome.err
    assert len(outcome.lines()) > 5


@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_dump_prints_in_every_form(stopped, form):
    outcome = ok("data", "dump", str(stopped), "-o", form)

    if form == "table":
        assert outcome.out.split()[:3] == ["FILE", "OFFSET", "BYTES"]
    else:
        rows = outcome.json() if form == "json" else outcome.lines()
        assert rows[0]["offset"] > 0


# --- stat


def test_stat_shows_what_a_server_would_find_and_changes_nothing(stopped):
    before = contents(stopped)

    shown = ok("data", "stat", str(stopped)).json()

    assert shown["segments"] == 1 and shown["messages"] == 5
    assert 0 < shown["live_bytes"] <= shown["bytes"]
    late, orders = shown["queues"]
    assert (late["name"], late["delayed"], late["dead"]) == ("late", 1, 0)
    assert (orders["visible"], orders["in_flight"], orders["dead"]) == (3, 1, 1)
    assert orders["bytes"] == 4 * 107
    assert contents(stopped) == before


def test_stat_is_a_table_when_asked(stopped):
    lines = ok("data", "stat", str(stopped), "-o", "table").out.splitlines()

    heading = next(line for line in lines if line.startswith("NAME"))
    assert heading.split()[-1] == "DEAD"
    assert lines[-1].split()[0] == "orders"


def test_stat_works_while_a_server_runs(serve, data):
    server = serve()
    fill(server, 1)

    shown = ok("data", "stat", str(data)).json()

    assert shown["messages"] == 3


# --- compact


def test_compact_gives_back_space_and_keeps_what_is_live(serve, data):
    server = serve()
    fill(server, 6)
    server.stop()
    before = sum(path.stat().st_size for path in segments(data))

    shown = ok("data", "compact", str(data), "--force").json()

    assert shown["segments"] < shown["segments_before"]
    assert shown["bytes"] < shown["bytes_before"]
    assert sum(path.stat().st_size for path in segments(data)) < before
    assert ok("data", "verify", str(data)).json()["intact"]
    api = Api(serve(), "json")
    received = api.receive(api.create("q"), MaxNumberOfMessages=10)
    assert sorted(one["Body"].split()[0] for one in received) == ["57", "58", "59"]


def test_compact_without_anything_to_gain_changes_nothing(stopped):
    shown = ok("data", "compact", str(stopped)).json()

    assert shown["segments"] == shown["segments_before"] == 1
    assert ok("data", "stat", str(stopped)).json()["messages"] == 5


@pytest.mark.parametrize("command", ["compact", "repair"])
def test_what_writes_needs_the_server_stopped(serve, data, command):
    server = serve()

    outcome = tranter("data", command, str(data))

    assert outcome.code == 1
    assert str(server.pid) in outcome.err


# --- backup


def test_a_backup_of_a_stopped_store_is_the_same_store(stopped, tmp_path, own_server):
    target = tmp_path / "copies" / "today"

    shown = ok("data", "backup", str(stopped), str(target)).json()

    assert (shown["queues"], shown["messages"]) == (2, 5)
    assert target.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
    assert ok("data", "stat", str(target)).json()["messages"] == 5
    api = Api(own_server("--data", str(target)), "json")
    assert len(api.receive(api.create("orders"), MaxNumberOfMessages=10)) == 3


def test_a_backup_under_load_holds_everything_acknowledged_before_it(
    serve, data, tmp_path, own_server
):
    """Traffic that fills segments and empties them again, so that some go while they are copied."""
    server = serve()
    api = Api(server, "json")
    kept = api.create("kept")
    stop = threading.Event()
    churned = []

    def churn():
        mine = Api(server, "json")
        queue = mine.create("churn")
        while not stop.is_set():
            mine.send(queue, "x" * 200_000)
            for message in mine.receive(queue, MaxNumberOfMessages=10):
                handle = message["ReceiptHandle"]
                mine.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)
            churned.append(1)

    acknowledged = [api.send(kept, f"early {n}")["MessageId"] for n in range(50)]
    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(churned) > 20, seconds=60)
        for number in range(5):
            target = tmp_path / f"copy-{number}"
            acknowledged.append(api.send(kept, f"late {number}")["MessageId"])
            shown = ok("data", "backup", str(data), str(target)).json()
            assert shown["messages"] >= len(acknowledged)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert ok("data", "verify", str(target)).json()["intact"]
    restored = Api(own_server("--data", str(target)), "json")
    queue = restored.create("kept")
    found = set()
    while messages := restored.receive(queue, MaxNumberOfMessages=10):
        found |= {message["MessageId"] for message in messages}
    assert found == set(acknowledged)


@pytest.mark.parametrize("kind", ["file", "full"])
def test_a_target_that_has_something_is_refused(stopped, tmp_path, kind):
    target = tmp_path / "target"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").touch()

    check_failure(tranter("data", "backup", str(stopped), str(target)), 4)

    assert target.is_file() or [path.name for path in target.iterdir()] == ["mine"]


def test_a_backup_of_a_damaged_store_fails_and_says_where(stopped, tmp_path):
    flip(segments(stopped)[0], 200)

    outcome = tranter("data", "backup", str(stopped), str(tmp_path / "copy"))

    check_failure(outcome, 1)
    assert "offset" in outcome.err


# --- the history of finished jobs


def finish(server, jobs):
    """Completes so many, and waits until the history has them."""
    for number in range(jobs):
        call(server, "/v1/queues/work/jobs", {"type": "t", "payload": {"number": number}})
    for job in receive(server, "work", jobs):
        call(server, "/v1/queues/work/complete", {"receipt": job["receipt"], "result": "done"})
    assert len(call(server, "/v1/jobs?filter=state:completed")["jobs"]) == jobs


@pytest.mark.parametrize("running", [True, False])
def test_a_backup_holds_the_finished_jobs(serve, data, tmp_path, own_server, running):
    server = serve()
    finish(server, 3)
    if not running:
        server.stop()
    before = contents(data)
    target = tmp_path / "copy"

    shown = ok("data", "backup", str(data), str(target)).json()

    assert shown["finished_jobs"] == 3
    assert running or contents(data) == before
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
    assert "history.db" in contents(target) and "history.db-wal" not in contents(target)
    assert ok("data", "verify", str(target)).json()["finished_jobs"] == 3
    assert ok("data", "stat", str(target)).json()["finished_jobs"] == 3
    found = call(own_server("--data", str(target)), "/v1/jobs?filter=args.number:2")["jobs"]
    assert [job["result"] for job in found] == ["done"]


def test_jobs_that_finished_before_a_kill_are_in_the_backup(serve, data, tmp_path):
    server = serve()
    finish(server, 2)
    server.kill()

    shown = ok("data", "backup", str(data), str(tmp_path / "copy")).json()

    assert shown["finished_jobs"] == 2


def test_a_damaged_history_is_named_and_does_not_spoil_the_backup(serve, data, tmp_path):
    server = serve()
    Api(server, "json").create("orders")
    finish(server, 1)
    server.stop()
    (data / "history.db").write_bytes(b"x" * 20_000)
    target = tmp_path / "copy"

    backup = tranter("data", "backup", str(data), str(target))
    verify = tranter("data", "verify", str(data))
    stat = ok("data", "stat", str(data))

    assert backup.code == 1 and "history.db" in backup.err
    assert "history.db" not in contents(target)
    assert ok("data", "verify", str(target)).json()["intact"]
    assert verify.code == 1
    assert [one["file"] for one in verify.json()["damage"]] == ["history.db"]
    assert "history.db" in stat.err and stat.json()["finished_jobs"] == 0


def test_a_backup_holds_the_schedules(serve, data, tmp_path):
    server = serve()
    Api(server, "json").create("orders")
    store = f"file:{data}"
    words = ["--every", "1 hour", "--type", "t", "--store", store]
    ok("schedule", "add", "hourly", *words)
    target = tmp_path / "copy"

    shown = ok("data", "backup", str(data), str(target)).json()
    ok("schedule", "add", "later", *words)

    assert (shown["schedules"], shown["jobs_for_later"]) == (1, 0)
    assert "schedules.db" in contents(target) and "schedules.db-wal" not in contents(target)
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
    assert ok("data", "verify", str(target)).json()["schedules"] == 1
    assert ok("data", "stat", str(target)).json()["schedules"] == 1
    assert ok("data", "verify", str(data)).json()["schedules"] == 2
    listed = ok("schedule", "list", "-o", "name", "--store", f"file:{target}").out
    assert listed == "hourly\n"


def test_damaged_schedules_are_named_and_do_not_spoil_the_backup(serve, data, tmp_path):
    server = serve()
    Api(server, "json").create("orders")
    finish(server, 1)
    server.stop()
    (data / "schedules.db").write_bytes(b"x" * 20_000)
    target = tmp_path / "copy"

    backup = tranter("data", "backup", str(data), str(target))
    verify = tranter("data", "verify", str(data))

    assert backup.code == 1 and "schedules.db" in backup.err
    assert backup.json()["finished_jobs"] == 1
    assert "schedules.db" not in contents(target)
    assert verify.code == 1
    assert [one["file"] for one in verify.json()["damage"]] == ["schedules.db"]


# --- repair


def test_repair_saves_what_is_intact_and_lists_what_was_lost(stopped, own_server):
    flip(segments(stopped)[0], 400)

    lost = ok("data", "repair", str(stopped)).json()

    assert [one["file"] for one in lost] == [segments(stopped)[0].name]
    assert list(stopped.glob("*.damaged"))
    assert ok("data", "verify", str(stopped)).json()["intact"]
    own_server("--data", str(stopped))


def test_repair_of_an_intact_store_says_so(stopped):
    outcome = ok("data", "repair", str(stopped))

    assert outcome.json() == [] and "nothing is damaged" in outcome.err


# --- what all have in common


COMMANDS = ["verify", "dump", "stat", "compact", "backup", "repair"]


def words_of(command, directory, tmp_path):
    more = [str(tmp_path / "target")] if command == "backup" else []
    return ["data", command, str(directory), *more]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_directory_without_a_store_is_exit_3_and_stays_as_it_is(tmp_path, command):
    empty = tmp_path / "empty"
    empty.mkdir()

    check_failure(tranter(*words_of(command, tmp_path / "none", tmp_path)), 3)
    check_failure(tranter(*words_of(command, empty, tmp_path)), 3)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]
    assert not list(empty.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_damaged_identity_is_exit_1(stopped, tmp_path, command):
    flip(stopped / "store", 20)

    outcome = tranter(*words_of(command, stopped, tmp_path))

    check_failure(outcome, 1)
    assert "store" in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_directory_argument_is_exit_2(command):
    check_failure(tranter("data", command), 2)

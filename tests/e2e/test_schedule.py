"""`tranter schedule` and `tranter timers`: as commands, and as processes against a real server."""

import contextlib
import json
import random
import signal
import sqlite3
from datetime import datetime

import pytest
from command_line import check_failure, ok, tranter
from postgres_server import PostgresServer
from scheduler_process import SchedulerProcess, started_schedulers
from waiting import eventually
from worker_process import WorkerProcess


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def store(request, tmp_path):
    if getattr(request, "param", "file") == "postgres":
        return request.getfixturevalue("postgres").new_database()
    return f"file:{tmp_path}"


in_every_store = pytest.mark.parametrize("store", ["file", "postgres"], indirect=True)


@pytest.fixture
def run(store):
    """A command over the store, which has to succeed."""

    def command(*words, **options):
        return ok("schedule", *words, env={"TRANTER_SCHEDULER_STORE": store}, **options)

    command.store = store
    return command


@pytest.fixture
def schedulers(server, store):
    """Starts schedulers on the store, and ends what is left of them."""
    with started_schedulers() as start:
        yield lambda *flags, **options: start(server.admin_endpoint, store, *flags, **options)


def jobs_of(server, schedule):
    """All jobs of a schedule, by id."""
    listed = ok(
        *("job", "list", "--tag", f"schedule={schedule}", "--limit", "100000", "-o", "ndjson"),
        env={"TRANTER_URL": server.admin_endpoint},
        seconds=120,
    )
    return {job["id"]: job for job in listed.lines()}


def slots_of(jobs):
    return sorted(
        tag.removeprefix("scheduled_for=")
        for job in jobs.values()
        for tag in job["tags"]
        if tag.startswith("scheduled_for=")
    )


def test_preview_answers_line_by_line():
    asked = [
        {"expr": "0 9 * * 1-5", "tz": "Europe/Berlin", "from": "2026-03-27T12:00:00Z", "count": 2},
        {"expr": "0 0 30 2 *", "tz": "UTC", "from": "2026-01-01T00:00:00Z", "count": 3},
        {"expr": "0 0 * *", "tz": "UTC", "from": "2026-01-01T00:00:00Z", "count": 3},
    ]
    text = "".join(json.dumps(one) + "\n" for one in asked) + "garbage\n"

    answers = ok("schedule", "preview", "--stdin", stdin=text).lines()

    assert answers[0] == {"fires": ["2026-03-30T07:00:00Z", "2026-03-31T07:00:00Z"]}
    assert answers[1] == {"fires": []}
    assert [list(one) for one in answers[2:]] == [["error"], ["error"]]


def test_preview_and_explain_for_people():
    one = ["--cron", "30 2 * * *", "--tz", "America/New_York"]
    fires = ok("schedule", "preview", *one, "--from", "2026-03-07T12:00:00Z", "--count", "1")
    assert fires.json() == [{"at": "2026-03-08T07:00:00Z", "local": "2026-03-08T03:00:00-04:00"}]

    told = ok("schedule", "explain", "*/90 * * * *").json()
    assert told["warnings"] and len(told["next"]) == 5

    check_failure(tranter("schedule", "preview", "--cron", "61 * * * *"), 2)
    check_failure(tranter("schedule", "preview"), 2)
    check_failure(tranter("schedule", "preview", "--cron", "* * * * *", "--every", "1h"), 2)
    check_failure(tranter("schedule", "preview", "--cron", "*" * (1 << 16)), 2)


@in_every_store
def test_a_schedule_is_made_changed_and_removed(run, store):
    words = ["--cron", "0 9 * * *", "--tz", "America/New_York", "--type", "report:generate"]
    made = run("add", "daily", *words, "--payload", '{"n": 1.0}', "--overlap", "skip").json()
    assert (made["state"], made["source"], made["payload"]) == ("active", "hand", {"n": 1.0})
    assert made["rules"]["overlap"] == "skip"

    again = tranter("schedule", "add", "daily", *words, "--store", store)
    check_failure(again, 4)
    never = tranter("schedule", "add", "x", "--cron", "0 0 30 2 *", "--type", "t", "--store", store)
    check_failure(never, 2)
    check_failure(tranter("schedule", "add", "x", "--type", "t", "--store", store), 2)
    check_failure(tranter("schedule", "show", "x", "--store", store), 3)

    edited = run("edit", "daily", "--cron", "0 10 * * *", "--priority", "1").json()
    assert (edited["expression"], edited["options"]["priority"]) == ("0 10 * * *", 1)
    assert edited["rules"]["overlap"] == "skip"
    assert run("pause", "daily", "--reason", "holidays").json()["pause_reason"] == "holidays"
    assert run("resume", "daily").json()["state"] == "active"
    first = run("show", "daily").json()["next_run_at"]
    assert run("skip", "daily").json()["skipped"] == first
    shown = run("show", "daily").json()
    assert shown["next_run_at"] > first
    assert shown["words"] == "every day at 10:00, New York time"
    assert [one["state"] for one in shown["last_runs"]] == ["skipped"]
    assert run("list", "-o", "name").out == "daily\n"
    run("remove", "daily")
    assert run("list").json() == []


@in_every_store
def test_a_backfill_shows_and_then_claims_what_has_not_run(run):
    run("add", "hourly", "--cron", "0 * * * *", "--type", "t")
    span = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-01T05:00:00Z"]

    assert len(run("backfill", "hourly", *span, "--dry-run").json()) == 6
    assert run("show", "hourly").json()["last_runs"] == []
    run("backfill", "hourly", *span)
    assert "0 of 6 slots will run" in run("backfill", "hourly", *span).err
    assert {one["state"] for one in run("show", "hourly").json()["last_runs"]} == {"claimed"}


@in_every_store
def test_a_backfill_of_jobs_that_may_not_overlap_has_to_be_allowed(run):
    run("add", "hourly", "--cron", "0 * * * *", "--type", "t", "--overlap", "skip")
    span = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-01T05:00:00Z"]

    assert len(run("backfill", "hourly", *span, "--dry-run").json()) == 6
    refused = tranter(
        "schedule", "backfill", "hourly", *span, env={"TRANTER_SCHEDULER_STORE": run.store}
    )
    check_failure(refused, 4)
    assert "6 slots would run at once" in refused.err and "overlap skip" in refused.err
    assert run("show", "hourly").json()["last_runs"] == []
    assert "6 of 6 slots will run" in run("backfill", "hourly", *span, "--overlap", "allow").err


def test_a_crontab_is_taken_over_but_for_what_cannot_be(run, store, tmp_path):
    crontab = tmp_path / "crontab"
    crontab.write_text("CRON_TZ=Europe/Berlin\n0 3 * * * backup > /dev/null\n@reboot start\n")

    dry = tranter("schedule", "import", str(crontab), "--dry-run", "--store", store)
    assert dry.code == 7 and "line 3" in dry.err
    assert run("list").json() == []
    assert tranter("schedule", "import", str(crontab), "--store", store).code == 7
    (made,) = run("list").json()
    assert made["name"] == "crontab-2"
    assert made["timezone"] == "Europe/Berlin"
    assert made["payload"] == {"command": "backup > /dev/null"}


def test_the_tables_are_printed(run):
    printed = ok("schedule", "migrate", "--print").out
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(printed)
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type='table'").fetchall()
    assert {"recurring_jobs", "schedule_runs", "scheduled_jobs"} <= {name for (name,) in tables}
    run("migrate")


def test_a_store_that_is_locked_or_none_is_said(run, store, tmp_path):
    run("add", "daily", "--cron", "@daily", "--type", "t")
    with contextlib.closing(sqlite3.connect(tmp_path / "schedules.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        check_failure(tranter("schedule", "pause", "daily", "--store", store), 6)
        database.rollback()
    run("pause", "daily")

    (tmp_path / "other.db").write_bytes(b"not a database" * 100)
    check_failure(tranter("schedule", "list", "--store", f"file:{tmp_path}/other.db"), 6)
    check_failure(tranter("schedule", "list", "--store", "ftp://x"), 2)


@in_every_store
def test_slots_become_jobs_and_a_run_by_hand_too(server, name, run, schedulers):
    schedule = name()
    scheduler = schedulers()
    run("add", schedule, "--every", "1 second", "--type", "tick", "--queue", name())

    eventually(lambda: len(jobs_of(server, schedule)) >= 2)
    by_hand = run("run", schedule).json()["job"]
    eventually(lambda: by_hand in jobs_of(server, schedule))

    code, log = scheduler.end()
    assert code == 0 and '"stopped"' in log, log
    shown = run("show", schedule).json()
    assert shown["runs"] == len(jobs_of(server, schedule))
    assert shown["last_error"] is None


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_database_that_is_restarted_costs_no_slot(server, name, run, schedulers, postgres):
    schedule = name()
    policy = ["--misfire", "run_all", "--misfire-window", "1h"]
    run("add", schedule, "--every", "1 second", "--type", "tick", *policy)
    scheduler = schedulers("--lease", "1s")
    eventually(lambda: len(jobs_of(server, schedule)) >= 2)

    postgres.stop()
    check_failure(tranter("schedule", "list", env={"TRANTER_SCHEDULER_STORE": run.store}), 6)
    before = len(jobs_of(server, schedule))
    postgres.start()

    eventually(lambda: len(jobs_of(server, schedule)) >= before + 2, seconds=60)
    run("pause", schedule)
    # What was claimed when the connection broke is taken after its 30 seconds.
    eventually(
        lambda: run("show", schedule).json()["runs"] == len(jobs_of(server, schedule)), seconds=90
    )
    slots = slots_of(jobs_of(server, schedule))
    span = ["--from", slots[0], "--to", slots[-1], "--dry-run"]
    assert slots == [one["slot"] for one in run("backfill", schedule, *span).json()]
    code, log = scheduler.end()
    assert code == 0 and "connected again" in log, log


def test_the_tables_of_a_database_are_printed_and_made(postgres):
    address = postgres.new_database()
    printed = ok("schedule", "migrate", "--print", "--store", address).out
    for table in ("recurring_jobs", "schedule_runs", "scheduled_jobs"):
        assert f"CREATE TABLE tranter.{table}(" in printed
    assert ok("schedule", "list", env={"DATABASE_URL": address}).json() == []
    away = tranter("schedule", "list", "--store", "postgres://u:hidden-word@127.0.0.1:9/x")
    check_failure(away, 6)
    assert "hidden-word" not in away.err


def test_the_file_makes_schedules_and_wins_over_hands(server, name, run, tmp_path, schedulers):
    schedule = name()
    config = tmp_path / "tranter.toml"
    config.write_text(f'[schedules.{schedule}]\ncron = "@daily"\ntype = "t"\npayload = [1]\n')
    schedulers("--config", str(config)).end()
    assert run("show", schedule).json()["source"] == "file"
    run("edit", schedule, "--cron", "@hourly")

    _, log = schedulers("--config", str(config)).end()

    assert "changed by hand" in log
    shown = run("show", schedule).json()
    assert (shown["expression"], shown["payload"]) == ("@daily", [1])
    config.write_text('[schedules.other]\nevery = "1d"\ntype = "t"\n')
    _, log = schedulers("--config", str(config)).end()
    assert "still there" in log and schedule in log


def test_a_provider_that_is_away_costs_no_slot(server, name, run, store, schedulers):
    schedule = name()
    run("add", schedule, "--every", "1 second", "--type", "tick")
    away = SchedulerProcess("http://127.0.0.1:9", store)
    eventually(lambda: run("show", schedule).json()["last_error"])
    away.end(signal.SIGKILL)

    schedulers("--lease", "1s")
    eventually(lambda: len(jobs_of(server, schedule)) >= 3, seconds=90)

    first = eventually(lambda: run("show", schedule).json()["last_error"] is None)
    assert first


@in_every_store
def test_three_schedulers_that_are_killed_again_and_again_make_one_job_of_each_slot(
    server, name, run, schedulers
):
    names = [name() for _ in range(5)]
    policy = ["--misfire", "run_all", "--misfire-window", "1h", "--misfire-cap", "10000"]
    for schedule in names:
        run("add", schedule, "--every", "1 second", "--type", "tick", *policy)
    chance = random.Random(20260328)
    running = [schedulers("--lease", "1s") for _ in range(3)]
    for _ in range(30):
        victim = chance.randrange(3)
        wanted = len(jobs_of(server, names[0]))
        if chance.random() < 0.3:
            eventually(lambda: len(jobs_of(server, names[0])) > wanted, seconds=60)
        running[victim].end(signal.SIGKILL)
        running[victim] = schedulers("--lease", "1s")
    for schedule in names:
        run("pause", schedule)

    # What the dead held is taken after its 30 seconds.
    def nothing_open():
        return all(
            run_["state"] == "enqueued"
            for schedule in names
            for run_ in run("show", schedule).json()["last_runs"]
        )

    eventually(nothing_open, seconds=90, pause=0.5)
    eventually(
        lambda: all(
            run("show", one).json()["runs"] == len(jobs_of(server, one)) for one in names
        ),
        seconds=60,
        pause=0.5,
    )
    for schedule in names:
        slots = slots_of(jobs_of(server, schedule))
        assert len(slots) == len(set(slots))
        shown = run("show", schedule).json()
        assert (shown["missed"], shown["skipped"]) == (0, 0)
        span = ["--from", slots[0], "--to", slots[-1], "--dry-run"]
        expected = [one["slot"] for one in run("backfill", schedule, *span).json()]
        assert slots == expected


@in_every_store
def test_a_stored_schedule_is_previewed_and_explained(run, store):
    words = ["--cron", "0 9 * * *", "--tz", "America/New_York", "--type", "t"]
    run("add", "daily", *words, "--jitter", "5m", "--max-runs", "3")

    fires = run("preview", "daily", "--from", "2098-07-01T00:00:00Z").json()
    assert len(fires) == 3
    assert fires[0]["at"] == "2098-07-01T13:00:00Z"
    assert fires[0]["local"] == "2098-07-01T09:00:00-04:00"
    assert fires[0]["at"] <= fires[0]["due"] <= "2098-07-01T13:05:00Z"

    told = run("explain", "daily").json()
    assert told["words"] == "every day at 09:00, New York time"
    assert told["obstacles"] == ["no scheduler works on the store"]
    run("pause", "daily", "--reason", "moving house")
    assert run("explain", "daily").json()["obstacles"][0] == "it is paused: moving house"

    check_failure(tranter("schedule", "explain", "nothing", "--store", store), 3)
    check_failure(tranter("schedule", "preview", "daily", "--tz", "UTC", "--store", store), 2)
    # One word may be an expression all the same.
    assert ok("schedule", "explain", "PT30M").json()["words"] == "every 30 minutes"
    assert ok("schedule", "explain", "@daily").json()["words"] == "every day at 00:00, UTC"


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@in_every_store
def test_a_slot_comes_a_period_after_the_job_before_has_ended(
    server, name, run, schedulers, tmp_path
):
    schedule, queue = name(), name()
    after = ("--every", "1 second", "--anchor", "after_completion")
    run("add", schedule, *after, "--type", "slow", "--queue", queue)
    config = f"""
        [worker]
        queues = ["{queue}"]
        [handlers.slow]
        exec = ["/bin/sleep", "0.7"]
        """
    worker = WorkerProcess(tmp_path, server.admin_endpoint, config)
    schedulers()

    def ended():
        jobs = jobs_of(server, schedule).values()
        return sorted(one["finished_at"] for one in jobs if one["state"] == "completed")

    ends = eventually(lambda: len(ended()) >= 3 and ended(), seconds=30)
    worker.end()
    slots = slots_of(jobs_of(server, schedule))

    for end, slot in zip(ends, slots[1:], strict=False):
        assert 1 <= seconds_of(slot) - seconds_of(end) < 1.01

"""What /metrics, the health endpoints and the log say of `tranter schedule` and `tranter timers`, with
real processes and parsers of Prometheus' own."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import uuid
from datetime import datetime

import pytest
from command_line import check_failure, ok, tranter
from metrics import samples, scrape, value
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from scheduler_process import SchedulerProcess, started_schedulers
from waiting import eventually

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
SECRET = "payload-of-the-owner-4711"


@pytest.fixture
def store(tmp_path):
    return f"file:{tmp_path}"


@pytest.fixture
def schedule(store):
    """A command over the store."""

    def run(*words, env=None):
        return ok("schedule", *words, env={"TRANTER_SCHEDULER_STORE": store, **(env or {})})

    return run


@pytest.fixture
def schedulers(server, store):
    with started_schedulers() as start:
        yield lambda *flags, provider=server.admin_endpoint, **options: start(
            provider, store, *flags, **options
        )


def metrics_once(scheduler, name, wanted, **labels):
    """The metrics, once that one is so much."""
    key = (f"tranter_{name}", tuple(sorted(labels.items())))

    def look():
        text = scheduler.get("/metrics")[1]
        return text if samples(text).get(key, -1) >= wanted else None

    return eventually(look, seconds=30)


def test_slots_are_counted_and_measured(schedulers, schedule, name):
    tick = name()
    schedule("add", tick, "--every", "1 second", "--type", "t", "--queue", name())
    schedule("add", "resting", "--cron", "@daily", "--type", "t")
    schedule("pause", "resting")
    scheduler = schedulers()

    text = metrics_once(scheduler, "schedule_runs_total", 1, schedule=tick, outcome="enqueued")

    for outcome in ("skipped", "missed", "error"):
        assert value(text, "schedule_runs_total", schedule=tick, outcome=outcome) == 0
    count = value(text, "schedule_lateness_seconds_count")
    assert count == value(text, "schedule_runs_total", schedule=tick, outcome="enqueued")
    assert 0 <= value(text, "schedule_lateness_seconds_sum") < 10 * count
    assert value(text, "scheduler_leader", role="schedule") == 1
    assert value(text, "scheduler_up") == 1
    assert value(text, "schedules", state="enabled") == 1
    assert value(text, "schedules", state="paused") == 1
    assert value(text, "schedule_next_run_timestamp_seconds", schedule=tick) > 1.7e9
    assert value(text, "schedule_store_connected") == 1
    assert value(text, "schedule_store_errors_total") == 0
    assert value(text, "schedule_store_call_duration_seconds_count") > 0
    assert not [key for key in samples(text) if key[0].startswith("tranter_timer")]
    status, ready = scheduler.get("/readyz?verbose")
    assert (status, ready.splitlines()[-1]) == (200, "ok"), ready
    assert [line.split()[0] for line in ready.splitlines()[:-1]] == [
        "[+]working", "[+]loop", "[+]store", "[+]lateness",
    ]
    assert scheduler.get("/livez") == (200, "ok\n")
    assert ok("health", "--url", f"http://{scheduler.health}").out == "ok\n"


def test_missed_slots_are_counted(schedulers, schedule, tmp_path):
    schedule("add", "tick", "--every", "1 second", "--type", "t", "--misfire", "skip")
    with contextlib.closing(sqlite3.connect(tmp_path / "schedules.db")) as database:
        day = 24 * 3600 * 1_000_000
        database.execute(
            "UPDATE recurring_jobs SET next_run_at = next_run_at - ?, due_at = due_at - ?",
            (day, day),
        )
        database.commit()

    scheduler = schedulers("--log-format", "json")

    metrics_once(scheduler, "schedule_runs_total", 1000, schedule="tick", outcome="missed")
    _, log = scheduler.end()
    assert [line for line in map(json.loads, log.splitlines()) if line.get("outcome") == "missed"]


def test_a_job_for_later_is_measured_by_timers(schedulers, tmp_path, schedule, name):
    schedule("migrate")
    job, queue = str(uuid.uuid4()), name()
    with contextlib.closing(sqlite3.connect(tmp_path / "schedules.db")) as database:
        now = int(datetime.now().timestamp() * 1_000_000)
        columns = "id, queue, type, payload, job_group, options, scheduled_for, status, ready_at"
        database.execute(
            f"INSERT INTO scheduled_jobs({columns}, held, tries, error, created_at) "
            "VALUES(?, ?, 't', 'null', '', '{}', ?, 0, ?, 0, 0, '', ?)",
            (job, queue, now, now, now),
        )
        database.commit()

    timers = schedulers(role="timers")

    text = metrics_once(timers, "timer_jobs_total", 1, outcome="enqueued")
    assert value(text, "timer_lateness_seconds_count") == 1
    assert value(text, "scheduler_leader", role="timers") == 1
    assert not [key for key in samples(text) if key[0].startswith("tranter_schedule_runs")]
    _, log = timers.end()
    assert job in log and '"outcome":"enqueued"' in log


def test_who_stands_by_says_so(schedulers, schedule):
    first = schedulers()
    metrics_once(first, "scheduler_leader", 1, role="schedule")
    second = schedulers()
    assert value(second.get("/metrics")[1], "scheduler_leader", role="schedule") == 0
    assert eventually(lambda: second.get("/readyz")[0] == 200)
    first.end()
    metrics_once(second, "scheduler_leader", 1, role="schedule")


def test_what_is_overdue_is_named(schedulers, schedule, tmp_path):
    config = tmp_path / "tranter.toml"
    config.write_text('[scheduler]\nlate_after = "1s"\n')
    schedule("add", "tick", "--every", "1 second", "--type", "t")
    # Nobody listens there, so that the slot stays claimed.
    scheduler = schedulers("--config", str(config), provider="http://127.0.0.1:1")

    status, text = eventually(
        lambda: (answer := scheduler.get("/readyz"))[1].startswith("ok, ") and answer, seconds=30
    )

    assert (status, text.startswith("ok, tick is overdue by ")) == (200, True), text
    health = json.loads(scheduler.get("/health")[1])
    assert (health["status"], health["next"]["name"]) == ("degraded", "tick")
    shown = scheduler.get("/metrics")[1]
    assert value(shown, "scheduler_overdue_seconds") > 1
    assert value(shown, "schedule_runs_total", schedule="tick", outcome="error") >= 1
    assert scheduler.get("/livez")[0] == 200


def test_a_store_that_is_locked_is_not_ready_and_still_alive(schedulers, schedule, tmp_path):
    schedule("migrate")
    scheduler = schedulers("--lease", "1s")
    eventually(lambda: scheduler.get("/readyz")[0] == 200)

    with contextlib.closing(sqlite3.connect(tmp_path / "schedules.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        status, text = eventually(
            lambda: (answer := scheduler.get("/readyz"))[0] == 503 and answer, seconds=60
        )
        assert text == "the store of schedules does not answer\n"
        assert scheduler.get("/livez") == (200, "ok\n")
        assert value(scheduler.get("/metrics")[1], "schedule_store_connected") == 0
        database.rollback()

    eventually(lambda: scheduler.get("/readyz")[0] == 200, seconds=60)
    assert value(scheduler.get("/metrics")[1], "schedule_store_errors_total") >= 1


def move_city(zones, clocks, version):
    """As a package does it: new files in the place of old ones."""
    (zones / "Test").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(f"/usr/share/zoneinfo/{clocks}", zones / "new")
    os.replace(zones / "new", zones / "Test/City")
    (zones / "new").write_text(f"# version {version}\n")
    os.replace(zones / "new", zones / "tzdata.zi")


def test_zones_that_change_move_next_slots(schedulers, schedule, tmp_path):
    zones = tmp_path / "zoneinfo"
    env = {"TZDIR": str(zones)}
    move_city(zones, "Asia/Tokyo", "2026x")
    words = ["--cron", "0 9 * * *", "--tz", "Test/City", "--type", "t"]
    in_tokyo = schedule("add", "daily", *words, env=env).json()["next_run_at"]
    scheduler = schedulers("--lease", "1s", env=env)
    metrics_once(scheduler, "scheduler_tzdata_info", 1, version="2026x")
    assert json.loads(scheduler.get("/health")[1])["time_zone_data"] == "2026x"
    assert in_tokyo.endswith("T00:00:00Z")

    move_city(zones, "Asia/Kolkata", "2026y")

    metrics_once(scheduler, "scheduler_tzdata_info", 1, version="2026y")
    metrics_once(scheduler, "schedule_recomputed_total", 1)
    assert schedule("show", "daily", env=env).json()["next_run_at"].endswith("T03:30:00Z")
    scheduler.end()
    move_city(zones, "Asia/Kathmandu", "2026z")

    another = schedulers(env=env)

    metrics_once(another, "schedule_recomputed_total", 1)
    assert schedule("show", "daily", env=env).json()["next_run_at"].endswith("T03:15:00Z")
    _, log = another.end()
    assert '"time_zone_data":"2026z"' in log


def test_the_log_has_each_slot_and_no_payload(schedulers, schedule, server, name):
    tick, queue = name(), name()
    payload = json.dumps({"secret": SECRET})
    words = ["--every", "1 second", "--type", "kind", "--queue", queue]
    schedule("add", tick, *words, "--payload", payload)
    scheduler = schedulers("--log-format", "json", "--log-level", "debug")
    metrics_once(scheduler, "schedule_runs_total", 1, schedule=tick, outcome="enqueued")

    code, log = scheduler.end()

    assert code == 0
    lines = [json.loads(line) for line in log.splitlines()]
    slots = [line for line in lines if line.get("outcome") == "enqueued"]
    assert slots
    for line in slots:
        assert (line["schedule"], line["queue"], line["job_type"]) == (tick, queue, "kind")
        assert line["lateness_ms"] >= 0
        assert datetime.fromisoformat(line["slot"].replace("Z", "+00:00"))
    listed = ok(
        *("job", "list", "--tag", f"schedule={tick}", "-o", "ndjson"),
        env={"TRANTER_URL": server.admin_endpoint},
    ).lines()
    assert {line["job_id"] for line in slots} == {job["id"] for job in listed}
    assert SECRET not in log
    assert any(line.get("time_zone_data") for line in lines)


def test_two_on_one_machine_need_no_addresses(server, tmp_path):
    started = []
    for _ in range(2):
        process = SchedulerProcess(
            server.admin_endpoint, f"file:{tmp_path}", "--health", "127.0.0.1:3004"
        )
        started.append(process)
    try:
        assert started[0].health != started[1].health
        assert [one.get("/livez")[0] for one in started] == [200, 200]
        taken = started[1].health
        config = tmp_path / "tranter.toml"
        config.write_text(f'[scheduler]\nhealth = "{taken}"\n')
        words = ["schedule", "--config", str(config), "--store", f"file:{tmp_path}"]
        failed = tranter(*words)
        assert failed.code != 0 and "--health names another address" in failed.err
    finally:
        for one in started:
            one.end()
    check_failure(tranter("schedule", "--health", "nowhere"), 2)


def test_openmetrics_is_what_its_parser_reads(schedulers, schedule, server, name):
    tick = name()
    schedule("add", tick, "--every", "1 second", "--type", "t", "--queue", name())
    scheduler = schedulers("--timers")
    plain = metrics_once(scheduler, "schedule_runs_total", 1, schedule=tick, outcome="enqueued")

    text = scheduler.get("/metrics", Accept=OPENMETRICS)[1]

    assert text.endswith("# EOF\n")
    shown = samples(text, open_families)
    assert {key[0] for key in shown} == {key[0] for key in samples(plain)}
    of_server = scrape(server, accept=OPENMETRICS)
    assert of_server.endswith("# EOF\n") and samples(of_server, open_families)
    assert {key[0] for key in samples(of_server, open_families)} == {
        key[0] for key in samples(scrape(server))
    }


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus")
def test_prometheus_finds_nothing_wrong_with_schedulers(schedulers, schedule):
    schedule("add", "tick", "--every", "1 second", "--type", "t")
    scheduler = schedulers("--timers")
    text = metrics_once(scheduler, "schedule_runs_total", 1, schedule="tick", outcome="enqueued")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr

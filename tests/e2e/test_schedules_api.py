"""Schedules and jobs for later over the Jobs API, with real schedulers behind it."""

import os

import pytest
from command_line import ok
from jobs_api import JobsApi
from postgres_server import PostgresServer
from scheduler_process import SchedulerProcess
from waiting import eventually

DAILY = {"expression": "0 9 * * *", "timezone": "America/New_York", "type": "report:generate",
         "payload": {"n": 1.50}, "options": {"priority": 1}, "rules": {"overlap": "skip"}}


@pytest.fixture
def data(tmp_path):
    return str(tmp_path / "data")


@pytest.fixture
def served(own_server, data):
    return own_server("--data", data)


@pytest.fixture
def api(served):
    return JobsApi(served)


@pytest.fixture
def roles(served, data):
    """Starts `tranter schedule` or `tranter timers` on the server's store."""
    started = []

    def start(role):
        started.append(SchedulerProcess(served.admin_endpoint, f"file:{data}", role=role))
        assert started[-1].began, started[-1].end()

    yield start
    for one in started:
        one.end()


def test_a_schedule_that_the_api_makes_fires(api, roles, name):
    schedule = name()
    roles("schedule")
    body = {"expression": "every 1 second", "type": "tick", "payload": [1.50], "queue": name()}
    made = api.ok("PUT", f"/schedules/{schedule}", body)
    assert (made["state"], made["words"]) == ("active", "every second")

    def jobs():
        return api.ok("GET", f"/jobs?filter=tag:schedule={schedule}")["jobs"]

    eventually(lambda: len(jobs()) >= 2)
    assert {(job["type"], job["queue"]) for job in jobs()} == {("tick", body["queue"])}
    api.ok("POST", f"/schedules/{schedule}/pause", {"reason": "enough"})
    by_hand = api.ok("POST", f"/schedules/{schedule}/run")["job"]
    eventually(lambda: api.ask("GET", f"/jobs/{by_hand}")[0] == 200)

    told = api.ok("GET", f"/schedules/{schedule}/explain")
    assert told["last_job_state"] == "pending"
    assert any("enough" in obstacle for obstacle in told["obstacles"])
    assert not any("no scheduler" in obstacle for obstacle in told["obstacles"])
    runs = api.ok("GET", f"/schedules/{schedule}/runs")["runs"]
    assert by_hand in {run["job"] for run in runs if run["manual"]}


def test_jobs_for_later_come_at_their_time(api, roles, name):
    queue = name()
    far = {"queue": queue, "type": "t", "run_at": "2100-01-01T00:00:00Z"}
    soon, now, never = (
        api.ok("POST", "/scheduled-jobs", job)["id"]
        for job in ({"queue": queue, "type": "t", "delay": "1s", "tags": ["soon"]}, far, far)
    )
    assert api.ok("POST", f"/scheduled-jobs/{never}/cancel")["state"] == "cancelled"
    roles("timers")

    eventually(lambda: api.ask("GET", f"/jobs/{soon}")[0] == 200)
    assert api.ok("GET", f"/jobs/{soon}")["tags"] == ["soon"]
    assert api.ask("GET", f"/jobs/{now}")[0] == 404
    api.ok("POST", f"/scheduled-jobs/{now}/run")
    eventually(lambda: api.ask("GET", f"/jobs/{now}")[0] == 200)

    eventually(lambda: api.ok("GET", f"/scheduled-jobs/{now}")["state"] == "enqueued")
    assert api.ask("POST", f"/scheduled-jobs/{now}/cancel")[0] == 409
    assert api.ask("GET", f"/jobs/{never}")[0] == 404
    assert api.ok("GET", "/scheduled-jobs")["jobs"] == []


def test_the_api_and_the_command_line_show_the_same(api, data):
    api.ok("PUT", "/schedules/daily", DAILY)
    api.ok("PUT", "/schedules/hourly", {"expression": "@hourly", "type": "t", "group": "acme"})
    api.ok("POST", "/schedules/hourly/pause", {"reason": "holidays"})

    listed = api.ok("GET", "/schedules")["schedules"]
    shown = ok("schedule", "list", "--store", f"file:{data}").json()

    assert listed == shown
    assert [list(one) for one in listed] == [list(one) for one in shown]
    ok("schedule", "edit", "daily", "--queue", "q", "--store", f"file:{data}")
    assert api.ok("GET", "/schedules/daily")["queue"] == "q"


def test_schedules_are_there_after_a_restart(api, served, own_server, data):
    api.ok("PUT", "/schedules/daily", DAILY)
    before = api.ok("GET", "/schedules")
    served.kill()

    assert JobsApi(own_server("--data", data)).ok("GET", "/schedules") == before


def test_a_server_without_a_store_says_so_and_makes_none(own_server, tmp_path):
    api = JobsApi(own_server(env={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}))

    for method, path, body in [
        ("PUT", "/schedules/daily", DAILY),
        ("GET", "/schedules", None),
        ("POST", "/scheduled-jobs", {"type": "t", "delay": "1h"}),
    ]:
        status, headers, problem = api.ask(method, path, body)
        assert (status, problem["code"]) == (501, "unsupported")
        assert headers["content-type"] == "application/problem+json"
        assert "--data DIR" in problem["detail"]
    assert api.ok("POST", "/schedules/explain", {"expression": "@daily"})["words"]
    assert os.listdir(tmp_path) == []


def test_a_database_that_is_away_is_said_and_comes_back(own_server):
    postgres = PostgresServer()
    try:
        address = postgres.new_database()
        api = JobsApi(own_server(config=f'[scheduler]\nstore = "{address}"\n'))
        api.ok("PUT", "/schedules/daily", DAILY)
        assert ok("schedule", "list", "-o", "name", "--store", address).out == "daily\n"

        postgres.stop()
        status, headers, problem = api.ask("GET", "/schedules/daily")
        assert (status, problem["code"], headers["retry-after"]) == (503, "unavailable", "1")
        assert api.ok("GET", "/queues") == {"queues": []}
        postgres.start()

        assert eventually(lambda: api.ask("GET", "/schedules/daily")[0] == 200)
        # A byte that its texts cannot have is refused before it gets there.
        assert api.ask("GET", "/schedules/%00")[0] == 404
        assert api.ask("GET", "/schedules?cursor=a%00")[0] == 400
    finally:
        postgres.end()

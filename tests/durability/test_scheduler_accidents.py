"""A store that is locked or full, and clocks that jump: the schedulers say so and lose no slot."""

import contextlib
import json
import sqlite3

import pytest
from command_line import check_failure, ok, tranter
from killpoints import Fleet, Minutely, schedule_and_slot
from server import Server
from tools import leave_free, small_disk
from waiting import eventually

MEBIBYTE = 1024 * 1024
NAMES = ["a", "b", "c"]


@pytest.fixture
def server():
    with Server() as running:
        yield running


def jobs_in(server):
    listed = ok(
        *("job", "list", "--limit", "100000", "-o", "ndjson"),
        env={"TRANTER_URL": server.admin_endpoint},
    )
    return [schedule_and_slot(job["tags"]) for job in listed.lines()]


def minutes(fleet, count):
    for _ in range(count):
        fleet.step(60)
        assert fleet.settle(), fleet.log()


def test_a_store_that_another_program_locks_costs_no_slot(server, tmp_path):
    minutely = Minutely(f"file:{tmp_path}", NAMES, 8)
    with Fleet(tmp_path, server.admin_endpoint, minutely.store) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        minutes(fleet, 2)
        with contextlib.closing(sqlite3.connect(tmp_path / "schedules.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            fleet.step(60)
            eventually(lambda: "the store does not answer" in fleet.log(), seconds=30)
            fleet.step(60)
            other.rollback()
        assert "locked" in fleet.log()
        eventually(lambda: "the store answers again" in fleet.log(), seconds=30)
        minutes(fleet, 10)

        minutely.assert_each_slot_is_one_job(jobs_in(server))
        minutely.assert_nothing_is_open()


def test_a_disk_that_fills_up_costs_no_slot(server, tmp_path):
    with small_disk(tmp_path / "mount", 4 * MEBIBYTE) as mount:
        minutely = Minutely(f"file:{mount}", NAMES, 12)
        with Fleet(tmp_path, server.admin_endpoint, minutely.store) as fleet:
            fleet.step(minutely.seconds_until_the_first_slot())
            minutes(fleet, 2)
            leave_free(mount, 0)
            # The log of the database has some room of its own.
            large = ["--cron", "@daily", "--type", "t", "--payload", "-", "--store", minutely.store]
            refused = tranter("schedule", "add", "large", *large, stdin=json.dumps("x" * 200_000))
            check_failure(refused, 1)
            assert "no space left for the store of schedules" in refused.err
            for _ in range(4):
                fleet.step(60)
                fleet.settle(1)

            (mount / "ballast").unlink()
            minutes(fleet, 12)

            assert "no space left" in fleet.log()
            minutely.assert_each_slot_is_one_job(jobs_in(server))
            minutely.assert_nothing_is_open()
            with contextlib.closing(sqlite3.connect(mount / "schedules.db")) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_clock_that_is_set_back_and_forth_costs_no_slot_and_repeats_none(server, tmp_path):
    minutely = Minutely(f"file:{tmp_path}", NAMES, 40)
    with Fleet(tmp_path, server.admin_endpoint, minutely.store) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        for seconds in (60, 60, 600, -900, 60, 60, -3600, 3600, 7, -7, 1200, -86400, 86400):
            fleet.step(seconds)
            assert fleet.settle(), fleet.log()
        minutes(fleet, 40)

        minutely.assert_each_slot_is_one_job(jobs_in(server))
        minutely.assert_nothing_is_open()


def test_a_day_that_is_leapt_over_is_one_run_and_is_counted(server, tmp_path):
    store = f"file:{tmp_path}"
    ok("schedule", "add", "hourly", "--cron", "0 * * * *", "--type", "t", "--store", store)
    with Fleet(tmp_path, server.admin_endpoint, store) as fleet:
        assert fleet.settle()
        fleet.step(86400)
        assert fleet.settle()
        assert fleet.settle()

        assert len(jobs_in(server)) == 1
        shown = ok("schedule", "show", "hourly", "--store", store).json()
        assert (shown["runs"], shown["missed"]) == (1, 23)
        assert shown["next_run_at"] > shown["last_run_at"]

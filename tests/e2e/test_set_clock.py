"""The clock of the machine is set while a server runs, as after a start without a network."""

import pathlib
from datetime import datetime, timedelta, timezone

import pytest
from jobs_api import JobsApi
from server import Server

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is not installed: ./dev setup does")
@pytest.mark.parametrize("before", ["-1h", "+1h"])
def test_jobs_for_a_time_are_on_time_by_the_clock_as_it_is_now(tmp_path, name, before):
    clock = tmp_path / "clock"
    clock.write_text(before)
    env = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with Server(env=env) as server:
        api = JobsApi(server)
        api.ok("GET", "/queues")
        clock.write_text("+0")
        due = datetime.now(timezone.utc) + timedelta(seconds=2)
        queue = name()
        api.ok("POST", f"/queues/{queue}/jobs", {"type": "t", "run_at": due.isoformat()})
        received = api.ok("POST", f"/queues/{queue}/receive", {"worker": "w", "wait": "20s"})
        assert len(received["jobs"]) == 1
        assert datetime.now(timezone.utc) >= due

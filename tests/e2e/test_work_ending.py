"""How commands of `tranter work` end, when the worker stops or their time is over."""

import os
import re
import signal

import pytest
from command_line import ok
from waiting import eventually
from worker_process import WorkerProcess

# It says that it was asked to stop, and goes on until it is let go; then it ends as its payload says.
HANDLERS = """
[handlers.patient]
exec = ["/bin/sh", "-c", \"\"\"
read -r code
trap ': >asked' TERM
echo "$TRANTER_ATTEMPT" >>begun
until read -r line <go; do :; done
echo '{"done": 1}'
exit "$code"
\"\"\"]
grace = "10m"
[handlers.late]
exec = ["/bin/sh", "-c", "trap ': >asked' TERM; until read -r line <go; do :; done"]
timeout = "100ms"
grace = "10m"
[handlers.echo]
exec = ["/bin/cat"]
"""


@pytest.fixture
def env(server):
    return {"TRANTER_URL": server.admin_endpoint}


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture
def worker(tmp_path, server, queue):
    os.mkfifo(tmp_path / "go")
    started = []

    def start(*flags, **more):
        flags = ["--queue", queue, "--lease", "2s", "--concurrency", "2", *flags]
        started.append(WorkerProcess(tmp_path, server.admin_endpoint, HANDLERS, *flags, **more))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def enqueue(queue, job_type, env, *more):
    return ok("job", "enqueue", queue, job_type, *more, env=env).json()["id"]


def shown(job, env):
    return ok("job", "show", job, env=env).json()


def ended(running):
    """Of a worker that was told to stop: its log."""
    _, log = running.process.communicate(timeout=60)
    assert running.process.returncode == 0, log.decode()
    return log.decode()


def extensions(running):
    return int(re.search(r"^tranter_job_lease_extensions_total (\d+)", running.get("/metrics")[1], re.M)[1])


def stop_while_it_runs(running, queue, env, folder, code):
    """A job whose command has heard that it should stop, and goes on."""
    job = enqueue(queue, "patient", env, str(code))
    eventually((folder / "begun").exists, seconds=60)
    running.process.send_signal(signal.SIGTERM)
    eventually((folder / "asked").exists, seconds=60)
    return job


def test_what_a_command_has_done_when_the_worker_stops_is_done(worker, queue, env, tmp_path):
    running = worker("--shutdown-timeout", "0s")
    job = stop_while_it_runs(running, queue, env, tmp_path, 0)
    (tmp_path / "go").write_text("\n")
    ended(running)
    assert shown(job, env)["state"] == "completed"
    assert shown(job, env)["result"] == {"done": 1}


def test_a_job_stays_with_a_worker_as_long_as_its_command_lives(worker, queue, env, tmp_path):
    running = worker("--shutdown-timeout", "0s")
    job = stop_while_it_runs(running, queue, env, tmp_path, 1)
    # That is longer than a handler without a program may take.
    before = extensions(running)
    eventually(lambda: extensions(running) >= before + 5, seconds=60)
    assert shown(job, env)["state"] == "processing"
    (tmp_path / "go").write_text("\n")
    assert "does not stop" not in ended(running)
    assert shown(job, env)["state"] == "pending"
    assert shown(job, env)["attempt"] == 0
    assert (tmp_path / "begun").read_text() == "1\n"


def test_a_timeout_is_told_when_the_command_has_ended(worker, queue, env, tmp_path):
    worker()
    job = enqueue(queue, "late", env)
    eventually((tmp_path / "asked").exists, seconds=60)
    # Outcomes of a queue are told in their order.
    ok("job", "enqueue", queue, "echo", "1", "--wait", "60s", env=env)
    assert shown(job, env)["state"] == "processing"
    (tmp_path / "go").write_text("\n")
    failures = eventually(lambda: shown(job, env).get("failures"), seconds=60)
    assert [one["type"] for one in failures] == ["timeout"]


def test_a_terminal_that_is_closed_asks_once_however_often_it_says_so(worker, queue, env, tmp_path):
    # The tests may run with nohup, and what they start would hear nothing either.
    running = worker("--shutdown-timeout", "10m", before=["env", "--default-signal=HUP"])
    job = enqueue(queue, "patient", env, "0")
    eventually((tmp_path / "begun").exists, seconds=60)
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: running.get("/readyz")[1] == "draining\n", seconds=60)
    running.process.send_signal(signal.SIGHUP)
    running.process.send_signal(signal.SIGTERM)
    (tmp_path / "go").write_text("\n")
    ended(running)
    assert shown(job, env)["state"] == "completed"


def test_who_was_started_with_nohup_does_not_hear_that_the_terminal_was_closed(worker, queue, env):
    running = worker(before=["nohup"])
    running.process.send_signal(signal.SIGHUP)
    assert ok("job", "enqueue", queue, "echo", "1", "--wait", "60s", env=env).json()["result"] == 1
    status, log = running.end()
    assert status == 0, log

"""`tranter work` with real handlers, against the real server."""

import json
import pathlib
import signal

import pytest
from command_line import check_failure, ok, tranter
from waiting import eventually
from wire import Api
from worker_process import WorkerProcess

HANDLERS = """
[handlers.echo]
exec = ["/bin/cat"]
[handlers.fail]
exec = ["/bin/sh", "-c", "echo broken >&2; exit 1"]
[handlers.bury]
exec = ["/bin/sh", "-c", "exit 65"]
[handlers.slow]
exec = ["/bin/sh", "-c", "echo begun >&2; exec sleep 600"]
grace = "1s"
[handlers.brood]
exec = ["/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $! >pid; wait"]
grace = "1m"
[handlers.child]
child = ["python3", "-u", "-c", \"\"\"
import json, os, sys
for line in sys.stdin:
    job = json.loads(line)
    if job["message"] == "job":
        print(json.dumps({"message": "result", "id": job["id"], "outcome": "completed",
                          "result": [os.getpid(), job["payload"]]}), flush=True)
\"\"\"]
[handlers.pooled]
child = ["python3", "-u", "-c", \"\"\"
import json, os, sys, time
for line in sys.stdin:
    job = json.loads(line)
    if job["message"] == "job":
        while not os.path.exists("released"):
            time.sleep(0.01)
        print(json.dumps({"message": "result", "id": job["id"], "outcome": "completed"}), flush=True)
\"\"\"]
processes = 1
[handlers.release]
exec = ["/bin/sh", "-c", "touch released"]
[handlers."*"]
exec = ["/bin/sh", "-c", "printf %s \\"$TRANTER_JOB_TYPE\\""]
"""


@pytest.fixture
def env(server):
    return {"TRANTER_URL": server.admin_endpoint}


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture
def worker(tmp_path, server, queue):
    started = []

    def start(*flags, **more):
        flags = ["--queue", queue, "--lease", "2s", *flags]
        started.append(WorkerProcess(tmp_path, server.admin_endpoint, HANDLERS, *flags, **more))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def finished(queue, job_type, payload, env, *more):
    return ok("job", "enqueue", queue, job_type, payload, "--wait", "60s", *more, env=env).json()


def test_a_command_does_a_job(worker, queue, env):
    worker()
    job = finished(queue, "echo", '{"n": 1}', env)
    assert job["state"] == "completed"
    assert job["result"] == {"n": 1}


def test_a_child_does_one_job_after_the_other(worker, queue, env):
    worker("--concurrency", "1")
    first = finished(queue, "child", "1", env)["result"]
    second = finished(queue, "child", "2", env)["result"]
    assert [first[1], second[1]] == [1, 2]
    assert first[0] == second[0]


def test_jobs_that_wait_for_a_process_keep_no_others_from_beginning(worker, queue, env):
    pooled = [ok("job", "enqueue", queue, "pooled", env=env).json()["id"] for _ in range(3)]
    worker("--concurrency", "2")

    assert finished(queue, "release", "null", env)["state"] == "completed"
    for job in pooled:
        shown = ok("job", "wait", job, "--timeout", "60s", env=env).json()
        assert (shown["state"], shown["attempt"]) == ("completed", 1)


def test_a_type_without_a_handler_goes_to_the_one_for_all(worker, queue, env):
    worker()
    assert finished(queue, "anything:else", "null", env)["result"] == "anything:else"


def test_an_exit_code_decides_and_the_error_output_says_why(worker, queue, env):
    worker()
    enqueue = ["job", "enqueue", queue]
    failed = ok(*enqueue, "fail", "--max-attempts", "1", env=env).json()["id"]
    buried = ok(*enqueue, "bury", env=env).json()["id"]
    for job in (failed, buried):
        outcome = tranter("job", "wait", job, "--timeout", "60s", env=env)
        assert json.loads(outcome.out)["state"] == "dead"
    shown = ok("job", "show", failed, env=env).json()
    assert shown["failures"][-1]["text"] == "exit code 1: broken"
    assert "broken" in ok("job", "logs", failed, env=env).out


def test_dead_jobs_of_a_queue_of_an_sqs_client_have_a_place(worker, queue, env, server):
    sqs = Api(server, "json")
    url = sqs.create(queue)
    worker()
    job = ok("job", "enqueue", queue, "bury", env=env).json()["id"]
    tranter("job", "wait", job, "--timeout", "60s", env=env)
    (dead,) = json.loads(ok("dlq", "peek", queue + "-dlq", "-o", "json", env=env).out)
    assert dead["id"] == job
    attributes = {"QueueUrl": url, "AttributeNames": ["All"]}
    shown = sqs.reply("GetQueueAttributes", attributes).json()["Attributes"]
    assert "RedrivePolicy" not in shown  # its messages stay where they are


def test_an_interrupted_job_goes_back_and_costs_no_attempt(worker, queue, env):
    running = worker("--shutdown-timeout", "0s")
    job = ok("job", "enqueue", queue, "slow", env=env).json()["id"]
    while ok("job", "show", job, env=env).json()["state"] != "processing":
        pass
    status, log = running.end()
    assert status == 0, log
    shown = ok("job", "show", job, env=env).json()
    assert shown["state"] == "pending"
    assert shown["attempt"] == 0


def has_ended(pid):
    """Whoever adopted it may be slow to wait for it."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_a_second_signal_kills_commands_with_all_that_they_have_started(worker, queue, env, tmp_path):
    running = worker()
    ok("job", "enqueue", queue, "brood", env=env)
    pid = tmp_path / "pid"
    eventually(lambda: pid.exists() and pid.read_text().endswith("\n"), seconds=60)
    running.process.send_signal(signal.SIGTERM)
    eventually(lambda: running.get("/readyz")[1] == "draining\n", seconds=60)

    code, _ = running.end()

    assert code == -signal.SIGTERM
    eventually(lambda: has_ended(pid.read_text().strip()), seconds=30)


def test_a_job_survives_the_death_of_its_worker(worker, queue, env):
    doomed = worker()
    job = ok("job", "enqueue", queue, "slow", env=env).json()["id"]
    while ok("job", "show", job, env=env).json()["state"] != "processing":
        pass
    doomed.end(signal.SIGKILL)
    worker()
    while ok("job", "show", job, env=env).json()["attempt"] < 2:
        pass


def test_health_and_metrics(worker, queue, env):
    running = worker()
    finished(queue, "echo", "1", env)
    assert running.get("/livez") == (200, "ok\n")
    assert running.get("/readyz") == (200, "ok\n")
    # Whoever waits for a job may hear of its end before the worker hears that it was taken.
    eventually(lambda: json.loads(running.get("/health")[1])["attempts"]["completed"] == 1, seconds=60)
    status, metrics = running.get("/metrics")
    assert status == 200
    assert 'tranter_worker_attempts_total{outcome="completed"} 1\n' in metrics
    assert running.get("/nothing")[0] == 404


def test_a_misspelt_queue_is_said_with_the_name_that_was_meant(
    worker, queue, env, server, tmp_path
):
    ok("job", "enqueue", queue, "echo", env=env)
    log = tmp_path / "log"
    running = worker("--queue", queue[1:], log_path=log)
    eventually(lambda: f"did you mean {queue}?" in log.read_text(), seconds=60)
    eventually(lambda: running.get("/readyz")[0] == 200, seconds=60)

    sqs = f"sqs:{server.endpoint}/000000000000"
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
    running = worker("--queue", queue + "x", "--provider", sqs, env=keys)
    reason = f"queue {queue}x does not exist (did you mean {queue}?)\n"
    eventually(lambda: running.get("/readyz") == (503, reason), seconds=60)
    assert running.get("/livez")[0] == 200
    _, log = running.end()
    assert log.count("does not exist, the worker will go on") == 1


def test_a_misspelt_directory_is_not_made(tmp_path):
    (tmp_path / "tranter.toml").write_text(HANDLERS)
    jobs = f"file:{tmp_path}/jobs"
    made = ok("job", "enqueue", "q", "echo", "--provider", jobs)
    assert "is a new store" in made.err
    assert ok("job", "enqueue", "q", "echo", "--provider", jobs).err == ""
    for words in (
        ["work", "--config", str(tmp_path / "tranter.toml")],
        ["job", "list"],
        ["dlq", "list"],
        ["worker", "list"],
        ["queue", "pause", "q"],
    ):
        outcome = tranter(*words, "--provider", f"file:{tmp_path}/jbos")
        check_failure(outcome, 3)
        assert "jbos (did you mean jobs?)" in outcome.err
    assert not (tmp_path / "jbos").exists()


def test_a_worker_without_handlers_says_what_is_missing(tmp_path):
    outcome = tranter("work")
    check_failure(outcome, 2)
    assert "there is no handler" in outcome.err

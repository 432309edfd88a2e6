"""Celery and kombu from Debian: a real worker takes real tasks over the SQS transport."""

import os
import pathlib
import subprocess
import sys

import pytest
from waiting import eventually
from wire import Api

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def settings(server, tmp_path_factory):
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "BROKER_URL": f"sqs://anyone:anything@{server.host}:{server.port}//",
        "QUEUE_PREFIX": f"celery-{os.getpid()}-",
        "PYTHONPATH": str(HERE),
        "HOME": str(tmp_path_factory.mktemp("home")),
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="module")
def worker(settings, tmp_path_factory):
    """A worker that is stopped as an operator would: SIGTERM, and it must end well."""
    log = tmp_path_factory.mktemp("celery") / "worker.log"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "celery_tasks",
        "worker",
        "--pool=solo",
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=settings, cwd=HERE, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: "ready." in log.read_text() or process.poll() is not None, 30)
        assert process.poll() is None, log.read_text()
        yield log
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def submit(settings, task, *arguments):
    """Sends a task from another process, as a web application would."""
    code = f"from celery_tasks import app; app.send_task({task!r}, {list(arguments)!r})"
    subprocess.run([sys.executable, "-c", code], env=settings, cwd=HERE, check=True, timeout=60)


def test_a_task_is_executed_once_and_its_message_deleted(server, settings, worker, tmp_path):
    result = tmp_path / "sum.txt"

    submit(settings, "write_sum", str(result), [1, 2, 39], "ü😀\r")
    eventually(lambda: result.exists() and result.read_text(encoding="utf-8"), 30)

    api = Api(server, "json")
    queue = settings["QUEUE_PREFIX"] + "jobs"
    eventually(lambda: set(counts(api, queue).values()) == {"0"}, 30)
    assert result.read_bytes().decode() == "42 ü😀\r\n", worker.read_text()


def counts(api, queue):
    return api.attributes(
        queue, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    )


def test_a_task_that_fails_is_retried(settings, worker, tmp_path):
    result = tmp_path / "retried.txt"

    submit(settings, "fail_once", str(result))

    eventually(lambda: result.exists() and result.read_text() == "retried", 30)

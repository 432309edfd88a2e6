"""The programs in examples/, against the real server."""

import os
import signal
import subprocess
import sys

import pytest
from jobs import call
from server import REPO

EXAMPLES = REPO / "examples"
PYTHON = sys.executable
# producer and worker, as a person would start them
PAIRS = {
    "curl": ([EXAMPLES / "curl/producer.sh"], [EXAMPLES / "curl/worker.sh"]),
    "node": (["node", EXAMPLES / "node/producer.mjs"], ["node", EXAMPLES / "node/worker.mjs"]),
    "python": (
        [PYTHON, EXAMPLES / "python/producer.py"],
        [PYTHON, EXAMPLES / "python/worker.py"],
    ),
}


def environment(server):
    urls = {"TRANTER_URL": server.admin_endpoint, "TRANTER_SQS_URL": server.endpoint}
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **urls}


def produce(command, server):
    done = subprocess.run(
        [str(word) for word in command],
        env=environment(server), stdout=subprocess.PIPE, timeout=60, text=True, check=True,
    )
    return done.stdout.split()


@pytest.fixture
def worker(server):
    """Starts a worker for a queue; at the end of the test it has to stop when it is told to."""
    started = []

    def start(command, queue):
        process = subprocess.Popen(
            [*map(str, command), queue], env=environment(server), start_new_session=True
        )
        started.append(process)

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
    codes = [process.wait(30) for process in started]
    assert codes == [0] * len(started)


def finished(server, job):
    """The job once it is finished."""
    record = call(server, f"/v1/jobs/{job}/wait?timeout=30s")
    assert "finished_at" in record, record
    return record


@pytest.mark.parametrize("language", PAIRS)
def test_a_worker_does_what_a_producer_asks_for(server, worker, name, language):
    queue = name()
    producer_command, worker_command = PAIRS[language]
    ids = produce([*producer_command, queue, "Ann", "Bob"], server)
    worker(worker_command, queue)

    jobs = [finished(server, job) for job in ids]

    assert [job["state"] for job in jobs] == ["completed", "completed"]
    assert [job["result"] for job in jobs] == [{"greeted": "Ann"}, {"greeted": "Bob"}]
    assert jobs[0]["tags"] == ["demo"]


@pytest.mark.parametrize("language", PAIRS)
def test_a_worker_reports_what_it_cannot_do(server, worker, name, language):
    queue = name()
    jobs = [
        {"type": "email.goodbye"},
        {"type": "email.welcome", "payload": {}, "retry": {"max_attempts": 1}},
    ]
    ids = [job["id"] for job in call(server, f"/v1/queues/{queue}/jobs", jobs)]
    worker(PAIRS[language][1], queue)

    unknown, broken = [finished(server, job) for job in ids]

    assert unknown["state"] == "dead" and "email.goodbye" in unknown["reason"]
    assert broken["state"] == "dead" and broken["failures"][0]["text"]


def test_a_message_of_an_sqs_client_becomes_a_job(server, worker, name):
    queue = name()
    sender = [PYTHON, EXAMPLES / "sqs-sender/send.py"]
    (job,) = produce([*sender, queue, "email.welcome", '{"name": "Ann"}'], server)
    worker(PAIRS["python"][1], queue)

    assert finished(server, job)["result"] == {"greeted": "Ann"}

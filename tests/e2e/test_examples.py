"""The programs in examples/, against the real server."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error

import pytest
from command_line import ok
from jobs import call
from server import REPO
from waiting import eventually
from wire import Api
from worker_process import WorkerProcess

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


@pytest.fixture
def handlers(tmp_path, server, name):
    """Runs an example's tranter.toml in its own folder; returns what gives a job its end."""
    running = []

    def start(example, change=lambda config: config, queue=None, provider=None, **env):
        copy = tmp_path / "examples" / example
        shutil.copytree(EXAMPLES / example, copy)
        shutil.copytree(REPO / "clients", tmp_path / "clients", dirs_exist_ok=True)
        config = change((copy / "tranter.toml").read_text())
        queue = queue or name()
        flags = ["--queue", queue, "--concurrency", "2"]
        provider = provider or server.admin_endpoint
        running.append(WorkerProcess(copy, provider, config, *flags, env=env))

        def done(job_type, payload, **options):
            job = {"type": job_type, "payload": payload, **options}
            return finished(server, call(server, f"/v1/queues/{queue}/jobs", [job])[0]["id"])

        return done

    yield start
    codes = [worker.end()[0] for worker in running]
    assert codes == [0] * len(codes)


def test_handlers_in_node(handlers, server):
    done = handlers("child-node")

    shipped = done("order.ship", {"order": "17", "items": ["tea", "cup"]})
    late = done("order.ship", {"order": "late", "items": ["tea"]})
    empty = done("order.ship", {"order": "18"})

    assert shipped["result"] == {"order": "17", "payment": "payment-17-1", "packed": 2}
    assert shipped["progress"] == {"packed": 2, "of": 2}
    log = ok("job", "logs", shipped["id"], env={"TRANTER_URL": server.admin_endpoint}).out
    assert "packed cup" in log
    assert late["attempt"] == 2 and late["result"]["payment"] == "payment-late-1"
    assert (empty["state"], empty["reason"]) == ("dead", "order 18 has no items")


def test_handlers_in_python(handlers):
    done = handlers("child-python")

    report = done("report.generate", {"figure": "mean", "rows": [1, 2, 3]})
    unknown = done("report.generate", {"figure": "mode", "rows": []})

    assert report["result"] == {"mean": 4}
    assert unknown["state"] == "dead" and "mode is none of" in unknown["reason"]


def test_a_shell_script_for_each_job(handlers, tmp_path):
    done = handlers("exec")
    file = tmp_path / "a file; touch x"
    file.write_text("abc")

    right = done("file.checksum", {"path": str(file)})
    wrong = done("file.checksum", {})

    assert right["result"]["sha256"].startswith("ba7816bf8f01cfea")
    assert wrong["state"] == "dead" and "has no path" in wrong["reason"]
    assert not (tmp_path / "examples/exec/x").exists()


@pytest.mark.parametrize("program", ["server.py", "server.mjs"])
def test_an_http_endpoint_that_verifies_signatures(handlers, program):
    secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    environment = {"PATH": os.environ["PATH"], "PORT": "0"}
    with contextlib.ExitStack() as servers:
        ports = []
        for key in (secret, "whsec_" + "QUFB" * 8):
            server = servers.enter_context(subprocess.Popen(
                [{"server.py": PYTHON, "server.mjs": "node"}[program], EXAMPLES / "http" / program],
                env=environment | {"WEBHOOK_SECRET": key}, stdout=subprocess.PIPE, text=True,
            ))
            servers.callback(server.kill)
            ports.append(re.search(r"\d+", server.stdout.readline())[0])
        done = handlers("http", lambda text: text.replace("8080", ports[0]) + f"""
            [handlers."of.another"]
            http = "http://127.0.0.1:{ports[1]}/jobs"
            secrets = ["${{WEBHOOK_SECRET}}"]
            allow_addresses = ["127.0.0.1/32"]
            """, WEBHOOK_SECRET=secret)

        assert done("invoice.paid", {"invoice": 17})["result"] == {"booked": 17}
        assert done("other", {})["reason"].startswith("HTTP 404")
        refused = done("of.another", {})
        assert refused["state"] == "dead" and "the signature is wrong" in refused["reason"]


def send_plain(server, queue, body):
    """A message of somebody who knows nothing of jobs."""
    api = Api(server, "json")
    url = api.create(queue)
    return api.reply("SendMessage", {"QueueUrl": url, "MessageBody": body}).json()["MessageId"]


def test_a_polling_loop_and_what_replaces_it(server, handlers, name):
    order = '{"image": "cat.png", "width": 64}'
    queue = name()
    send_plain(server, queue, order)
    with subprocess.Popen(
        [PYTHON, EXAMPLES / "replace-sqs-loop/before.py", queue],
        env=environment(server), stdout=subprocess.PIPE, text=True,
    ) as before:
        assert before.stdout.readline() == "cat.png at 64 pixels\n"
        before.kill()

    handlers("replace-sqs-loop", queue=queue)

    done = finished(server, send_plain(server, queue, order))
    assert done["result"] == "cat.png at 64 pixels"


def test_a_polling_loop_is_replaced_at_the_queue_where_it_is(server, handlers, name):
    """Over the API of SQS, which keeps no results: what is done is gone."""
    queue = name()
    send_plain(server, queue, '{"image": "cat.png", "width": 64}')
    sqs = f"sqs:{server.endpoint}/000000000000"

    handlers("replace-sqs-loop", queue=queue, provider=sqs, AWS_ACCESS_KEY_ID="any",
             AWS_SECRET_ACCESS_KEY="any", AWS_REGION="us-east-1")

    stats = f"/v1/queues/{queue}"
    eventually(lambda: call(server, stats)["completed"] == 1 or
               sum(call(server, stats)[state] for state in ("pending", "processing")) == 0, 30)


def test_limits_for_users(own_server, tmp_path):
    config = (EXAMPLES / "tenants/tranter.toml").read_text()
    shutil.copy(EXAMPLES / "tenants/provision.sh", tmp_path)
    server = own_server(config=config)
    queue = "/v1/queues/workspace-jobs"
    job = {"type": "workspace:create", "group": "ann"}
    ids = [call(server, f"{queue}/jobs", [job])[0]["id"] for _ in range(5)]
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(server, f"{queue}/jobs", [job])

    worker = WorkerProcess(tmp_path, server.admin_endpoint, config)
    try:
        results = [finished(server, one)["result"] for one in ids]
    finally:
        worker.end()

    assert refused.value.code == 429
    assert results == [[f"machine {run} of 10 for ann" for run in range(1, 11)]] * 5


def test_parallel_runs_of_which_most_are_enough(handlers):
    done = handlers("parallel-runs")

    well = done("site.check", "example.com")
    mostly = done("site.check", "example.com, Oregon is down")
    badly = done("site.check", "example.com, Oregon is down, Tokyo is down")

    assert well["state"] == "completed"
    assert well["result"][0] == "ok from Dublin"
    assert mostly["state"] == "completed"
    assert "ok from Oregon" not in mostly["result"]
    assert badly["state"] == "dead" and "no answer in" in badly["failures"][-1]["text"]

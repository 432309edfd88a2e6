"""Traces of jobs, from whoever enqueues to the handler, and the spans that a collector gets."""

import http.server
import threading

import boto3
import botocore.config
import pytest
from command_line import tranter
from jobs_api import JobsApi
from metrics import value
from otlp_collector import Collector
from server import REPO, Server
from waiting import eventually
from worker_process import WorkerProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
XRAY = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"

EXEC = """
[handlers.show]
exec = ["/usr/bin/env"]
[handlers.bad]
exec = ["/bin/sh", "-c", "exit 1"]
"""

CHILD = f"""
[handlers.show]
child = ["/usr/bin/python3", "{REPO}/tests/support/trace_child.py"]
"""


@pytest.fixture
def collector():
    one = Collector()
    yield one
    one.close()


def otel(collector, **more):
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "10",
        **more,
    }


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture
def work(tmp_path):
    started = []

    def start(provider, queue, handlers=EXEC, env=None):
        started.append(WorkerProcess(tmp_path, provider, handlers, "--queue", queue, env=env))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def post_job(server, queue, job_type="show", headers=None, **fields):
    body = {"type": job_type, **fields}
    return JobsApi(server).ok("POST", f"/queues/{queue}/jobs", body, **(headers or {}))["id"]


def ended(server, job):
    env = {"TRANTER_URL": server.admin_endpoint}
    return tranter("job", "wait", job, "--timeout", "60s", env=env).json()


def variables_of(server, job):
    """What a program that prints its environment was given."""
    return dict(line.split("=", 1) for line in ended(server, job)["result"].splitlines())


def span_named(collector, name, count=1):
    def look():
        spans = [span for span in collector.spans() if span["name"] == name]
        return spans if len(spans) >= count else None

    return eventually(look, seconds=30)


def test_the_trace_of_a_request_reaches_a_program(server, work, queue):
    work(server.admin_endpoint, queue)
    traced = post_job(server, queue, headers={"traceparent": CALLER, "tracestate": "a=b"})
    given = variables_of(server, traced)
    assert (given["TRACEPARENT"], given["TRACESTATE"]) == (CALLER, "a=b")
    untraced = variables_of(server, post_job(server, queue))
    assert not {"TRACEPARENT", "TRACESTATE"} & set(untraced)


def test_what_a_job_says_goes_before_the_header(server, work, queue):
    work(server.admin_endpoint, queue)
    own = f"00-{'1' * 32}-{'2' * 16}-00"
    job = post_job(server, queue, headers={"traceparent": CALLER}, traceparent=own)
    assert variables_of(server, job)["TRACEPARENT"] == own
    env = {"TRANTER_URL": server.admin_endpoint}
    assert tranter("job", "show", job, "-o", "json", env=env).code == 0
    status, _, problem = JobsApi(server).ask(
        "POST", f"/queues/{queue}/jobs", {"type": "show", "traceparent": "x\r\ny: 1"}
    )
    assert status == 400
    assert "traceparent" in problem["detail"]


def test_a_message_of_an_sqs_client_has_its_trace(server, work, queue):
    work(server.admin_endpoint, queue)
    sqs = boto3.client(
        "sqs", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="x", config=botocore.config.Config(retries={"max_attempts": 0}),
    )
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    kind = {"type": {"DataType": "String", "StringValue": "show"}}
    by_attribute = sqs.send_message(
        QueueUrl=url, MessageBody="1",
        MessageAttributes={**kind, "traceparent": {"DataType": "String", "StringValue": CALLER}},
    )["MessageId"]
    by_header = sqs.send_message(
        QueueUrl=url, MessageBody="1", MessageAttributes=kind,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": XRAY}},
    )["MessageId"]
    for job in (by_attribute, by_header):
        assert variables_of(server, job)["TRACEPARENT"] == CALLER


def test_a_job_in_sqs_has_its_trace_in_both_forms(server, work, queue, tmp_path):
    provider = f"sqs:{server.endpoint}/000000000000"
    sqs = boto3.client(
        "sqs", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    env = {
        "TRANTER_URL": provider, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "TRACEPARENT": CALLER, "TRACESTATE": "a=b",
    }
    sent = tranter("job", "enqueue", queue, "show", env=env)
    assert sent.code == 0, sent
    message = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"],
    )["Messages"][0]
    assert message["MessageAttributes"]["traceparent"]["StringValue"] == CALLER
    assert message["MessageAttributes"]["tracestate"]["StringValue"] == "a=b"
    assert message["Attributes"]["AWSTraceHeader"] == XRAY


def test_a_child_is_told_the_trace(server, work, queue):
    work(server.admin_endpoint, queue, CHILD)
    traced = post_job(server, queue, headers={"traceparent": CALLER, "tracestate": "a=b"})
    assert ended(server, traced)["result"] == [CALLER, "a=b"]
    assert ended(server, post_job(server, queue))["result"] == [None, None]


def test_an_endpoint_is_sent_the_trace(server, work, queue):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            text = f"{self.headers['traceparent']} {self.headers['tracestate']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words):
            pass

    endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    try:
        handlers = f"""
            [handlers.show]
            http = "http://127.0.0.1:{endpoint.server_port}/"
            allow_addresses = ["127.0.0.0/8"]
            """
        work(server.admin_endpoint, queue, handlers)
        job = post_job(server, queue, headers={"traceparent": CALLER, "tracestate": "a=b"})
        assert ended(server, job)["result"] == f"{CALLER} a=b"
    finally:
        endpoint.shutdown()
        endpoint.server_close()


def test_an_enqueue_and_an_attempt_are_spans_of_the_trace_of_the_caller(collector, work, queue):
    server = Server(env=otel(collector, OTEL_SERVICE_NAME="api"))
    try:
        env = otel(
            collector, OTEL_SERVICE_NAME="mailer", OTEL_RESOURCE_ATTRIBUTES="deployment=test"
        )
        worker = work(server.admin_endpoint, queue, env=env)
        job = post_job(server, queue, headers={"traceparent": CALLER})
        own = variables_of(server, job)["TRACEPARENT"]
        (sent,) = span_named(collector, f"send {queue}")
        (processed,) = span_named(collector, f"process {queue}")
        assert {sent["traceId"], processed["traceId"]} == {TRACE}
        assert sent["parentSpanId"] == "00f067aa0ba902b7"
        assert processed["parentSpanId"] == sent["spanId"]
        assert own == f"00-{TRACE}-{processed['spanId']}-01"
        assert sent["resource"]["service.name"] == "api"
        assert processed["resource"]["service.name"] == "mailer"
        assert processed["resource"]["deployment"] == "test"
        for span in (sent, processed):
            assert span["attributes"]["messaging.message.id"] == job
            assert span["attributes"]["tranter.job.type"] == "show"
            assert span["status"] == {}
        assert processed["attributes"]["tranter.job.outcome"] == "completed"
        assert processed["attributes"]["tranter.job.attempt"] == 1
        assert processed["attributes"]["messaging.client.id"]
        text = worker.get("/metrics")[1]
        assert value(text, "spans_total", outcome="dropped") == 0
    finally:
        server.stop()


def test_a_retry_names_the_first_attempt(collector, server, work, queue):
    work(server.admin_endpoint, queue, env=otel(collector))
    retry = {"max_attempts": 2, "base": "1ms", "jitter": 0}
    ended(server, post_job(server, queue, "bad", retry=retry))
    first, second = sorted(
        span_named(collector, f"process {queue}", 2),
        key=lambda span: span["attributes"]["tranter.job.attempt"],
    )
    assert first["status"]["code"] == second["status"]["code"] == 2
    assert first["attributes"]["error.type"]
    assert first["attributes"]["tranter.job.outcome"] == "failed"
    assert second["attributes"]["tranter.job.outcome"] == "dead"
    assert [link["spanId"] for link in second["links"]] == [first["spanId"]]


def test_many_jobs_are_one_span_and_link_to_it(collector, work, queue):
    server = Server(env=otel(collector))
    try:
        work(server.admin_endpoint, queue, env=otel(collector))
        JobsApi(server).ok("POST", f"/queues/{queue}/jobs", [{"type": "show"}] * 3)
        (sent,) = span_named(collector, f"send {queue}")
        assert sent["attributes"]["messaging.batch.message_count"] == 3
        for span in span_named(collector, f"process {queue}", 3):
            assert span["traceId"] != sent["traceId"]
            assert "parentSpanId" not in span
            assert [link["spanId"] for link in span["links"]] == [sent["spanId"]]
    finally:
        server.stop()


def test_what_is_not_sampled_is_not_exported(collector, server, work, queue):
    env = otel(collector, OTEL_TRACES_SAMPLER="always_off")
    worker = work(server.admin_endpoint, queue, env=env)
    given = variables_of(server, post_job(server, queue, headers={"traceparent": CALLER}))
    assert given["TRACEPARENT"].startswith(f"00-{TRACE}-")
    assert given["TRACEPARENT"].endswith("-00")
    assert worker.end()[0] == 0
    assert collector.spans() == []


def test_a_collector_that_refuses_or_is_away_costs_no_job(server, work, queue, collector):
    collector.status = 400
    refused = work(server.admin_endpoint, queue, env=otel(collector))
    for _ in range(3):
        assert ended(server, post_job(server, queue))["state"] == "completed"
    eventually(
        lambda: value(refused.get("/metrics")[1], "spans_total", outcome="failed") == 3, seconds=30
    )
    code, log = refused.end()
    assert code == 0
    assert log.count("the collector does not take spans") == 1
    away = work(
        server.admin_endpoint, queue, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    )
    assert ended(server, post_job(server, queue))["state"] == "completed"
    assert away.end()[0] == 0


def test_what_is_left_is_exported_at_the_end(collector, server, work, queue):
    env = otel(collector, OTEL_BSP_SCHEDULE_DELAY="3600000")
    worker = work(server.admin_endpoint, queue, env=env)
    ended(server, post_job(server, queue))
    eventually(
        lambda: value(worker.get("/metrics")[1], "spans_waiting") == 1, seconds=30
    )
    assert collector.spans() == []
    assert worker.end()[0] == 0
    assert [span["name"] for span in collector.spans()] == [f"process {queue}"]

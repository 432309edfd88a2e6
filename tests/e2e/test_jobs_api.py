"""The Jobs API over raw HTTP, through the whole life of jobs, and beside SQS clients."""

import http.client
import json

import boto3
import botocore.config
import pytest
from jobs_api import JobsApi
from waiting import Background, eventually


class Jobs(JobsApi):
    def take(self, queue, wait="10s", **more):
        jobs = self.ok("POST", f"/queues/{queue}/receive", {"wait": wait, **more})["jobs"]
        assert len(jobs) == 1
        return jobs[0]


@pytest.fixture
def jobs(server):
    return Jobs(server)


def test_the_whole_life_of_a_job(jobs, name):
    queue = name()
    wanted = {"type": "mail.send", "payload": {"n": 12345678901234567890}, "tags": ["a=b"],
              "retry": {"max_attempts": 3, "base": "1ms", "jitter": 0}, "priority": 2}
    status, headers, answer = jobs.ask("POST", f"/queues/{queue}/jobs", wanted)
    assert (status, headers["content-type"]) == (201, "application/json")
    job_id = answer["id"]
    assert jobs.ok("GET", f"/jobs/{job_id}")["state"] == "pending"

    first = jobs.take(queue, worker="w1")
    assert (first["id"], first["attempt"], first["payload"]) == (job_id, 1, wanted["payload"])
    receipt = {"receipt": first["receipt"]}
    assert not jobs.ok("POST", f"/queues/{queue}/extend", {**receipt, "lease": "60s"})[
        "cancel_requested"
    ]
    jobs.ok("POST", f"/queues/{queue}/progress", {**receipt, "progress": {"done": 1}})
    jobs.ok("POST", f"/queues/{queue}/log", {**receipt, "lines": ["one", "two"]})
    jobs.ok("POST", f"/queues/{queue}/step", {**receipt, "name": "s", "result": [1]})
    running = jobs.ok("GET", f"/jobs/{job_id}")
    assert (running["state"], running["worker"], running["progress"]) == (
        "processing", "w1", {"done": 1},
    )
    error = {"type": "SmtpError", "text": "try later"}
    jobs.ok("POST", f"/queues/{queue}/fail", {**receipt, "error": error})

    second = jobs.take(queue)
    assert (second["attempt"], second["steps"]) == (2, [{"name": "s", "result": [1]}])
    status, _, problem = jobs.ask("POST", f"/queues/{queue}/complete", receipt)
    assert (status, problem["code"]) == (409, "conflict")
    settlement = {"receipt": second["receipt"], "outcome": "completed", "result": {"ok": True}}
    settled = jobs.ok("POST", f"/queues/{queue}/settle", {"settlements": [settlement]})
    assert settled == {"results": [{"ok": True}]}

    done = jobs.ok("GET", f"/jobs/{job_id}/wait?timeout=10s")
    assert (done["state"], done["result"], done["attempt"]) == ("completed", {"ok": True}, 2)
    assert [failure["text"] for failure in done["failures"]] == ["try later"]
    assert jobs.ok("GET", f"/jobs/{job_id}/log")["lines"] == ["one", "two"]
    listed = jobs.ok("GET", f"/jobs?filter=queue:{queue}%20state:completed&limit=10")
    assert [job["id"] for job in listed["jobs"]] == [job_id]
    stats = jobs.ok("GET", f"/queues/{queue}")
    assert (stats["completed"], stats["failed"], stats["pending"]) == (1, 1, 0)


def test_a_dead_job_comes_back_by_retry(jobs, name):
    queue = name()
    job_id = jobs.ok("POST", f"/queues/{queue}/jobs", {"type": "t"})["id"]
    death = {"receipt": jobs.take(queue)["receipt"], "reason": "no such user"}
    jobs.ok("POST", f"/queues/{queue}/dead", death)
    dead = jobs.ok("GET", f"/jobs/{job_id}")
    assert (dead["state"], dead["queue"], dead["reason"]) == ("dead", queue, "no such user")

    assert jobs.ok("POST", f"/jobs/{job_id}/retry") == {"ok": True}

    assert jobs.take(queue)["id"] == job_id


def test_a_running_job_is_told_that_it_was_cancelled(jobs, name):
    queue = name()
    job_id = jobs.ok("POST", f"/queues/{queue}/jobs", {"type": "t"})["id"]
    receipt = {"receipt": jobs.take(queue)["receipt"]}

    assert jobs.ok("POST", f"/jobs/{job_id}/cancel") == {"cancelled": "requested"}

    assert jobs.ok("POST", f"/queues/{queue}/extend", receipt)["cancel_requested"]
    jobs.ok("POST", f"/queues/{queue}/stop", receipt)
    assert jobs.ok("GET", f"/jobs/{job_id}")["state"] == "cancelled"


def test_all_or_none_of_an_array(jobs, name):
    queue = name()

    status, _, problem = jobs.ask(
        "POST", f"/queues/{queue}/jobs", [{"type": "t"}, {"type": "t", "priority": 10}]
    )

    assert status == 400
    assert problem["detail"].startswith("$[1]: priority is 10")
    assert jobs.ask("GET", f"/queues/{queue}")[0] == 404


def test_a_repeated_request_enqueues_once_even_over_a_restart(own_server, name, tmp_path):
    queue, headers = name(), {"Idempotency_Key": "order-7"}
    server = own_server("--data", str(tmp_path / "data"))
    first = Jobs(server).ok("POST", f"/queues/{queue}/jobs", {"type": "t"}, **headers)
    server.stop()

    jobs = Jobs(own_server("--data", str(tmp_path / "data")))
    second = jobs.ok("POST", f"/queues/{queue}/jobs", {"type": "t"}, **headers)

    assert first == second
    assert jobs.ok("GET", f"/queues/{queue}")["pending"] == 1
    status, _, _ = jobs.ask("POST", f"/queues/{queue}/jobs", {"type": "u"}, **headers)
    assert status == 422


def test_a_pause_holds_jobs_back_until_it_ends(server, jobs, name):
    queue = name()
    jobs.ok("POST", f"/queues/{queue}/pause")
    job_id = jobs.ok("POST", f"/queues/{queue}/jobs", {"type": "t"})["id"]
    assert jobs.ok("POST", f"/queues/{queue}/receive", {})["jobs"] == []
    waiting = Background(Jobs(server).take, queue, wait="20s")

    assert not jobs.ok("POST", f"/queues/{queue}/resume")["paused"]

    assert waiting.result()["id"] == job_id


def test_limits_are_replaced_as_a_whole(jobs, name):
    queue = name()

    jobs.ok("PUT", f"/queues/{queue}/limits", {"max_in_flight": 1})
    stats = jobs.ok("PUT", f"/queues/{queue}/limits", {"max_queued_per_group": 2})

    assert stats["limits"]["max_in_flight"] == 0
    full = [{"type": "t", "group": "acme"}] * 3
    status, headers, problem = jobs.ask("POST", f"/queues/{queue}/jobs", full)
    assert (status, problem["code"], headers["retry-after"]) == (429, "limit_exceeded", "1")


def test_events_tell_what_happens_and_go_on_where_they_were_left(server, jobs, name):
    queue = name()

    def listen(count, **headers):
        connection = http.client.HTTPConnection(
            server.admin_host, server.admin_port, timeout=20
        )
        connection.request("GET", f"/v1/events?queue={queue}", headers=headers)
        answer = connection.getresponse()
        assert answer.headers["content-type"] == "text/event-stream"
        yield None
        event_id = None
        while count:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                event_id = line[4:]
            if line.startswith("data: "):
                count -= 1
                yield event_id, json.loads(line[6:])

    events = listen(3)
    next(events)
    job_id = jobs.ok("POST", f"/queues/{queue}/jobs", {"type": "t"})["id"]
    receipt = jobs.take(queue)["receipt"]
    jobs.ok("POST", f"/queues/{queue}/complete", {"receipt": receipt})
    told = list(events)

    assert [event["state"] for _, event in told] == ["pending", "processing", "completed"]
    assert {event["id"] for _, event in told} == {job_id}
    again = listen(2, **{"Last-Event-ID": told[0][0]})
    next(again)
    assert [event["state"] for _, event in again] == ["processing", "completed"]


def sqs_client(server):
    return boto3.client(
        "sqs",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="anyone",
        aws_secret_access_key="anything",
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )


def test_an_sqs_sender_and_a_worker_of_the_jobs_api(server, jobs, name):
    queue, sqs = name(), sqs_client(server)
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    kind = {"type": {"DataType": "String", "StringValue": "order.paid"}}
    sqs.send_message(QueueUrl=url, MessageBody='{"n":1}', MessageAttributes=kind)
    sqs.send_message(QueueUrl=url, MessageBody="no JSON")

    first, second = jobs.take(queue), jobs.take(queue)

    assert (first["type"], first["payload"]) == ("order.paid", {"n": 1})
    assert (second["type"], second["payload"]) == ("message", "no JSON")
    for job in (first, second):
        jobs.ok("POST", f"/queues/{queue}/complete", {"receipt": job["receipt"]})
    eventually(lambda: jobs.ok("GET", f"/queues/{queue}")["processing"] == 0)
    assert jobs.ok("GET", f"/jobs/{first['id']}")["state"] == "completed"


def test_a_job_of_the_api_and_an_sqs_consumer(server, jobs, name):
    queue, sqs = name(), sqs_client(server)
    job = {"type": "order.paid", "payload": {"n": 1}, "group": "acme", "priority": 1}
    job_id = jobs.ok("POST", f"/queues/{queue}/jobs", job)["id"]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    answer = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], WaitTimeSeconds=5
    )

    [message] = answer["Messages"]
    assert (message["MessageId"], json.loads(message["Body"])) == (job_id, {"n": 1})
    assert message["MessageAttributes"]["type"]["StringValue"] == "order.paid"
    assert message["Attributes"]["MessageGroupId"] == "acme"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert jobs.ok("GET", f"/queues/{queue}")["processing"] == 0


def test_a_queue_says_what_its_plain_messages_are(own_server, name):
    queue = name()
    server = own_server(config=f'[queues.{queue}]\njob_type = "order.paid"\n')
    sqs = sqs_client(server)
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")

    assert Jobs(server).take(queue)["type"] == "order.paid"

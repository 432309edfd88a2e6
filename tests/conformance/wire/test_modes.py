"""Servers that were started differently: relaxed limits, auto-create, elasticmq.conf, admin."""

import json

import pytest
from wire import Api, request


def admin_get(server, path):
    class Admin:
        host, port = server.admin_host, server.admin_port

    return request(Admin, "GET", path)


@pytest.fixture(params=["json", "query"])
def relaxed(request, relaxed_server):
    return Api(relaxed_server, request.param)


@pytest.fixture(params=["json", "query"])
def auto(request, auto_create_server):
    return Api(auto_create_server, request.param)


@pytest.fixture
def elastic(elasticmq_server):
    return Api(elasticmq_server, "json")


def test_relaxed_lifts_the_length_of_names(relaxed, name):
    long = name("-").ljust(200, "x")

    assert relaxed.create(long).endswith(long)


def test_relaxed_lifts_batch_and_receive_sizes(relaxed, name):
    queue = relaxed.create(name())
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(25)]

    sent = relaxed.call("SendMessageBatch", QueueUrl=queue, Entries=entries)
    received = relaxed.receive(queue, MaxNumberOfMessages=20)

    assert len(sent["Successful"]) == 25
    assert len(received) == 20


def test_relaxed_lifts_the_rules_of_attributes(relaxed, name):
    queue = relaxed.create(name())
    attributes = {
        f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)
    }
    attributes["empty"] = {"DataType": "String", "StringValue": ""}

    relaxed.send(queue, "x", MessageAttributes=attributes)

    (message,) = relaxed.receive(queue, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes


def test_relaxed_lifts_the_size_of_messages(relaxed, name):
    queue = relaxed.create(name())

    relaxed.send(queue, "x" * 1_100_000)

    assert len(relaxed.receive(queue)[0]["Body"]) == 1_100_000


def test_relaxed_lifts_the_upper_bound_of_the_wait(relaxed, name):
    queue = relaxed.create(name())
    relaxed.send(queue, "x")

    assert len(relaxed.receive(queue, WaitTimeSeconds=60)) == 1
    error = relaxed.error("ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=-1)
    assert error.code == "InvalidParameterValue"


def test_relaxed_is_still_strict_about_queues_that_do_not_exist(relaxed, name):
    error = relaxed.error("SendMessage", QueueUrl=name(), MessageBody="x")

    assert error.code == "AWS.SimpleQueueService.NonExistentQueue"


def test_auto_create_makes_a_queue_at_first_use(auto, name):
    queue = name()

    assert auto.receive(queue) == []
    auto.send(queue, "x")

    assert auto.receive(queue)[0]["Body"] == "x"
    assert auto.call("GetQueueUrl", QueueName=queue)["QueueUrl"].endswith(queue)


def test_auto_create_takes_the_type_from_the_name(auto, name):
    queue = name(".fifo")

    auto.send(queue, "x", MessageGroupId="g", MessageDeduplicationId="d")

    assert auto.attributes(queue, "FifoQueue") == {"FifoQueue": "true"}


def test_auto_create_does_not_make_queues_by_looking_for_them(auto, name):
    error = auto.error("GetQueueUrl", QueueName=name())

    assert error.code == "AWS.SimpleQueueService.NonExistentQueue"


def test_an_elasticmq_file_makes_its_queues(elastic):
    urls = elastic.call("ListQueues")["QueueUrls"]
    assert {url.rpartition("/")[2] for url in urls} == {
        "orders",
        "orders-dlq",
        "audit.fifo",
        "events.fifo",
        "ledger",
        "ledger-copy",
        "old-name",
        "new-name",
    }

    orders = elastic.attributes("orders")
    assert orders["VisibilityTimeout"] == "10"
    assert orders["DelaySeconds"] == "2"
    assert orders["QueueArn"] == "arn:aws:sqs:us-west-2:000000000000:orders"
    assert json.loads(orders["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-west-2:000000000000:orders-dlq",
        "maxReceiveCount": 3,
    }
    tags = elastic.call("ListQueueTags", QueueUrl="orders")["Tags"]
    assert tags == {"team": "shop", "cost centre": "42"}
    assert elastic.attributes("audit.fifo")["ContentBasedDeduplication"] == "true"


def test_an_elasticmq_file_delays_as_it_says(elastic):
    elastic.call("PurgeQueue", QueueUrl="orders")
    elastic.send("orders", "x")

    assert elastic.receive("orders") == []
    assert len(elastic.receive("orders", WaitTimeSeconds=20)) == 1


def test_an_elasticmq_file_copies_and_moves(elastic):
    elastic.send("ledger", "copied")
    elastic.send("old-name", "moved")

    assert elastic.receive("ledger")[0]["Body"] == "copied"
    assert elastic.receive("ledger-copy")[0]["Body"] == "copied"
    assert elastic.receive("old-name") == []
    assert elastic.receive("new-name")[0]["Body"] == "moved"


def test_statistics_as_elasticmq_has_them(server, name):
    if not hasattr(server, "admin_host"):
        pytest.skip("needs a server of our own")
    api = Api(server, "json")
    queue_name = name()
    queue = api.create(queue_name)
    for _ in range(3):
        api.send(queue, "x")
    api.send(queue, "x", DelaySeconds=900)
    api.receive(queue)

    reply = admin_get(server, "/statistics/queues")
    one = admin_get(server, f"/statistics/queues/{queue_name}")

    assert reply.status == one.status == 200
    assert {"name": queue_name, "statistics": statistics(2, 1, 1)} in reply.json()
    assert one.json() == {"name": queue_name, "attributes": api.attributes(queue)}
    assert admin_get(server, "/statistics/queues/no-such-queue").status == 404


def statistics(visible, invisible, delayed):
    return {
        "approximateNumberOfVisibleMessages": visible,
        "approximateNumberOfInvisibleMessages": invisible,
        "approximateNumberOfMessagesDelayed": delayed,
    }


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/health"])
def test_health_endpoints_of_the_admin_port(server, path):
    if not hasattr(server, "admin_host"):
        pytest.skip("needs a server of our own")

    assert admin_get(server, path).status == 200


def test_metrics_count_messages_by_state(server, name):
    if not hasattr(server, "admin_host"):
        pytest.skip("needs a server of our own")
    api = Api(server, "json")
    queue_name = name()
    queue = api.create(queue_name)
    api.send(queue, "x")
    api.send(queue, "x")
    api.receive(queue)

    reply = admin_get(server, "/metrics")

    assert reply.headers["Content-Type"].startswith("text/plain")
    text = reply.body.decode()
    states = {
        state: line.rpartition(" ")[2]
        for state in ("visible", "inflight", "delayed")
        for line in text.splitlines()
        if "queue_messages{" in line and f'"{queue_name}"' in line and f'"{state}"' in line
    }
    assert states == {"visible": "1", "inflight": "1", "delayed": "0"}

"""What is the same after kill -9 and a start on the same directory, one thing at a time."""

import time

import pytest
from clients import Client
from history import History
from store import SEED, Store, judge
from traffic import ARN, drain, redrive_policy
from waiting import eventually
from wire import Api


class Restarting:
    """The API of a store whose server is replaced by `restart()`."""

    def __init__(self, directory):
        self.store = Store(directory)
        self.api = Api(self.store.start(), "json")

    def restart(self):
        self.store.kill()
        self.api = Api(self.store.start(), "json")

    def url(self, queue):
        return self.api.call("GetQueueUrl", QueueName=queue)["QueueUrl"]

    def receive(self, queue, **params):
        system = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        return self.api.receive(self.url(queue), **system, **params)


@pytest.fixture
def broker(tmp_path):
    one = Restarting(tmp_path / "data")
    yield one
    one.store.kill()


def test_everything_about_a_queue(broker):
    api = broker.api
    api.create("dead")
    queue = api.create(
        "q", tags={"team": "shop", "empty": ""}, VisibilityTimeout=77, DelaySeconds=3,
        MaximumMessageSize=5000, MessageRetentionPeriod=5000, ReceiveMessageWaitTimeSeconds=2,
    )
    policy = {"RedrivePolicy": redrive_policy("dead", 7)}
    api.call("SetQueueAttributes", QueueUrl=queue, Attributes=policy)
    api.call(
        "AddPermission", QueueUrl=queue, Label="all", AWSAccountIds=["123456789012"],
        Actions=["SendMessage"],
    )
    api.create("ledger.fifo", FifoQueue="true", ContentBasedDeduplication="true")

    def seen():
        urls = [broker.url(name) for name in ("q", "dead", "ledger.fifo")]
        tags = broker.api.call("ListQueueTags", QueueUrl=urls[0])["Tags"]
        sources = broker.api.call("ListDeadLetterSourceQueues", QueueUrl=urls[1])["QueueUrls"]
        names = [url.rpartition("/")[2] for url in sources]
        return [broker.api.attributes(url) for url in urls], tags, names

    before = seen()
    broker.restart()

    assert seen() == before


def test_a_message_with_all_it_carries(broker):
    queue = broker.api.create("q")
    attributes = {
        "text": {"DataType": "String", "StringValue": "größe \U0001f600"},
        "number": {"DataType": "Number.int", "StringValue": "-17"},
        "bytes": {"DataType": "Binary", "BinaryValue": "AAEC/w=="},
    }
    sent = broker.api.send(queue, "körper\n\t\"", MessageAttributes=attributes)
    broker.restart()

    (message,) = broker.receive("q")

    assert (message["Body"], message["MessageAttributes"]) == ("körper\n\t\"", attributes)
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_a_lease_its_receipt_and_its_count(broker):
    broker.api.send(broker.api.create("q"), "hello")
    (first,) = broker.receive("q", VisibilityTimeout=600)
    broker.restart()

    assert broker.receive("q") == []
    handle = first["ReceiptHandle"]
    params = {"QueueUrl": broker.url("q"), "ReceiptHandle": handle, "VisibilityTimeout": 0}
    broker.api.call("ChangeMessageVisibility", **params)
    broker.restart()
    (second,) = broker.receive("q")
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert second["Attributes"][name] == first["Attributes"][name]
    handle = second["ReceiptHandle"]
    broker.api.call("DeleteMessage", QueueUrl=broker.url("q"), ReceiptHandle=handle)
    broker.restart()
    counters = broker.api.attributes(
        broker.url("q"), "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    )
    assert set(counters.values()) == {"0"}


def test_a_delay_goes_on(broker):
    queue = broker.api.create("q")
    began = time.monotonic()
    broker.api.send(queue, "later", DelaySeconds=2)
    broker.restart()

    assert broker.receive("q") == []
    (message,) = broker.receive("q", WaitTimeSeconds=10)

    assert message["Body"] == "later"
    assert 2 <= time.monotonic() - began < 8


def test_deduplication_sequence_and_order(broker):
    queue = broker.api.create("q.fifo", FifoQueue="true")

    def send(body, number):
        return broker.api.send(
            broker.url("q.fifo"), body, MessageGroupId="g", MessageDeduplicationId=number
        )

    first = send("one", "1")
    (taken,) = broker.receive("q.fifo")
    broker.api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    broker.restart()
    again = send("one", "1")
    second, third = send("two", "2"), send("three", "3")
    broker.restart()

    assert again["MessageId"] == first["MessageId"]
    numbers = [int(one["SequenceNumber"]) for one in (first, second, third)]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3
    messages = broker.receive("q.fifo", MaxNumberOfMessages=10)
    assert [one["Body"] for one in messages] == ["two", "three"]
    assert broker.receive("q.fifo") == []


def test_a_purge_and_a_deleted_queue_stay_gone(broker):
    for name in ("purged", "deleted"):
        broker.api.send(broker.api.create(name), "old")
    broker.api.call("PurgeQueue", QueueUrl=broker.url("purged"))
    broker.api.call("DeleteQueue", QueueUrl=broker.url("deleted"))
    broker.restart()

    assert broker.receive("purged") == []
    assert broker.api.error("GetQueueUrl", QueueName="deleted").code.endswith("NonExistentQueue")
    broker.api.create("deleted")
    assert broker.receive("deleted") == []


def test_a_move_task_goes_on_and_moves_everything_once(broker):
    history = History()
    client = Client(history, "p", SEED)
    client.connect(broker.store.server)
    for queue in ("source", "dead", "target"):
        client.create_queue(queue)
    client.set_attribute("source", "RedrivePolicy", redrive_policy("dead", 1))
    for _ in range(30):
        client.send("dead", [client.new_message() for _ in range(10)])
    redrive = history.begin("redrive", queue="dead")
    broker.api.call(
        "StartMessageMoveTask", SourceArn=ARN + "dead", DestinationArn=ARN + "target",
        MaxNumberOfMessagesPerSecond=100,
    )

    def task():
        (result,) = broker.api.call("ListMessageMoveTasks", SourceArn=ARN + "dead")["Results"]
        return result

    for least in (20, 80, 150):
        eventually(lambda least=least: task()["ApproximateNumberOfMessagesMoved"] >= least)
        broker.restart()
        assert task()["Status"] == "RUNNING"
    eventually(lambda: task()["Status"] == "COMPLETED")
    redrive.ok()

    assert task()["ApproximateNumberOfMessagesMoved"] == 300
    drain(history, broker.store.server, ["dead", "target"])
    judge(history, "move-task")
    receives = [one for one in history.operations if one.action == "receive" and one.messages]
    assert {one.queue for one in receives} == {"target"}

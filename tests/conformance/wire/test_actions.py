"""Each of the 23 actions once, in both protocols: names of inputs, names of outputs."""

import pytest

ATTRIBUTE = {"n": {"DataType": "Number", "StringValue": "42"}}
ATTRIBUTE_MD5 = "30e7543857de47826ea2a48bbec32fd7"
HELLO_MD5 = "5d41402abc4b2a76b9719d911017c592"


class World:
    """A queue with a dead-letter queue and some messages, for an action to act on."""

    def __init__(self, api, name):
        self.api = api
        self.prefix = name()
        self.dlq_name = f"{self.prefix}-dlq"
        self.queue_name = f"{self.prefix}-q"
        self.dlq = api.create(self.dlq_name)
        self.dlq_arn = api.arn(self.dlq)
        redrive = f'{{"deadLetterTargetArn":"{self.dlq_arn}","maxReceiveCount":5}}'
        self.queue = api.create(self.queue_name, tags={"kept": "1"}, RedrivePolicy=redrive)

    def handle(self):
        self.api.send(self.queue, "hello")
        return self.api.receive(self.queue)[0]["ReceiptHandle"]

    def label(self):
        self.api.call(
            "AddPermission",
            QueueUrl=self.queue,
            Label="known",
            AWSAccountIds=["111122223333"],
            Actions=["SendMessage"],
        )
        return "known"

    def task(self):
        """A task that is still running: one message a second, many to move."""
        for number in range(10):
            self.api.send(self.dlq, f"dead {number}")
        result = self.api.call(
            "StartMessageMoveTask",
            SourceArn=self.dlq_arn,
            DestinationArn=self.api.arn(self.queue),
            MaxNumberOfMessagesPerSecond=1,
        )
        return result["TaskHandle"]


def url_ends_with(world, result):
    assert result["QueueUrl"].endswith("/000000000000/" + world.queue_name)


def nothing(world, result):
    assert result == {}


def successful(*ids):
    def check(world, result):
        assert [entry["Id"] for entry in result["Successful"]] == list(ids)
        assert not result.get("Failed")

    return check


def sent(world, result):
    assert result["MD5OfMessageBody"] == HELLO_MD5
    assert result["MD5OfMessageAttributes"] == ATTRIBUTE_MD5
    assert len(result["MessageId"]) == 36
    assert "SequenceNumber" not in result


def sent_batch(world, result):
    successful("a", "b")(world, result)
    first, second = result["Successful"]
    assert first["MD5OfMessageBody"] == HELLO_MD5
    assert first["MD5OfMessageAttributes"] == ATTRIBUTE_MD5
    assert "MD5OfMessageAttributes" not in second
    assert first["MessageId"] != second["MessageId"]


def received(world, result):
    (message,) = result["Messages"]
    assert message["Body"] == "hello"
    assert message["MD5OfBody"] == HELLO_MD5
    assert message["MessageAttributes"] == ATTRIBUTE
    assert message["MD5OfMessageAttributes"] == ATTRIBUTE_MD5
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert set(message["Attributes"]) == {
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "SenderId",
        "SentTimestamp",
    }


def prepare_receive(world):
    world.api.send(world.queue, "hello", MessageAttributes=ATTRIBUTE)
    return {
        "QueueUrl": world.queue,
        "MaxNumberOfMessages": 1,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }


def has(member, value):
    def check(world, result):
        expected = value(world) if callable(value) else value
        assert result[member] == expected

    return check


def on_queue(**params):
    return lambda world: {"QueueUrl": world.queue, **params}


def with_handle(**params):
    return lambda world: {"QueueUrl": world.queue, "ReceiptHandle": world.handle(), **params}


def handle_batch(**params):
    return lambda world: {
        "QueueUrl": world.queue,
        "Entries": [{"Id": "a", "ReceiptHandle": world.handle(), **params}],
    }


def listed_task(world, result):
    (task,) = result["Results"]
    assert task["Status"] == "RUNNING"
    assert task["SourceArn"] == world.dlq_arn
    assert task["MaxNumberOfMessagesPerSecond"] == 1
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    assert task["StartedTimestamp"] > 1_600_000_000_000
    assert task["TaskHandle"]


def cancelled(world, result):
    assert 0 <= result["ApproximateNumberOfMessagesMoved"] <= 10


CASES = {
    "CreateQueue": (
        lambda world: {
            "QueueName": world.queue_name,
            "Attributes": {"VisibilityTimeout": "30"},
            "tags": {"a": "b"},
        },
        url_ends_with,
    ),
    "DeleteQueue": (on_queue(), nothing),
    "GetQueueUrl": (lambda world: {"QueueName": world.queue_name}, url_ends_with),
    "ListQueues": (
        lambda world: {"QueueNamePrefix": world.prefix, "MaxResults": 10},
        lambda world, result: sorted(result["QueueUrls"]) == sorted([world.queue, world.dlq]),
    ),
    "GetQueueAttributes": (
        on_queue(AttributeNames=["VisibilityTimeout", "DelaySeconds"]),
        has("Attributes", {"VisibilityTimeout": "30", "DelaySeconds": "0"}),
    ),
    "SetQueueAttributes": (on_queue(Attributes={"DelaySeconds": "1"}), nothing),
    "PurgeQueue": (on_queue(), nothing),
    "SendMessage": (
        on_queue(MessageBody="hello", DelaySeconds=0, MessageAttributes=ATTRIBUTE),
        sent,
    ),
    "SendMessageBatch": (
        on_queue(
            Entries=[
                {"Id": "a", "MessageBody": "hello", "MessageAttributes": ATTRIBUTE},
                {"Id": "b", "MessageBody": "hello", "DelaySeconds": 1},
            ]
        ),
        sent_batch,
    ),
    "ReceiveMessage": (prepare_receive, received),
    "DeleteMessage": (with_handle(), nothing),
    "DeleteMessageBatch": (handle_batch(), successful("a")),
    "ChangeMessageVisibility": (with_handle(VisibilityTimeout=60), nothing),
    "ChangeMessageVisibilityBatch": (handle_batch(VisibilityTimeout=60), successful("a")),
    "TagQueue": (on_queue(Tags={"team": "shop"}), nothing),
    "UntagQueue": (on_queue(TagKeys=["kept", "never there"]), nothing),
    "ListQueueTags": (on_queue(), has("Tags", {"kept": "1"})),
    "AddPermission": (
        on_queue(Label="new", AWSAccountIds=["111122223333"], Actions=["SendMessage"]),
        nothing,
    ),
    "RemovePermission": (
        lambda world: {"QueueUrl": world.queue, "Label": world.label()},
        nothing,
    ),
    "ListDeadLetterSourceQueues": (
        lambda world: {"QueueUrl": world.dlq},
        has("QueueUrls", lambda world: [world.queue]),
    ),
    "StartMessageMoveTask": (
        lambda world: {"SourceArn": world.dlq_arn},
        lambda world, result: result["TaskHandle"],
    ),
    "CancelMessageMoveTask": (lambda world: {"TaskHandle": world.task()}, cancelled),
    "ListMessageMoveTasks": (
        lambda world: {"SourceArn": world.task() and world.dlq_arn, "MaxResults": 10},
        listed_task,
    ),
}


def test_the_table_has_every_action():
    assert len(CASES) == 23


@pytest.mark.parametrize("action", CASES)
def test_answers(api, name, action):
    prepare, check = CASES[action]
    world = World(api, name)

    result = api.call(action, **prepare(world))

    assert check(world, result) is not False


@pytest.mark.parametrize("action", CASES)
def test_names_itself_in_the_xml(server, name, action):
    """<ActionResponse> with a result element unless the action has no output."""
    from wire import NAMESPACE, Api, bare

    api = Api(server, "query")
    prepare, check = CASES[action]
    reply = api.reply(action, prepare(World(api, name)))

    root = reply.xml()

    assert reply.body.startswith(b"<?xml version=")
    assert root.tag == f"{NAMESPACE}{action}Response"
    children = [bare(child) for child in root]
    expected = [] if check is nothing else [f"{action}Result"]
    assert children == [*expected, "ResponseMetadata"]
    request_id = root.find(f"{NAMESPACE}ResponseMetadata/{NAMESPACE}RequestId").text
    assert request_id == reply.headers["x-amzn-RequestId"]


QUEUE_ACTIONS = sorted(
    action
    for action in CASES
    if action
    not in {
        "CreateQueue",
        "ListQueues",
        "GetQueueUrl",
        "StartMessageMoveTask",
        "CancelMessageMoveTask",
        "ListMessageMoveTasks",
    }
)


@pytest.mark.parametrize("action", QUEUE_ACTIONS)
def test_says_when_the_queue_does_not_exist(api, name, action):
    world = World(api, name)
    params = CASES[action][0](world)
    params["QueueUrl"] = f"{api.server.endpoint}/000000000000/{name()}-missing"

    error = api.error(action, **params)

    assert (error.status, error.fault) == (400, "Sender")
    assert error.code == "AWS.SimpleQueueService.NonExistentQueue"
    suffix = "" if api.protocol == "json" else " for this wsdl version"
    assert error.message == f"The specified queue does not exist{suffix}."
    if api.protocol == "json":
        assert error.shape == "com.amazonaws.sqs#QueueDoesNotExist"

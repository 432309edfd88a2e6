"""Dead-letter queues and move tasks (specification section 8)."""

import base64
import json

import pytest
from waiting import eventually


@pytest.fixture
def pair(api, name):
    """A source that dead-letters after `receives`, and its dead-letter queue."""

    def create(receives=1, fifo=False):
        prefix, suffix = name(), ".fifo" if fifo else ""
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
        dlq = api.create(f"{prefix}-dlq{suffix}", **attributes)
        redrive = json.dumps({"deadLetterTargetArn": api.arn(dlq), "maxReceiveCount": receives})
        return api.create(f"{prefix}{suffix}", RedrivePolicy=redrive, **attributes), dlq

    return create


def count(api, queue):
    return int(api.attributes(queue)["ApproximateNumberOfMessages"])


def kill(api, queue, body, **params):
    """Sends a message and receives it until it is in the dead-letter queue (after one)."""
    sent = api.send(queue, body, **params)
    assert len(api.receive(queue, VisibilityTimeout=0)) == 1
    assert api.receive(queue, VisibilityTimeout=0) == []
    return sent["MessageId"]


def test_a_message_moves_after_its_last_receive_and_keeps_what_it_is(api, pair):
    source, dlq = pair(receives=2)
    attributes = {"a": {"DataType": "String", "StringValue": "1"}}
    sent = api.send(source, "poison", MessageAttributes=attributes, MessageGroupId="tenant")

    first = api.receive(source, VisibilityTimeout=0, AttributeNames=["All"])[0]
    second = api.receive(source, VisibilityTimeout=0, AttributeNames=["All"])[0]
    assert api.receive(source) == []
    (dead,) = api.receive(dlq, AttributeNames=["All"], MessageAttributeNames=["All"])

    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert dead["MessageId"] == sent["MessageId"]
    assert dead["Body"] == "poison"
    assert dead["MessageAttributes"] == attributes
    found = dead["Attributes"]
    assert found["ApproximateReceiveCount"] == "3"
    assert found["DeadLetterQueueSourceArn"] == api.arn(source)
    assert found["MessageGroupId"] == "tenant"
    for kept in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert found[kept] == first["Attributes"][kept]


def test_the_next_message_of_a_fifo_group_follows_in_the_same_receive(api, pair):
    source, dlq = pair(receives=1, fifo=True)
    for body in ("poison", "next"):
        api.send(source, body, MessageGroupId="g")
    (poison,) = api.receive(source, VisibilityTimeout=0)

    (following,) = api.receive(source)
    (dead,) = api.receive(dlq, AttributeNames=["All"])

    assert (poison["Body"], following["Body"], dead["Body"]) == ("poison", "next", "poison")
    assert dead["Attributes"]["MessageGroupId"] == "g"
    assert dead["Attributes"]["MessageDeduplicationId"] == dead["MessageId"]


def test_the_redrive_policy_is_returned_with_a_number(api, pair):
    source, dlq = pair(receives="7")

    policy = json.loads(api.attributes(source, "RedrivePolicy")["RedrivePolicy"])

    assert policy == {"deadLetterTargetArn": api.arn(dlq), "maxReceiveCount": 7}


def test_an_empty_policy_removes_it(api, pair):
    source, dlq = pair()

    api.call("SetQueueAttributes", QueueUrl=source, Attributes={"RedrivePolicy": ""})

    assert api.attributes(source, "RedrivePolicy") == {}
    assert api.call("ListDeadLetterSourceQueues", QueueUrl=dlq) == {}


def test_refuses_bad_redrive_policies(api, name):
    dlq = api.create(name())
    fifo_dlq = api.create(name(".fifo"), FifoQueue="true")
    arn, fifo_arn = api.arn(dlq), api.arn(fifo_dlq)

    def reason(policy):
        text = policy if isinstance(policy, str) else json.dumps(policy)
        error = api.error(
            "CreateQueue", QueueName=name(), Attributes={"RedrivePolicy": text}
        )
        assert (error.status, error.code) == (400, "InvalidParameterValue")
        return error.message.partition(" Reason: ")[2]

    missing = arn.replace(arn.rpartition(":")[2], "missing-queue")
    assert reason({"deadLetterTargetArn": arn, "maxReceiveCount": 0}) == (
        "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."
    )
    assert reason({"deadLetterTargetArn": arn, "maxReceiveCount": 1001}) == (
        "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."
    )
    assert reason({"deadLetterTargetArn": missing, "maxReceiveCount": 1}) == (
        "Dead letter target does not exist."
    )
    assert reason({"deadLetterTargetArn": "nonsense", "maxReceiveCount": 1}) == (
        "Invalid value for deadLetterTargetArn."
    )
    assert reason({"deadLetterTargetArn": fifo_arn, "maxReceiveCount": 1}) == (
        "Dead-letter queue must be same type of queue as the source."
    )
    reason({"deadLetterTargetArn": arn})
    reason({"maxReceiveCount": 3})


def test_a_dead_letter_queue_can_deny_sources(api, name):
    dlq = api.create(name(), RedriveAllowPolicy='{"redrivePermission":"denyAll"}')
    redrive = json.dumps({"deadLetterTargetArn": api.arn(dlq), "maxReceiveCount": 1})

    error = api.error("CreateQueue", QueueName=name(), Attributes={"RedrivePolicy": redrive})

    assert (error.status, error.code) == (400, "InvalidParameterValue")


def tasks(api, arn, **params):
    return api.call("ListMessageMoveTasks", SourceArn=arn, **params).get("Results", [])


def finished(api, arn):
    return eventually(lambda: [t for t in tasks(api, arn) if t["Status"] != "RUNNING"])[0]


def test_a_move_task_returns_messages_to_their_own_sources(api, name):
    dlq = api.create(name())
    arn = api.arn(dlq)
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sources = [api.create(name(), RedrivePolicy=redrive) for _ in range(2)]
    for number, source in enumerate(sources):
        kill(api, source, f"from {number}")

    handle = api.call("StartMessageMoveTask", SourceArn=arn)["TaskHandle"]
    task = finished(api, arn)

    decoded = json.loads(base64.b64decode(handle))
    assert decoded["sourceArn"] == arn and decoded["taskId"]
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert task["ApproximateNumberOfMessagesToMove"] == 2
    assert "TaskHandle" not in task and "DestinationArn" not in task
    for number, source in enumerate(sources):
        (message,) = api.receive(source, AttributeNames=["All"])
        assert message["Body"] == f"from {number}"
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_move_task_can_have_another_destination(api, pair, name):
    source, dlq = pair()
    elsewhere = api.create(name())
    old_id = kill(api, source, "x")
    arn = api.arn(dlq)

    api.call("StartMessageMoveTask", SourceArn=arn, DestinationArn=api.arn(elsewhere))
    task = finished(api, arn)

    assert task["DestinationArn"] == api.arn(elsewhere)
    (message,) = api.receive(elsewhere)
    assert message["Body"] == "x"
    assert message["MessageId"] != old_id
    assert count(api, dlq) == count(api, source) == 0


def test_a_move_task_goes_to_another_queue_of_the_same_type(api, pair, name):
    source, dlq = pair()
    fifo = api.create(name() + ".fifo", FifoQueue="true")
    kill(api, source, "x")

    for destination in (dlq, fifo):
        error = api.error(
            "StartMessageMoveTask", SourceArn=api.arn(dlq), DestinationArn=api.arn(destination)
        )

        assert (error.status, error.code) == (400, "InvalidParameterValue")
        assert error.message.startswith(f"Value {api.arn(destination)} for parameter DestinationArn")
    assert tasks(api, api.arn(dlq)) == []
    assert count(api, dlq) == 1


def test_a_running_task_is_alone_and_can_be_cancelled(api, pair):
    source, dlq = pair()
    arn = api.arn(dlq)
    for number in range(20):
        api.send(dlq, str(number))
    start = {"SourceArn": arn, "DestinationArn": api.arn(source)}

    handle = api.call("StartMessageMoveTask", **start, MaxNumberOfMessagesPerSecond=1)[
        "TaskHandle"
    ]
    second = api.error("StartMessageMoveTask", **start)
    moved = api.call("CancelMessageMoveTask", TaskHandle=handle)
    task = finished(api, arn)

    assert (second.status, second.code) == (400, "InvalidParameterValue")
    assert second.message == (
        "There is already a task running. "
        "Only one active task is allowed for a source queue arn at a given time."
    )
    assert moved["ApproximateNumberOfMessagesMoved"] < 20
    assert task["Status"] in ("CANCELLING", "CANCELLED")
    eventually(lambda: tasks(api, arn)[0]["Status"] == "CANCELLED")
    assert count(api, dlq) + count(api, source) == 20
    assert api.error("CancelMessageMoveTask", TaskHandle=handle).status in (400, 404)


def test_tasks_are_listed_newest_first(api, pair):
    source, dlq = pair()
    arn = api.arn(dlq)
    for number in range(3):
        kill(api, source, str(number))
        api.call("StartMessageMoveTask", SourceArn=arn)
        eventually(lambda: tasks(api, arn)[0]["Status"] == "COMPLETED")
        for message in api.receive(source, MaxNumberOfMessages=10):
            handle = message["ReceiptHandle"]
            api.call("DeleteMessage", QueueUrl=source, ReceiptHandle=handle)

    found = tasks(api, arn, MaxResults=10)

    assert len(found) == 3
    started = [task["StartedTimestamp"] for task in found]
    assert started == sorted(started, reverse=True)
    assert len(tasks(api, arn)) == 1


@pytest.mark.parametrize("count_", [0, 11])
def test_refuses_task_pages_out_of_range(api, pair, count_):
    _, dlq = pair()

    error = api.error("ListMessageMoveTasks", SourceArn=api.arn(dlq), MaxResults=count_)

    assert error.status == 400


def test_refuses_tasks_that_make_no_sense(api, pair, name):
    source, dlq = pair()
    arn, source_arn = api.arn(dlq), api.arn(source)
    missing = arn.rpartition(":")[0] + ":" + name("-missing")

    no_source = api.error("StartMessageMoveTask", SourceArn=missing)
    no_dlq = api.error("StartMessageMoveTask", SourceArn=source_arn)
    no_destination = api.error("StartMessageMoveTask", SourceArn=arn, DestinationArn=missing)
    no_rate = api.error(
        "StartMessageMoveTask", SourceArn=arn, MaxNumberOfMessagesPerSecond=501
    )
    no_list = api.error("ListMessageMoveTasks", SourceArn=missing)

    assert (no_source.status, no_source.code) == (404, "ResourceNotFoundException")
    assert no_source.message == (
        "The resource that you specified for the SourceArn parameter doesn't exist."
    )
    assert (no_dlq.status, no_dlq.code) == (400, "InvalidParameterValue")
    assert no_dlq.message == "Source queue must be configured as a Dead Letter Queue."
    assert (no_destination.status, no_destination.code) == (404, "ResourceNotFoundException")
    assert no_destination.message == (
        "The resource that you specified for the DestinationArn parameter doesn't exist."
    )
    assert (no_rate.status, no_rate.code) == (400, "InvalidParameterValue")
    assert (no_list.status, no_list.code) == (404, "ResourceNotFoundException")


def test_refuses_bad_task_handles(api, pair, name):
    _, dlq = pair()
    arn = api.arn(dlq)
    missing = arn.rpartition(":")[0] + ":" + name("-missing")

    def cancel(source):
        task = {"taskId": "9b0c4e4e-0000-4000-8000-000000000000", "sourceArn": source}
        handle = base64.b64encode(json.dumps(task).encode()).decode()
        return api.error("CancelMessageMoveTask", TaskHandle=handle)

    garbage = api.error("CancelMessageMoveTask", TaskHandle="garbage")
    unknown_source, unknown_task = cancel(missing), cancel(arn)

    assert (garbage.status, garbage.code) == (400, "InvalidParameterValue")
    assert garbage.message == "Value for parameter TaskHandle is invalid."
    assert (unknown_source.status, unknown_source.code) == (404, "ResourceNotFoundException")
    assert unknown_source.message == (
        "The resource that you specified for the SourceArn parameter doesn't exist."
    )
    assert (unknown_task.status, unknown_task.code) == (404, "ResourceNotFoundException")
    assert unknown_task.message == "Task does not exist."


def test_a_task_fails_when_its_destination_vanishes(api, pair, name):
    _, dlq = pair()
    elsewhere = api.create(name())
    for number in range(5):
        api.send(dlq, str(number))
    arn = api.arn(dlq)
    api.call(
        "StartMessageMoveTask",
        SourceArn=arn,
        DestinationArn=api.arn(elsewhere),
        MaxNumberOfMessagesPerSecond=1,
    )

    api.call("DeleteQueue", QueueUrl=elsewhere)

    task = finished(api, arn)
    assert task["Status"] == "FAILED"
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"

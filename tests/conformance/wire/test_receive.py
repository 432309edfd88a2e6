"""Receiving: limits, filters, long polls, visibility, deleting (specification sections 6, 7)."""

import hashlib
import struct

import pytest
from metrics import wait_for_long_polls
from waiting import Background, eventually

SYSTEM = {
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SenderId",
    "SentTimestamp",
}


def text(value):
    return {"DataType": "String", "StringValue": value}


def attributes_md5(attributes):
    """An independent digest of string attributes, to check what a filtered receive says."""
    encoded = b""
    for key in sorted(attributes):
        value = attributes[key]
        for piece in (key, value["DataType"]):
            encoded += struct.pack(">I", len(piece)) + piece.encode()
        raw = value["StringValue"].encode()
        encoded += b"\1" + struct.pack(">I", len(raw)) + raw
    return hashlib.md5(encoded).hexdigest()


def test_an_empty_receive_has_no_messages_member(api, name):
    queue = api.create(name())

    assert api.call("ReceiveMessage", QueueUrl=queue) == {}


def test_receives_one_by_default_and_up_to_ten(api, name):
    queue = api.create(name())
    for number in range(12):
        api.send(queue, str(number))

    assert [message["Body"] for message in api.receive(queue)] == ["0"]
    ten = api.receive(queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in ten] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    "params, message",
    [
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. "
            "Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. "
            "Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"WaitTimeSeconds": 21},
            "Value 21 for parameter WaitTimeSeconds is invalid. "
            "Reason: Must be >= 0 and <= 20, if provided.",
        ),
        ({"VisibilityTimeout": 43201}, None),
        ({"ReceiveRequestAttemptId": "only-fifo"}, None),
    ],
)
def test_refuses_parameters_out_of_range(api, name, params, message):
    queue = api.create(name())

    error = api.error("ReceiveMessage", QueueUrl=queue, **params)

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    if message:
        assert error.message == message


def test_no_names_asked_means_no_attributes(api, name):
    queue = api.create(name())
    api.send(queue, "x", MessageAttributes={"a": text("1")})

    (message,) = api.receive(queue)

    assert set(message) == {"Body", "MD5OfBody", "MessageId", "ReceiptHandle"}


@pytest.mark.parametrize("member", ["AttributeNames", "MessageSystemAttributeNames"])
def test_system_attributes_by_both_names(api, name, member):
    queue = api.create(name())
    api.send(queue, "x")

    (everything,) = api.receive(queue, VisibilityTimeout=0, **{member: ["All"]})
    (count,) = api.receive(queue, **{member: ["ApproximateReceiveCount"]})

    assert set(everything["Attributes"]) == SYSTEM
    assert len(everything["Attributes"]["SentTimestamp"]) == 13
    assert everything["Attributes"]["SenderId"]
    assert count["Attributes"] == {"ApproximateReceiveCount": "2"}


ATTRIBUTES = {key: text(key) for key in ("Hello", "HelloWorld", "trace.a", "trace.b", "other")}


@pytest.mark.parametrize(
    "asked, found",
    [
        (["All"], set(ATTRIBUTES)),
        ([".*"], set(ATTRIBUTES)),
        (["*"], set(ATTRIBUTES)),
        (["trace.*"], {"trace.a", "trace.b"}),
        (["Hello"], {"Hello"}),
        (["HelloWorld"], {"HelloWorld"}),
        (["Hello.*"], {"Hello", "HelloWorld"}),
        (["hello"], set()),
        (["missing"], set()),
        (["other", "trace.a"], {"other", "trace.a"}),
    ],
)
def test_attribute_filters_and_the_digest_of_what_is_returned(api, name, asked, found):
    queue = api.create(name())
    api.send(queue, "x", MessageAttributes=ATTRIBUTES)

    (message,) = api.receive(queue, MessageAttributeNames=asked)

    assert set(message.get("MessageAttributes", {})) == found
    if found:
        wanted = {key: ATTRIBUTES[key] for key in found}
        assert message["MD5OfMessageAttributes"] == attributes_md5(wanted)
    else:
        assert "MD5OfMessageAttributes" not in message


def test_a_waiting_consumer_gets_a_message_sent_later(api, name):
    queue = api.create(name())

    waiting = Background(api.receive, queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
    wait_for_long_polls(api.server, queue)
    api.send(queue, "worth waiting for")

    assert [message["Body"] for message in waiting.result()] == ["worth waiting for"]


def test_a_long_poll_ends_empty_when_its_time_is_over(api, name):
    queue = api.create(name())

    assert api.call("ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=1) == {}


def test_a_long_poll_sees_a_delay_and_a_lease_end(api, name):
    queue = api.create(name())
    api.send(queue, "delayed", DelaySeconds=1)

    (delayed,) = api.receive(queue, WaitTimeSeconds=20, VisibilityTimeout=1)
    (again,) = api.receive(
        queue, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"]
    )

    assert delayed["MessageId"] == again["MessageId"]
    assert delayed["ReceiptHandle"] != again["ReceiptHandle"]
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}


def test_a_long_poll_sees_a_message_given_back(api, name):
    queue = api.create(name())
    api.send(queue, "given back")
    (message,) = api.receive(queue)
    waiting = Background(api.receive, queue, WaitTimeSeconds=20)
    wait_for_long_polls(api.server, queue)

    api.call(
        "ChangeMessageVisibility",
        QueueUrl=queue,
        ReceiptHandle=message["ReceiptHandle"],
        VisibilityTimeout=0,
    )

    assert waiting.result()[0]["MessageId"] == message["MessageId"]


def test_the_wait_of_the_queue_is_the_default_and_zero_overrides_it(api, name):
    queue = api.create(name(), ReceiveMessageWaitTimeSeconds="20")

    assert api.receive(queue, WaitTimeSeconds=0) == []
    waiting = Background(api.receive, queue)
    wait_for_long_polls(api.server, queue)
    api.send(queue, "x")

    assert len(waiting.result()) == 1


def test_deleting_the_queue_ends_its_long_polls(api, name):
    queue = api.create(name())
    waiting = Background(api.reply, "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
    wait_for_long_polls(api.server, queue)

    api.call("DeleteQueue", QueueUrl=queue)

    assert waiting.result(10).status in (200, 400)


def test_a_visibility_of_zero_counts_but_does_not_hide(api, name):
    queue = api.create(name())
    api.send(queue, "x")

    counts = [
        api.receive(queue, VisibilityTimeout=0, AttributeNames=["All"])[0]["Attributes"]
        for _ in range(3)
    ]

    assert [found["ApproximateReceiveCount"] for found in counts] == ["1", "2", "3"]
    assert len({found["ApproximateFirstReceiveTimestamp"] for found in counts}) == 1
    assert api.attributes(queue)["ApproximateNumberOfMessages"] == "1"


def delete(api, queue, handle):
    return api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)


def test_deleting_twice_is_fine(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    handle = api.receive(queue)[0]["ReceiptHandle"]

    delete(api, queue, handle)
    delete(api, queue, handle)

    assert api.attributes(queue)["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_every_handle_ever_issued_deletes_on_a_standard_queue(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    old = api.receive(queue, VisibilityTimeout=0)[0]["ReceiptHandle"]
    api.receive(queue)

    delete(api, queue, old)

    found = api.attributes(queue)
    assert found["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert found["ApproximateNumberOfMessages"] == "0"


def test_refuses_garbage_and_another_queues_handle(api, name):
    queue, other = api.create(name()), api.create(name())
    api.send(other, "x")
    foreign = api.receive(other)[0]["ReceiptHandle"]

    for handle in ("garbage", foreign):
        for action, more in (
            ("DeleteMessage", {}),
            ("ChangeMessageVisibility", {"VisibilityTimeout": 1}),
        ):
            error = api.error(action, QueueUrl=queue, ReceiptHandle=handle, **more)
            assert (error.status, error.code) == (400, "ReceiptHandleIsInvalid")
            assert error.message == (
                f'The input receipt handle "{handle}" is not a valid receipt handle.'
            )


def test_a_delete_batch_reports_each_handle(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    handle = api.receive(queue)[0]["ReceiptHandle"]

    result = api.call(
        "DeleteMessageBatch",
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "ReceiptHandle": handle},
            {"Id": "bad", "ReceiptHandle": "garbage"},
        ],
    )

    assert result["Successful"] == [{"Id": "good"}]
    (failed,) = result["Failed"]
    assert (failed["Id"], failed["Code"]) == ("bad", "ReceiptHandleIsInvalid")
    assert failed["SenderFault"] is True


def change(api, queue, handle, seconds):
    return api.call(
        "ChangeMessageVisibility",
        QueueUrl=queue,
        ReceiptHandle=handle,
        VisibilityTimeout=seconds,
    )


def test_visibility_can_be_shortened_and_extended(api, name):
    queue = api.create(name(), VisibilityTimeout="1")
    api.send(queue, "x")
    first = api.receive(queue)[0]["ReceiptHandle"]
    change(api, queue, first, 600)

    assert api.receive(queue, WaitTimeSeconds=2) == []
    change(api, queue, first, 0)
    second = api.receive(queue)[0]["ReceiptHandle"]

    # The new timeout of the first delivery is not remembered for the second one.
    assert second != first
    assert eventually(lambda: api.receive(queue, WaitTimeSeconds=1))


def test_visibility_batches_report_each_entry(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    handle = api.receive(queue)[0]["ReceiptHandle"]

    result = api.call(
        "ChangeMessageVisibilityBatch",
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": 0},
            {"Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": 0},
            {"Id": "long", "ReceiptHandle": handle, "VisibilityTimeout": 43201},
        ],
    )

    assert result["Successful"] == [{"Id": "good"}]
    assert {entry["Id"]: entry["Code"] for entry in result["Failed"]} == {
        "bad": "ReceiptHandleIsInvalid",
        "long": "InvalidParameterValue",
    }
    assert len(api.receive(queue)) == 1


def test_refuses_to_change_the_visibility_of_what_is_gone(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    handle = api.receive(queue)[0]["ReceiptHandle"]
    delete(api, queue, handle)

    error = api.error(
        "ChangeMessageVisibility", QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=1
    )

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message == (
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not "
        "exist or is not available for visibility timeout change."
    )


def test_refuses_visibility_out_of_range(api, name):
    queue = api.create(name())
    api.send(queue, "x")
    handle = api.receive(queue)[0]["ReceiptHandle"]

    error = api.error(
        "ChangeMessageVisibility", QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=43201
    )

    assert error.code == "InvalidParameterValue"
    assert error.message == (
        "Value 43201 for parameter VisibilityTimeout is invalid. "
        "Reason: Must be between 0 and 43200."
    )

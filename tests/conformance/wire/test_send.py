"""Sending: digests, sizes, characters, attributes, batches (specification section 5)."""

import base64
import uuid

import pytest

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def binary(raw):
    return {"DataType": "Binary", "BinaryValue": base64.b64encode(raw).decode()}


def text(value, label="String"):
    return {"DataType": label, "StringValue": value}


@pytest.mark.parametrize(
    "body, digest",
    [
        ("hello", "5d41402abc4b2a76b9719d911017c592"),
        ("a\r\nb", "65d5f03c46e62e3f2babbe712d2ce464"),
        ("héllo 😀", "207dd4f0cd7a4f13b4932646cd1f8f2b"),
    ],
)
def test_bodies_come_back_with_their_digest(api, name, body, digest):
    queue = api.create(name())

    sent = api.send(queue, body)
    (message,) = api.receive(queue)

    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == digest
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert uuid.UUID(sent["MessageId"]).version == 4


@pytest.mark.parametrize("body", ["\t\n\r", " ", "\ufffd", "\U0010ffff", '<&>"\'', "\ud7ff\ue000"])
def test_every_allowed_character_survives(api, name, body):
    queue = api.create(name())

    api.send(queue, body)

    assert api.receive(queue)[0]["Body"] == body


@pytest.mark.parametrize("body", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", "ok\x01ok"])
def test_refuses_characters_that_xml_cannot_carry(api, name, body):
    queue = api.create(name())

    error = api.error("SendMessage", QueueUrl=queue, MessageBody=body)

    assert (error.status, error.code) == (400, "InvalidMessageContents")
    assert error.message == (
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
        "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )


@pytest.mark.parametrize("body", [None, ""])
def test_refuses_an_absent_or_empty_body(api, name, body):
    queue = api.create(name())
    params = {} if body is None else {"MessageBody": body}

    error = api.error("SendMessage", QueueUrl=queue, **params)

    assert (error.status, error.code) == (400, "MissingParameter")
    assert error.message == "The request must contain the parameter MessageBody."
    if api.protocol == "json":
        assert error.shape == "com.amazonaws.sqs#MissingRequiredParameterException"


@pytest.mark.parametrize(
    "attributes, digest",
    [
        ({"foo": text("bar")}, "d8062e30406ad939a86bacea477e5a26"),
        ({"n": text("42", "Number")}, "30e7543857de47826ea2a48bbec32fd7"),
        ({"b": binary(b"\0\1\xff")}, "35842bdf855d374207ff397bc05e1ca4"),
        (
            {
                "z": text("x", "String.custom"),
                "a": {**binary(b"PNG"), "DataType": "Binary.png"},
                "A": text("1493147359900", "Number.java.lang.Long"),
            },
            "98143595d177f35c27afe7397be14ac6",
        ),
    ],
    ids=["string", "number", "binary", "labels"],
)
def test_attributes_come_back_with_their_digest(api, name, attributes, digest):
    queue = api.create(name())

    sent = api.send(queue, "hello", MessageAttributes=attributes)
    (message,) = api.receive(queue, MessageAttributeNames=["All"])

    assert sent["MD5OfMessageAttributes"] == message["MD5OfMessageAttributes"] == digest
    assert message["MessageAttributes"] == attributes


def test_the_trace_header_has_a_digest_of_its_own(api, name):
    queue = api.create(name())

    sent = api.send(
        queue,
        "hello",
        MessageAttributes={"foo": text("bar")},
        MessageSystemAttributes={"AWSTraceHeader": text(TRACE)},
    )
    (message,) = api.receive(queue, AttributeNames=["AWSTraceHeader"])

    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    assert sent["MD5OfMessageAttributes"] == "d8062e30406ad939a86bacea477e5a26"
    assert message["Attributes"] == {"AWSTraceHeader": TRACE}


def test_the_trace_id_of_the_http_request_is_the_default(api, name):
    queue = api.create(name())
    http_trace = "Root=1-5759e988-000000000000000000000001"

    api.send(queue, "from the header", headers={"X-Amzn-Trace-Id": http_trace})
    api.send(
        queue,
        "from the request",
        headers={"X-Amzn-Trace-Id": http_trace},
        MessageSystemAttributes={"AWSTraceHeader": text(TRACE)},
    )

    messages = api.receive(queue, MaxNumberOfMessages=10, AttributeNames=["AWSTraceHeader"])
    assert {message["Body"]: message["Attributes"]["AWSTraceHeader"] for message in messages} == {
        "from the header": http_trace,
        "from the request": TRACE,
    }


def test_a_trace_id_that_is_not_text_is_left_out(api, name):
    queue = api.create(name())

    api.send(queue, "x", headers={"X-Amzn-Trace-Id": b"Root=\xff"})

    (message,) = api.receive(queue, AttributeNames=["All"])
    assert "AWSTraceHeader" not in message["Attributes"]


def test_refuses_unknown_system_attributes(api, name):
    queue = api.create(name())

    error = api.error(
        "SendMessage",
        QueueUrl=queue,
        MessageBody="x",
        MessageSystemAttributes={"Other": text("x")},
    )

    assert (error.status, error.code) == (400, "InvalidParameterValue")


@pytest.mark.parametrize(
    "attributes, message",
    [
        (
            {"N": text("")},
            "Message (user) attribute 'N' must contain a non-empty value of type 'String'.",
        ),
        (
            {"N": {"DataType": "", "StringValue": "x"}},
            "Message (user) attribute 'N' must contain a non-empty attribute type.",
        ),
        (
            {"N": text("x", "Text")},
            "The type of message (user) attribute 'N' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String.",
        ),
        (
            {f"a{number}": text("x") for number in range(11)},
            "Number of message attributes [11] exceeds the allowed maximum [10].",
        ),
        ({"x" * 257: text("x")}, "Message (user) attribute names must be shorter than 256 Bytes"),
        ({"N": text("12x", "Number")}, None),
        ({"N": text("1e999", "Number")}, None),
        ({"AWS.N": text("x")}, None),
        ({"amazon.N": text("x")}, None),
        ({".N": text("x")}, None),
        ({"N.": text("x")}, None),
        ({"N..M": text("x")}, None),
        ({"N M": text("x")}, None),
        ({"N": text("\x01")}, None),
    ],
)
def test_refuses_bad_attributes(api, name, attributes, message):
    queue = api.create(name())

    error = api.error(
        "SendMessage", QueueUrl=queue, MessageBody="x", MessageAttributes=attributes
    )

    assert error.status == 400
    assert error.code in ("InvalidParameterValue", "InvalidMessageContents")
    if message:
        assert error.code == "InvalidParameterValue"
        assert error.message == message


def test_ten_attributes_are_allowed(api, name):
    queue = api.create(name())
    ten = {f"a{number}": text("x") for number in range(10)}

    api.send(queue, "x", MessageAttributes=ten)

    assert api.receive(queue, MessageAttributeNames=["All"])[0]["MessageAttributes"] == ten


def test_the_size_counts_utf8_bytes_and_attributes(api, name):
    queue = api.create(name(), MaximumMessageSize="1024")
    attributes = {"name": text("v" * 10)}  # 4 + 6 + 10 bytes

    api.send(queue, "x" * 1024)
    api.send(queue, "é" * 512)
    api.send(queue, "x" * 1004, MessageAttributes=attributes)

    for params in (
        {"MessageBody": "x" * 1025},
        {"MessageBody": "é" * 513},
        {"MessageBody": "x" * 1005, "MessageAttributes": attributes},
    ):
        error = api.error("SendMessage", QueueUrl=queue, **params)
        assert (error.status, error.code) == (400, "InvalidParameterValue")
        assert error.message == (
            "One or more parameters are invalid. "
            "Reason: Message must be shorter than 1024 bytes."
        )


def test_one_mebibyte_is_allowed_even_when_every_byte_is_escaped(api, name):
    queue = api.create(name())
    body = '"' * 1048576

    api.send(queue, body)

    assert api.receive(queue)[0]["Body"] == body


def test_the_delay_hides_the_message(api, name):
    queue = api.create(name(), DelaySeconds="900")

    api.send(queue, "delayed by the queue")
    api.send(queue, "now", DelaySeconds=0)

    messages = api.receive(queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in messages] == ["now"]


def test_refuses_delays_out_of_range(api, name):
    queue = api.create(name())

    error = api.error("SendMessage", QueueUrl=queue, MessageBody="x", DelaySeconds=901)

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message == (
        "Value 901 for parameter DelaySeconds is invalid. "
        "Reason: DelaySeconds must be >= 0 and <= 900."
    )


def test_refuses_a_deduplication_id_on_a_standard_queue(api, name):
    queue = api.create(name())

    error = api.error("SendMessage", QueueUrl=queue, MessageBody="x", MessageDeduplicationId="d")

    assert error.code == "InvalidParameterValue"
    assert error.message == (
        "Value d for parameter MessageDeduplicationId is invalid. "
        "Reason: The request includes a parameter that is not valid for this queue type."
    )


def test_a_group_on_a_standard_queue_is_kept(api, name):
    queue = api.create(name())

    sent = api.send(queue, "x", MessageGroupId="tenant-1")
    (message,) = api.receive(queue, AttributeNames=["All"])

    assert "SequenceNumber" not in sent
    assert message["Attributes"]["MessageGroupId"] == "tenant-1"


@pytest.mark.parametrize("group", ["with space", "ü", "x" * 129])
def test_refuses_bad_groups(api, name, group):
    queue = api.create(name())

    error = api.error("SendMessage", QueueUrl=queue, MessageBody="x", MessageGroupId=group)

    assert error.code == "InvalidParameterValue"
    assert error.message == (
        f"Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can "
        "only include alphanumeric and punctuation characters. 1 to 128 in length."
    )


def batch(api, queue, entries, action="SendMessageBatch"):
    return api.call(action, QueueUrl=queue, Entries=entries)


def batch_error(api, queue, entries, action="SendMessageBatch"):
    return api.error(action, QueueUrl=queue, Entries=entries)


def test_a_batch_reports_each_entry(api, name):
    queue = api.create(name(), MaximumMessageSize="1024")

    result = batch(
        api,
        queue,
        [
            {"Id": "good", "MessageBody": "hello"},
            {"Id": "bytes", "MessageBody": "\x01"},
            {"Id": "big", "MessageBody": "x" * 1025},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        ],
    )

    assert [entry["Id"] for entry in result["Successful"]] == ["good"]
    failed = {entry["Id"]: entry for entry in result["Failed"]}
    assert {entry["SenderFault"] for entry in failed.values()} == {True}
    assert failed["bytes"]["Code"] == "InvalidMessageContents"
    assert failed["big"]["Code"] == "InvalidParameterValue"
    assert failed["big"]["Message"] == (
        "One or more parameters cannot be validated. "
        "Reason: Message must be shorter than 1024 bytes."
    )
    assert failed["late"]["Code"] == "InvalidParameterValue"
    assert api.receive(queue)[0]["Body"] == "hello"


BATCH_ACTIONS = {
    "SendMessageBatch": {"MessageBody": "x"},
    "DeleteMessageBatch": {"ReceiptHandle": "x"},
    "ChangeMessageVisibilityBatch": {"ReceiptHandle": "x", "VisibilityTimeout": 1},
}


@pytest.mark.parametrize("action", BATCH_ACTIONS)
def test_refuses_batches_of_the_wrong_shape(api, name, action):
    queue = api.create(name())
    rest = BATCH_ACTIONS[action]

    def refused(*ids):
        return batch_error(api, queue, [{"Id": id_, **rest} for id_ in ids], action)

    prefix = "AWS.SimpleQueueService."
    empty = refused()
    many = refused(*(str(number) for number in range(20)))
    odd = refused("not ok!")
    long = refused("x" * 81)
    twice = refused("a", "b", "a")

    assert empty.code == prefix + "EmptyBatchRequest"
    assert empty.message == f"There should be at least one {action}RequestEntry in the request."
    assert many.code == prefix + "TooManyEntriesInBatchRequest"
    assert many.message == "Maximum number of entries per request are 10. You have sent 20."
    assert odd.code == long.code == prefix + "InvalidBatchEntryId"
    assert odd.message == (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )
    assert twice.code == prefix + "BatchEntryIdsNotDistinct"
    assert twice.message == "Id a repeated."
    if api.protocol == "json":
        assert empty.shape == "com.amazonaws.sqs#EmptyBatchRequest"


def test_refuses_a_batch_of_more_than_a_mebibyte(api, name):
    queue = api.create(name())
    half = {"MessageBody": "x" * 524288}

    fits = batch(api, queue, [{"Id": "a", **half}, {"Id": "b", **half}])
    error = batch_error(api, queue, [{"Id": "a", **half}, {"Id": "b", "MessageBody": "x" * 524289}])

    assert len(fits["Successful"]) == 2
    assert (error.status, error.code) == (400, "AWS.SimpleQueueService.BatchRequestTooLong")
    assert error.message == (
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    )

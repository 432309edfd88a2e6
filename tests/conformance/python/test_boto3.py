"""Debian's boto3 (Query protocol), unmodified, with its MD5 checks on and its retries off."""

import json

import boto3
import botocore.config
import botocore.exceptions
import pytest
from metrics import wait_for_long_polls
from waiting import Background, eventually

ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "héllo 😀 <&>\r\n"},
    "labelled": {"DataType": "String.json", "StringValue": "{}"},
    "number": {"DataType": "Number", "StringValue": "-1.5"},
    "long": {"DataType": "Number.java.lang.Long", "StringValue": "1493147359900"},
    "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    "picture": {"DataType": "Binary.png", "BinaryValue": b"PNG"},
}


@pytest.fixture(scope="session")
def sqs(server):
    return boto3.client(
        "sqs",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="anyone",
        aws_secret_access_key="anything",
        config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=30),
    )


@pytest.fixture
def queue(sqs, name):
    return sqs.create_queue(QueueName=name())["QueueUrl"]


@pytest.fixture
def fifo(sqs, name):
    return sqs.create_queue(QueueName=name(".fifo"), Attributes={"FifoQueue": "true"})["QueueUrl"]


def arn(sqs, queue):
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]


def receive(sqs, queue, **params):
    return sqs.receive_message(QueueUrl=queue, **params).get("Messages", [])


def error_of(call, **params):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**params)
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("body", ["hello", "a\r\nb\rc\n", "héllo 😀", "<a>&amp;\"'", " \t "])
def test_bodies_arrive_as_they_were_sent(sqs, queue, body):
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)

    (message,) = receive(sqs, queue)

    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]


def test_attributes_of_all_types(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=ATTRIBUTES)

    (message,) = receive(sqs, queue, MessageAttributeNames=["All"], AttributeNames=["All"])

    assert message["MessageAttributes"] == ATTRIBUTES
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_batch_comes_back_as_a_batch(sqs, queue):
    entries = [
        {"Id": str(n), "MessageBody": f"m{n}", "MessageAttributes": ATTRIBUTES} for n in range(10)
    ]

    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    messages = receive(sqs, queue, MaxNumberOfMessages=10, MessageAttributeNames=["text"])
    deleted = sqs.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages],
    )

    assert len(sent["Successful"]) == 10 and "Failed" not in sent
    assert {m["Body"] for m in messages} == {f"m{n}" for n in range(10)}
    assert messages[0]["MessageAttributes"] == {"text": ATTRIBUTES["text"]}
    assert len(deleted["Successful"]) == 10
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "0"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_long_poll_gets_a_message_sent_later(sqs, queue, server):
    waiting = Background(receive, sqs, queue, WaitTimeSeconds=20)
    wait_for_long_polls(server, queue)

    sqs.send_message(QueueUrl=queue, MessageBody="later")

    assert waiting.result()[0]["Body"] == "later"


def test_visibility_changes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(sqs, queue)
    assert receive(sqs, queue) == []

    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    (again,) = receive(sqs, queue)
    batch = sqs.change_message_visibility_batch(
        QueueUrl=queue,
        Entries=[{"Id": "a", "ReceiptHandle": again["ReceiptHandle"], "VisibilityTimeout": 0}],
    )

    assert batch["Successful"] == [{"Id": "a"}]
    assert len(receive(sqs, queue)) == 1


def test_a_message_is_dead_after_its_last_receive_and_can_be_moved_back(sqs, queue, name):
    source = sqs.create_queue(
        QueueName=name(),
        Attributes={
            "RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": arn(sqs, queue), "maxReceiveCount": 2}
            )
        },
    )["QueueUrl"]
    sqs.send_message(QueueUrl=source, MessageBody="poison")

    for _ in range(2):
        assert len(receive(sqs, source, VisibilityTimeout=0)) == 1
    assert receive(sqs, source) == []
    (dead,) = receive(sqs, queue, AttributeNames=["All"], VisibilityTimeout=0)

    assert dead["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, source)
    assert sqs.list_dead_letter_source_queues(QueueUrl=queue)["queueUrls"] == [source]


def test_fifo_order_groups_and_deduplication(sqs, fifo):
    def send(body, group, dedup):
        return sqs.send_message(
            QueueUrl=fifo, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=dedup
        )

    first = send("a1", "a", "1")
    second = send("a2", "a", "2")
    send("b1", "b", "3")
    duplicate = send("a1 again", "a", "1")

    taken = receive(sqs, fifo, MaxNumberOfMessages=2, AttributeNames=["All"])
    other = receive(sqs, fifo, MaxNumberOfMessages=10)

    assert duplicate["MessageId"] == first["MessageId"]
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    assert [m["Body"] for m in taken] == ["a1", "a2"]
    assert taken[0]["Attributes"]["SequenceNumber"] == first["SequenceNumber"]
    assert [m["Body"] for m in other] == ["b1"]


def test_errors_by_code(sqs, queue, fifo, name):
    prefix = "AWS.SimpleQueueService."
    missing = queue + "-missing"
    entry = {"Id": "a", "MessageBody": "x"}
    send, batch = sqs.send_message, sqs.send_message_batch
    existing = queue.rpartition("/")[2]

    cases = [
        (400, prefix + "NonExistentQueue", send, {"QueueUrl": missing, "MessageBody": "x"}),
        (400, prefix + "NonExistentQueue", sqs.get_queue_url, {"QueueName": name()}),
        (
            400,
            "QueueAlreadyExists",
            sqs.create_queue,
            {"QueueName": existing, "Attributes": {"VisibilityTimeout": "7"}},
        ),
        (
            400,
            "ReceiptHandleIsInvalid",
            sqs.delete_message,
            {"QueueUrl": queue, "ReceiptHandle": "garbage"},
        ),
        (400, "InvalidMessageContents", send, {"QueueUrl": queue, "MessageBody": "\x01"}),
        (400, "MissingParameter", send, {"QueueUrl": fifo, "MessageBody": "x"}),
        (
            400,
            "InvalidParameterValue",
            sqs.receive_message,
            {"QueueUrl": queue, "MaxNumberOfMessages": 11},
        ),
        (
            400,
            "InvalidAttributeName",
            sqs.set_queue_attributes,
            {"QueueUrl": queue, "Attributes": {"Nope": "1"}},
        ),
        (
            400,
            "InvalidAttributeValue",
            sqs.set_queue_attributes,
            {"QueueUrl": queue, "Attributes": {"DelaySeconds": "901"}},
        ),
        (400, prefix + "EmptyBatchRequest", batch, {"QueueUrl": queue, "Entries": []}),
        (
            400,
            prefix + "TooManyEntriesInBatchRequest",
            batch,
            {
                "QueueUrl": queue,
                "Entries": [{"Id": str(number), "MessageBody": "x"} for number in range(11)],
            },
        ),
        (
            400,
            prefix + "BatchEntryIdsNotDistinct",
            batch,
            {"QueueUrl": queue, "Entries": [entry, entry]},
        ),
        (
            400,
            prefix + "InvalidBatchEntryId",
            batch,
            {"QueueUrl": queue, "Entries": [{**entry, "Id": "not ok"}]},
        ),
        (
            403,
            "OverLimit",
            sqs.add_permission,
            {
                "QueueUrl": queue,
                "Label": "l",
                "AWSAccountIds": ["111122223333"],
                "Actions": ["SendMessage"] * 8,
            },
        ),
    ]

    assert [(status, code) for status, code, _, _ in cases] == [
        error_of(call, **params) for _, _, call, params in cases
    ]


def test_a_missing_queue_is_a_class_of_its_own(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.purge_queue(QueueUrl=queue + "-missing")


def test_tags_and_permissions(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "shop", "empty": ""})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["team"])
    sqs.add_permission(
        QueueUrl=queue, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
    )
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    sqs.remove_permission(QueueUrl=queue, Label="l")

    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"empty": ""}
    assert json.loads(policy["Policy"])["Statement"][0]["Sid"] == "l"
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])


def test_the_paginators_of_the_sdk(sqs, name):
    prefix = name()
    dlq = sqs.create_queue(QueueName=f"{prefix}-dlq")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(sqs, dlq), "maxReceiveCount": 1})
    urls = {
        sqs.create_queue(QueueName=f"{prefix}-{n}", Attributes={"RedrivePolicy": redrive})[
            "QueueUrl"
        ]
        for n in range(5)
    }

    size = {"PageSize": 2}
    listed = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix=prefix, PaginationConfig=size
    )
    sources = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=dlq, PaginationConfig=size
    )

    assert [len(page["QueueUrls"]) for page in listed] == [2, 2, 2]
    assert {url for page in sources for url in page["queueUrls"]} == urls


def test_purge_set_attributes_and_delete(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.purge_queue(QueueUrl=queue)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    sqs.delete_queue(QueueUrl=queue)

    assert found["ApproximateNumberOfMessages"] == "0"
    assert found["VisibilityTimeout"] == "7"
    assert error_of(sqs.delete_queue, QueueUrl=queue)[1].endswith("NonExistentQueue")


def test_the_resource_interface(server, name):
    session = boto3.Session("anyone", "anything", region_name="eu-west-1")
    resource = session.resource("sqs", endpoint_url=server.endpoint)
    queue = resource.create_queue(QueueName=name())

    queue.send_message(MessageBody="x", MessageAttributes=ATTRIBUTES)
    (message,) = queue.receive_messages(MessageAttributeNames=["All"], WaitTimeSeconds=5)
    message.delete()
    queue.reload()

    assert message.message_attributes == ATTRIBUTES
    assert queue.attributes["ApproximateNumberOfMessages"] == "0"


def test_signs_requests_that_a_server_with_keys_accepts(signed_server):
    def client(key, secret):
        return boto3.client(
            "sqs",
            endpoint_url=signed_server.endpoint,
            region_name="eu-central-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    good = client("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    queue = good.create_queue(QueueName="signed")["QueueUrl"]
    good.send_message(QueueUrl=queue, MessageBody="signed & sealed ü")

    assert receive(good, queue)[0]["Body"] == "signed & sealed ü"
    assert error_of(client("AKIDEXAMPLE", "wrong").list_queues) == (403, "SignatureDoesNotMatch")
    assert error_of(client("NOBODY", "x").list_queues) == (403, "InvalidClientTokenId")

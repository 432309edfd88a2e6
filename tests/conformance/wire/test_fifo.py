"""FIFO queues: order, groups, de-duplication (specification section 11)."""

import pytest
from waiting import eventually


@pytest.fixture
def fifo(api, name):
    def create(**attributes):
        return api.create(name(".fifo"), FifoQueue="true", **attributes)

    return create


def send(api, queue, body, group="g", dedup=None):
    return api.send(queue, body, MessageGroupId=group, MessageDeduplicationId=dedup or body)


def bodies(messages):
    return [message["Body"] for message in messages]


def delete(api, queue, message):
    api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_one_group_keeps_its_order_and_sequence_numbers_rise(api, fifo):
    queue = fifo()
    sent = [send(api, queue, str(number)) for number in range(5)]

    received = api.receive(queue, MaxNumberOfMessages=10, AttributeNames=["All"])

    assert bodies(received) == ["0", "1", "2", "3", "4"]
    numbers = [result["SequenceNumber"] for result in sent]
    assert numbers == [message["Attributes"]["SequenceNumber"] for message in received]
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})
    assert {len(number) for number in numbers} == {20}
    assert received[0]["Attributes"]["MessageGroupId"] == "g"
    assert received[0]["Attributes"]["MessageDeduplicationId"] == "0"


def test_a_batch_is_enqueued_in_list_order(api, fifo):
    queue = fifo(ContentBasedDeduplication="true")
    entries = [
        {"Id": str(number), "MessageBody": f"m{number}", "MessageGroupId": "g"}
        for number in range(10)
    ]

    result = api.call("SendMessageBatch", QueueUrl=queue, Entries=entries)

    numbers = [int(entry["SequenceNumber"]) for entry in result["Successful"]]
    assert numbers == sorted(numbers)
    assert bodies(api.receive(queue, MaxNumberOfMessages=10)) == [f"m{n}" for n in range(10)]


def test_a_receive_fills_up_from_one_group_and_locks_it(api, fifo):
    queue = fifo()
    for body in ("g1m1", "g1m2", "g1m3", "g1m4", "g2m1", "g3m1"):
        send(api, queue, body, group=body[:2])

    first = api.receive(queue, MaxNumberOfMessages=2)
    second = api.receive(queue)
    third = api.receive(queue, MaxNumberOfMessages=10)

    assert bodies(first) == ["g1m1", "g1m2"]
    assert bodies(second) == ["g2m1"]
    assert bodies(third) == ["g3m1"]

    delete(api, queue, first[0])
    assert api.receive(queue) == []
    delete(api, queue, first[1])
    assert bodies(api.receive(queue, MaxNumberOfMessages=10)) == ["g1m3", "g1m4"]


def test_a_message_given_back_is_the_head_again(api, fifo):
    queue = fifo()
    for body in ("1", "2"):
        send(api, queue, body)
    (head,) = api.receive(queue)

    api.call(
        "ChangeMessageVisibility",
        QueueUrl=queue,
        ReceiptHandle=head["ReceiptHandle"],
        VisibilityTimeout=0,
    )

    assert bodies(api.receive(queue, MaxNumberOfMessages=10)) == ["1", "2"]


def test_a_receive_with_no_visibility_leaves_the_group_unlocked(api, fifo):
    queue = fifo()
    send(api, queue, "1")

    assert bodies(api.receive(queue, VisibilityTimeout=0)) == ["1"]
    assert bodies(api.receive(queue)) == ["1"]


def test_delivery_stops_before_a_later_message_in_flight(api, fifo):
    queue = fifo()
    for body in ("1", "2", "3"):
        send(api, queue, body)
    received = api.receive(queue, MaxNumberOfMessages=3, VisibilityTimeout=1)

    api.call(
        "ChangeMessageVisibility",
        QueueUrl=queue,
        ReceiptHandle=received[1]["ReceiptHandle"],
        VisibilityTimeout=60,
    )

    again = eventually(lambda: api.receive(queue, MaxNumberOfMessages=5, WaitTimeSeconds=1))
    assert bodies(again) == ["1"]


def test_a_duplicate_is_answered_with_the_original_and_not_stored(api, fifo):
    queue = fifo()
    first = send(api, queue, "original", dedup="d")
    second = send(api, queue, "other body", dedup="d")

    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert second["MD5OfMessageBody"] != first["MD5OfMessageBody"]
    (only,) = api.receive(queue, MaxNumberOfMessages=10)
    assert only["Body"] == "original"
    delete(api, queue, only)
    assert send(api, queue, "after the delete", dedup="d")["MessageId"] == first["MessageId"]
    assert api.receive(queue) == []


def test_purge_forgets_deduplication(api, fifo):
    queue = fifo()
    first = send(api, queue, "x")

    api.call("PurgeQueue", QueueUrl=queue)

    assert send(api, queue, "x")["MessageId"] != first["MessageId"]
    assert len(api.receive(queue)) == 1


def test_content_based_deduplication_uses_the_hash_of_the_body(api, fifo):
    queue = fifo(ContentBasedDeduplication="true")
    first = api.send(queue, "same", MessageGroupId="g")

    second = api.send(queue, "same", MessageGroupId="other")
    explicit = api.send(
        queue,
        "different",
        MessageGroupId="g",
        # SHA-256 of "same": an explicit id equal to the hash is the same id.
        MessageDeduplicationId="0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5",
    )

    assert second["MessageId"] == first["MessageId"] == explicit["MessageId"]


def test_the_scope_can_be_the_group(api, fifo):
    queue = fifo(DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")

    one = send(api, queue, "x", group="one")
    two = send(api, queue, "x", group="two")
    again = send(api, queue, "x", group="one")

    assert one["MessageId"] != two["MessageId"]
    assert again["MessageId"] == one["MessageId"]


def test_throughput_per_group_needs_the_scope(api, name):
    error = api.error(
        "CreateQueue",
        QueueName=name(".fifo"),
        Attributes={"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"},
    )

    assert error.status == 400


def test_needs_a_deduplication_id(api, fifo):
    queue = fifo()

    error = api.error("SendMessage", QueueUrl=queue, MessageBody="x", MessageGroupId="g")

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message == (
        "The queue should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly"
    )


def test_needs_a_group(api, fifo):
    queue = fifo(ContentBasedDeduplication="true")

    single = api.error("SendMessage", QueueUrl=queue, MessageBody="x")
    batch = api.error(
        "SendMessageBatch",
        QueueUrl=queue,
        Entries=[
            {"Id": "a", "MessageBody": "x", "MessageGroupId": "g"},
            {"Id": "b", "MessageBody": "y"},
        ],
    )

    assert single.code == "MissingParameter"
    assert single.message == "The request must contain the parameter MessageGroupId."
    assert batch.code == "InvalidParameterValue"
    assert api.receive(queue) == []


def test_refuses_a_delay_but_not_zero(api, fifo):
    queue = fifo()
    send_with = {"QueueUrl": queue, "MessageBody": "x", "MessageGroupId": "g"}

    error = api.error("SendMessage", **send_with, MessageDeduplicationId="1", DelaySeconds=2)
    api.call("SendMessage", **send_with, MessageDeduplicationId="2", DelaySeconds=0)

    assert error.code == "InvalidParameterValue"
    assert error.message == (
        "Value 2 for parameter DelaySeconds is invalid. "
        "Reason: The request include parameter that is not valid for this queue type."
    )


def test_an_expired_handle_does_not_delete(api, fifo):
    queue = fifo()
    send(api, queue, "x")
    (stale,) = api.receive(queue, VisibilityTimeout=1)
    (fresh,) = api.receive(queue, WaitTimeSeconds=20)

    error = api.error("DeleteMessage", QueueUrl=queue, ReceiptHandle=stale["ReceiptHandle"])

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message == (
        f"Value {stale['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
        "Reason: The receipt handle has expired."
    )
    delete(api, queue, fresh)
    delete(api, queue, fresh)


def test_a_repeated_receive_attempt_returns_the_same_deliveries(api, fifo):
    queue = fifo()
    send(api, queue, "1")
    send(api, queue, "2")

    first = api.receive(queue, MaxNumberOfMessages=10, ReceiveRequestAttemptId="try")
    again = api.receive(queue, MaxNumberOfMessages=10, ReceiveRequestAttemptId="try")
    other = api.receive(queue, MaxNumberOfMessages=10, ReceiveRequestAttemptId="other")

    assert [m["ReceiptHandle"] for m in first] == [m["ReceiptHandle"] for m in again]
    assert other == []

    delete(api, queue, first[0])
    assert api.receive(queue, ReceiveRequestAttemptId="try") == []

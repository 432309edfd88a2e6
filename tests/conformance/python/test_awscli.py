"""Debian's aws command, unmodified, in a process of its own for every call."""

import json
import os
import subprocess

import pytest
from metrics import wait_for_long_polls
from wire import Api

AWS = "/usr/bin/aws"


@pytest.fixture(scope="session")
def environment(server, tmp_path_factory):
    """Credentials and nothing else: the configuration of whoever runs the tests stays out."""
    empty = tmp_path_factory.mktemp("aws")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(empty),
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CLI_AUTO_PROMPT": "off",
    }


@pytest.fixture
def aws(server, environment):
    """Runs `aws sqs ACTION --option value ...`; gives back its JSON, or its error text."""

    def start(action, **options):
        command = [AWS, "--endpoint-url", server.endpoint, "--output", "json", "sqs", action]
        for key, value in options.items():
            text = value if isinstance(value, str) else json.dumps(value)
            command += ["--" + key.replace("_", "-"), text]
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(process):
        output, errors = process.communicate(timeout=60)
        if process.returncode != 0:
            return errors
        return json.loads(output) if output.strip() else {}

    def run(action, **options):
        return finish(start(action, **options))

    def run_all(*calls):
        """Independent calls side by side, because each one takes most of a second to load."""
        running = [start(action, **options) for action, options in calls]
        return [finish(process) for process in running]

    run.start, run.finish, run.all = start, finish, run_all
    return run


def test_a_standard_queue_from_creation_to_deletion(aws, name):
    queue_name = name()
    tags = {"team": "shop"}
    queue = aws(
        "create-queue", queue_name=queue_name, attributes={"DelaySeconds": "0"}, tags=tags
    )["QueueUrl"]
    attributes = {
        "text": {"DataType": "String", "StringValue": "ü"},
        "number": {"DataType": "Number", "StringValue": "1"},
        "bytes": {"DataType": "Binary", "BinaryValue": "AAH/"},
        "labelled": {"DataType": "String.custom", "StringValue": "x"},
    }

    sent = aws(
        "send-message", queue_url=queue, message_body="a\r\nb", message_attributes=attributes
    )
    (message,) = aws(
        "receive-message", queue_url=queue, message_attribute_names="All", attribute_names="All"
    )["Messages"]
    handle = message["ReceiptHandle"]
    visible = aws(
        "change-message-visibility",
        queue_url=queue,
        receipt_handle=handle,
        visibility_timeout="60",
    )
    deleted = aws("delete-message", queue_url=queue, receipt_handle=handle)

    assert sent["MD5OfMessageBody"] == "65d5f03c46e62e3f2babbe712d2ce464"
    assert message["Body"] == "a\r\nb"
    assert message["MessageAttributes"] == attributes
    assert visible == deleted == {}
    found, listed = aws.all(
        ("get-queue-url", {"queue_name": queue_name}), ("list-queue-tags", {"queue_url": queue})
    )
    assert (found["QueueUrl"], listed["Tags"]) == (queue, tags)
    assert aws("delete-queue", queue_url=queue) == {}
    gone = aws("get-queue-attributes", queue_url=queue)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in gone


def test_batches_of_all_three_kinds(aws, server, name):
    queue = Api(server, "query").create(name())
    sent = aws(
        "send-message-batch",
        queue_url=queue,
        entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2"}],
    )
    messages = aws("receive-message", queue_url=queue, max_number_of_messages="10")["Messages"]
    entries = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]

    changed = aws(
        "change-message-visibility-batch",
        queue_url=queue,
        entries=[{**entry, "VisibilityTimeout": 60} for entry in entries],
    )
    deleted = aws(
        "delete-message-batch",
        queue_url=queue,
        entries=[*entries, {"Id": "bad", "ReceiptHandle": "garbage"}],
    )

    assert [entry["Id"] for entry in sent["Successful"]] == ["a", "b"]
    assert [entry["Id"] for entry in changed["Successful"]] == ["1", "2"]
    assert [entry["Id"] for entry in deleted["Successful"]] == ["1", "2"]
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


def test_a_fifo_queue_with_a_dead_letter_queue(aws, server, name):
    prefix = name()
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    dlq = Api(server, "query").create(f"{prefix}-dlq.fifo", **fifo)
    arn = aws("get-queue-attributes", queue_url=dlq, attribute_names="QueueArn")["Attributes"]
    redrive = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 1})
    queue = aws(
        "create-queue",
        queue_name=f"{prefix}.fifo",
        attributes={**fifo, "RedrivePolicy": redrive},
    )["QueueUrl"]

    send = {"queue_url": queue, "message_body": "1", "message_group_id": "g"}
    first, again = aws.all(("send-message", send), ("send-message", send))
    received = aws("receive-message", queue_url=queue, visibility_timeout="0")["Messages"]
    empty = aws("receive-message", queue_url=queue)
    dead = aws("receive-message", queue_url=dlq, attribute_names="All")["Messages"]

    assert first["SequenceNumber"] and first["MessageId"] == again["MessageId"]
    assert [message["Body"] for message in received] == ["1"]
    assert empty == {}
    assert dead[0]["Attributes"]["ApproximateReceiveCount"] == "2"
    sources = aws("list-dead-letter-source-queues", queue_url=dlq)
    assert sources["queueUrls"] == [queue]


def test_a_long_poll_gets_a_message_sent_later(aws, server, name):
    queue = Api(server, "query").create(name())

    waiting = aws.start("receive-message", queue_url=queue, wait_time_seconds="20")
    wait_for_long_polls(server, queue)
    aws("send-message", queue_url=queue, message_body="later")

    assert aws.finish(waiting)["Messages"][0]["Body"] == "later"


def test_tags_permissions_attributes_purge_and_pages(aws, server, name):
    prefix = name()
    urls = {Api(server, "query").create(f"{prefix}-{number}") for number in range(3)}
    queue = {"queue_url": min(urls)}
    account = {"aws_account_ids": "111122223333", "actions": "SendMessage"}

    first = aws.all(
        ("tag-queue", {**queue, "tags": {"a": "1", "b": "2"}}),
        ("add-permission", {**queue, "label": "l", **account}),
        ("set-queue-attributes", {**queue, "attributes": {"VisibilityTimeout": "7"}}),
        ("purge-queue", queue),
    )
    second = aws.all(
        ("untag-queue", {**queue, "tag_keys": "a"}),
        ("remove-permission", {**queue, "label": "l"}),
    )
    tags, wanted, listed = aws.all(
        ("list-queue-tags", queue),
        ("get-queue-attributes", {**queue, "attribute_names": "VisibilityTimeout"}),
        ("list-queues", {"queue_name_prefix": prefix, "page_size": "2"}),
    )

    assert first == [{}] * 4 and second == [{}] * 2
    assert tags["Tags"] == {"b": "2"}
    assert wanted["Attributes"] == {"VisibilityTimeout": "7"}
    assert set(listed["QueueUrls"]) == urls


def test_errors_by_code(aws):
    missing, odd = aws.all(
        ("get-queue-url", {"queue_name": "no-such"}),
        ("create-queue", {"queue_name": "not ok"}),
    )

    assert "An error occurred (AWS.SimpleQueueService.NonExistentQueue)" in missing
    assert "An error occurred (InvalidParameterValue)" in odd

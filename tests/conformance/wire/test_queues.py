"""Creating, finding, listing, describing and deleting queues (specification section 4)."""

import json

import pytest

STANDARD = {
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
FIFO = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoQueue": "true",
    "FifoThroughputLimit": "perQueue",
}
TIMES = {"CreatedTimestamp", "LastModifiedTimestamp"}


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])
def test_defaults(api, name, fifo):
    queue_name = name(".fifo" if fifo else "")
    queue = api.create(queue_name, **({"FifoQueue": "true"} if fifo else {}))

    found = api.attributes(queue)

    expected = {**STANDARD, **(FIFO if fifo else {})}
    assert found.pop("QueueArn").endswith(f":000000000000:{queue_name}")
    assert {found.pop(time).isdecimal() for time in TIMES} == {True}
    assert found == expected


def test_no_attribute_names_means_no_attributes(api, name):
    queue = api.create(name())

    assert api.call("GetQueueAttributes", QueueUrl=queue) == {}


def test_returns_every_attribute_that_was_set(api, name):
    policy = {"Version": "2012-10-17", "Statement": []}
    wanted = {
        "DelaySeconds": "900",
        "MaximumMessageSize": "1024",
        "MessageRetentionPeriod": "1209600",
        "ReceiveMessageWaitTimeSeconds": "20",
        "VisibilityTimeout": "43200",
        "RedriveAllowPolicy": '{"redrivePermission":"denyAll"}',
        "Policy": json.dumps(policy),
        "KmsMasterKeyId": "alias/aws/sqs",
        "KmsDataKeyReusePeriodSeconds": "86400",
    }
    queue = api.create(name())

    api.call("SetQueueAttributes", QueueUrl=queue, Attributes=wanted)

    found = api.attributes(queue)
    for key in ("Policy", "RedriveAllowPolicy"):
        assert json.loads(found.pop(key)) == json.loads(wanted.pop(key))
    assert {key: found[key] for key in wanted} == wanted
    assert found["SqsManagedSseEnabled"] == "false"


def test_an_empty_kms_key_is_unset_and_sse_stays_off(api, name):
    queue = api.create(name(), KmsMasterKeyId="alias/aws/sqs")

    api.call("SetQueueAttributes", QueueUrl=queue, Attributes={"KmsMasterKeyId": ""})

    found = api.attributes(queue)
    assert "KmsMasterKeyId" not in found
    assert found["SqsManagedSseEnabled"] == "false"


def test_refuses_both_kinds_of_encryption(api, name):
    error = api.error(
        "CreateQueue",
        QueueName=name(),
        Attributes={"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/aws/sqs"},
    )

    assert (error.status, error.code) == (400, "InvalidAttributeName")
    assert error.message == (
        "You can use one type of server-side encryption (SSE) at one time. "
        "You can either enable KMS SSE or SQS SSE."
    )


@pytest.mark.parametrize(
    "attribute, value",
    [
        ("DelaySeconds", "901"),
        ("DelaySeconds", "-1"),
        ("DelaySeconds", "soon"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", ""),
        ("KmsDataKeyReusePeriodSeconds", "59"),
        ("Policy", "not json"),
    ],
)
def test_refuses_values_out_of_range_and_changes_nothing(api, name, attribute, value):
    queue = api.create(name())
    before = api.attributes(queue)

    error = api.error(
        "SetQueueAttributes",
        QueueUrl=queue,
        Attributes={"VisibilityTimeout": "7", attribute: value},
    )

    assert (error.status, error.code) == (400, "InvalidAttributeValue")
    assert api.attributes(queue) == before


@pytest.mark.parametrize("attribute", ["Foobar", "QueueArn", "ApproximateNumberOfMessages"])
def test_refuses_to_set_unknown_and_read_only_attributes(api, name, attribute):
    queue = api.create(name())

    error = api.error("SetQueueAttributes", QueueUrl=queue, Attributes={attribute: "1"})

    assert (error.status, error.code) == (400, "InvalidAttributeName")
    assert error.message == f"Unknown Attribute {attribute}."


def test_refuses_to_get_an_unknown_attribute(api, name):
    queue = api.create(name())

    error = api.error("GetQueueAttributes", QueueUrl=queue, AttributeNames=["Foobar"])

    assert (error.code, error.message) == ("InvalidAttributeName", "Unknown Attribute Foobar.")


@pytest.mark.parametrize("bad", ["", "x" * 81, "with space", "dots.in.it", "ünicode", "a/b"])
def test_refuses_bad_names(api, bad):
    error = api.error("CreateQueue", QueueName=bad)

    assert error.status == 400
    if bad:
        assert error.code == "InvalidParameterValue"
        assert error.message == (
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def test_a_fifo_name_needs_the_attribute_and_the_attribute_needs_the_name(api, name):
    without_attribute = api.error("CreateQueue", QueueName=name(".fifo"))
    without_suffix = api.error(
        "CreateQueue", QueueName=name(), Attributes={"FifoQueue": "true"}
    )

    assert without_attribute.message == (
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    )
    assert without_suffix.message == (
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
        "underscores, must end with .fifo suffix and be 1 to 80 in length"
    )
    assert without_attribute.code == without_suffix.code == "InvalidParameterValue"


def test_the_suffix_counts_in_the_80_characters(api, name):
    fits = name("-").ljust(75, "x") + ".fifo"

    assert api.create(fits, FifoQueue="true").endswith(fits)
    error = api.error("CreateQueue", QueueName="x" + fits, Attributes={"FifoQueue": "true"})
    assert error.code == "InvalidParameterValue"


@pytest.mark.parametrize(
    "attribute, message",
    [
        ("FifoQueue", "Unknown Attribute FifoQueue."),
        ("ContentBasedDeduplication", "Unknown Attribute ContentBasedDeduplication."),
        (
            "DeduplicationScope",
            "You can specify the DeduplicationScope only when FifoQueue is set to true.",
        ),
        (
            "FifoThroughputLimit",
            "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
        ),
    ],
)
def test_fifo_attributes_are_refused_on_a_standard_queue(api, name, attribute, message):
    values = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
    value = values.get(attribute, "true")
    if attribute == "FifoQueue":
        queue = api.create(name())
        error = api.error("SetQueueAttributes", QueueUrl=queue, Attributes={attribute: value})
    else:
        error = api.error("CreateQueue", QueueName=name(), Attributes={attribute: value})

    assert (error.status, error.code, error.message) == (400, "InvalidAttributeName", message)


def test_the_type_of_a_fifo_queue_cannot_change(api, name):
    queue = api.create(name(".fifo"), FifoQueue="true")

    error = api.error("SetQueueAttributes", QueueUrl=queue, Attributes={"FifoQueue": "false"})

    assert error.code == "InvalidAttributeValue"
    assert error.message == (
        "Invalid value for the parameter FifoQueue. "
        "Reason: Modifying queue type is not supported."
    )


def test_creating_again_returns_the_same_url_when_the_given_attributes_agree(api, name):
    queue_name = name()
    queue = api.create(queue_name, VisibilityTimeout="5", DelaySeconds="1")

    assert api.create(queue_name) == queue
    assert api.create(queue_name, VisibilityTimeout="5") == queue
    assert api.create(queue_name, tags={"other": "tags"}) == queue


def test_creating_again_is_compared_with_the_current_attributes(api, name):
    queue_name = name()
    queue = api.create(queue_name, VisibilityTimeout="5")
    api.call("SetQueueAttributes", QueueUrl=queue, Attributes={"VisibilityTimeout": "6"})

    error = api.error(
        "CreateQueue", QueueName=queue_name, Attributes={"VisibilityTimeout": "5"}
    )

    assert api.create(queue_name, VisibilityTimeout="6") == queue
    assert (error.status, error.code) == (400, "QueueAlreadyExists")
    assert error.message == (
        "A queue already exists with the same name and a different value for "
        "attribute VisibilityTimeout"
    )
    if api.protocol == "json":
        assert error.shape == "com.amazonaws.sqs#QueueNameExists"


def test_set_attributes_changes_the_modification_time(api, name):
    queue = api.create(name())

    api.call("SetQueueAttributes", QueueUrl=queue, Attributes={"DelaySeconds": "1"})

    found = api.attributes(queue)
    assert int(found["LastModifiedTimestamp"]) >= int(found["CreatedTimestamp"])
    assert len(found["CreatedTimestamp"]) == 10


def test_a_deleted_queue_is_gone_and_can_be_made_again(api, name):
    queue_name = name()
    queue = api.create(queue_name)
    api.send(queue, "lost with the queue")

    api.call("DeleteQueue", QueueUrl=queue)

    assert api.error("GetQueueUrl", QueueName=queue_name).code.endswith("NonExistentQueue")
    assert api.error("DeleteQueue", QueueUrl=queue).code.endswith("NonExistentQueue")
    assert api.receive(api.create(queue_name)) == []


def test_lists_by_prefix_in_pages(api, name):
    prefix = name()
    urls = {api.create(f"{prefix}-{number}") for number in range(7)}
    api.create(f"other-{prefix}")

    pages, token = [], None
    while not pages or token:
        more = {"NextToken": token} if token else {}
        page = api.call("ListQueues", QueueNamePrefix=prefix, MaxResults=3, **more)
        pages.append(page["QueueUrls"])
        token = page.get("NextToken")

    assert [len(page) for page in pages] == [3, 3, 1]
    assert {url for page in pages for url in page} == urls


def test_an_exact_fit_has_no_next_token(api, name):
    prefix = name()
    for number in range(2):
        api.create(f"{prefix}-{number}")

    page = api.call("ListQueues", QueueNamePrefix=prefix, MaxResults=2)

    assert len(page["QueueUrls"]) == 2
    assert "NextToken" not in page


def test_without_a_page_size_there_is_never_a_next_token(api, name):
    prefix = name()
    for number in range(3):
        api.create(f"{prefix}-{number}")

    page = api.call("ListQueues", QueueNamePrefix=prefix)

    assert len(page["QueueUrls"]) == 3
    assert "NextToken" not in page


def test_the_prefix_is_case_sensitive_and_no_match_has_no_urls(api, name):
    prefix = name("-Case")
    api.create(prefix)

    assert api.call("ListQueues", QueueNamePrefix=prefix.lower()) == {}


@pytest.mark.parametrize("size", [0, 1001])
def test_refuses_page_sizes_out_of_range(api, size):
    error = api.error("ListQueues", MaxResults=size)

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message == (
        "Value for parameter MaxResults is invalid. "
        "Reason: MaxResults must be an integer between 1 and 1000."
    )


def test_dead_letter_source_queues_come_in_pages(api, name):
    prefix = name()
    dlq = api.create(f"{prefix}-dlq")
    redrive = json.dumps({"deadLetterTargetArn": api.arn(dlq), "maxReceiveCount": 2})
    sources = {api.create(f"{prefix}-{n}", RedrivePolicy=redrive) for n in range(3)}

    first = api.call("ListDeadLetterSourceQueues", QueueUrl=dlq, MaxResults=2)
    second = api.call(
        "ListDeadLetterSourceQueues", QueueUrl=dlq, MaxResults=2, NextToken=first["NextToken"]
    )

    assert len(first["QueueUrls"]) == 2
    assert "NextToken" not in second
    assert set(first["QueueUrls"] + second["QueueUrls"]) == sources


def test_accepts_every_form_of_queue_url(api, name):
    queue_name = name()
    api.create(queue_name)
    forms = [
        queue_name,
        f"/{queue_name}",
        f"/000000000000/{queue_name}",
        f"http://elsewhere:1234/000000000000/{queue_name}",
        f"https://sqs.eu-west-1.amazonaws.com/123456789012/{queue_name}",
        f"http://localhost:9324/queue/{queue_name}",
        f"http://localhost:9324/{queue_name}",
        f"http://localhost/context/path/000000000000/{queue_name}",
    ]

    for form in forms:
        api.send(form, form)

    found = api.attributes(queue_name, "ApproximateNumberOfMessages")
    assert found == {"ApproximateNumberOfMessages": str(len(forms))}


def test_purge_drops_visible_delayed_and_in_flight_messages(api, name):
    queue = api.create(name())
    api.send(queue, "in flight")
    handle = api.receive(queue)[0]["ReceiptHandle"]
    api.send(queue, "visible")
    api.send(queue, "delayed", DelaySeconds=900)

    api.call("PurgeQueue", QueueUrl=queue)

    found = api.attributes(queue)
    assert {found[key] for key in found if key.startswith("ApproximateNumber")} == {"0"}
    api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)
    api.call("PurgeQueue", QueueUrl=queue)


def test_counts_messages_by_state_exactly(api, name):
    queue = api.create(name())
    for number in range(6):
        api.send(queue, f"visible {number}")
    for number in range(2):
        api.send(queue, f"delayed {number}", DelaySeconds=900)
    taken = api.receive(queue, MaxNumberOfMessages=3)

    found = api.attributes(queue)

    assert len(taken) == 3
    assert found["ApproximateNumberOfMessages"] == "3"
    assert found["ApproximateNumberOfMessagesNotVisible"] == "3"
    assert found["ApproximateNumberOfMessagesDelayed"] == "2"

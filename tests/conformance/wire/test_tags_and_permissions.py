"""Tags and the Policy that AddPermission builds (specification section 4.3)."""

import json

import pytest


def tags(api, queue):
    return api.call("ListQueueTags", QueueUrl=queue)


def test_tags_are_case_sensitive_overwritten_and_may_be_empty(api, name):
    queue = api.create(name(), tags={"team": "shop", "Team": "other"})

    api.call("TagQueue", QueueUrl=queue, Tags={"team": "ops", "empty": ""})

    assert tags(api, queue) == {"Tags": {"team": "ops", "Team": "other", "empty": ""}}


def test_untagging_the_last_tag_leaves_no_tags_member(api, name):
    queue = api.create(name(), tags={"ünï": "😀 <&>"})
    assert tags(api, queue) == {"Tags": {"ünï": "😀 <&>"}}

    api.call("UntagQueue", QueueUrl=queue, TagKeys=["ünï", "absent"])

    assert tags(api, queue) == {}


def test_refuses_tagging_with_nothing(api, name):
    queue = api.create(name())

    tagging = api.error("TagQueue", QueueUrl=queue, Tags={})
    untagging = api.error("UntagQueue", QueueUrl=queue, TagKeys=[])

    assert tagging.code == "MissingParameter"
    assert tagging.message == "The request must contain the parameter Tags."
    if api.protocol == "query":  # which cannot tell an empty list from none
        assert untagging.code in ("MissingParameter", "InvalidParameterValue")
        return
    assert untagging.code == "InvalidParameterValue"
    assert untagging.message == "Tag keys must be between 1 and 128 characters in length."


def test_a_queue_has_fifty_tags_at_most(api, name):
    queue = api.create(name(), tags={f"k{number}": "v" for number in range(50)})

    error = api.error("TagQueue", QueueUrl=queue, Tags={"k50": "v"})
    api.call("TagQueue", QueueUrl=queue, Tags={"k49": "w"})

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert error.message.startswith("Too many tags added for queue ")
    assert len(tags(api, queue)["Tags"]) == 50


def test_keys_of_tags_that_aws_reserves_are_refused(api, name):
    queue = api.create(name())

    error = api.error("TagQueue", QueueUrl=queue, Tags={"aws:x": "v"})

    assert (error.status, error.code) == (400, "InvalidParameterValue")
    assert tags(api, queue) == {}


def add(api, queue, label, accounts, actions):
    api.call(
        "AddPermission", QueueUrl=queue, Label=label, AWSAccountIds=accounts, Actions=actions
    )


def policy(api, queue):
    found = api.attributes(queue, "Policy")
    return json.loads(found["Policy"]) if found else None


def test_permissions_build_the_policy(api, name):
    queue = api.create(name())
    arn = api.arn(queue)

    add(api, queue, "one", ["111122223333"], ["SendMessage"])
    add(api, queue, "two", ["111122223333", "444455556666"], ["ReceiveMessage", "*"])

    assert policy(api, queue) == {
        "Version": "2008-10-17",
        "Id": f"{arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "one",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "SQS:SendMessage",
                "Resource": arn,
            },
            {
                "Sid": "two",
                "Effect": "Allow",
                "Principal": {
                    "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]
                },
                "Action": ["SQS:ReceiveMessage", "SQS:*"],
                "Resource": arn,
            },
        ],
    }


def test_removing_the_last_permission_removes_the_policy(api, name):
    queue = api.create(name())
    add(api, queue, "one", ["111122223333"], ["SendMessage"])
    add(api, queue, "two", ["111122223333"], ["SendMessage"])

    api.call("RemovePermission", QueueUrl=queue, Label="one")
    assert [statement["Sid"] for statement in policy(api, queue)["Statement"]] == ["two"]
    api.call("RemovePermission", QueueUrl=queue, Label="two")

    assert policy(api, queue) is None


def permission_error(api, queue, label="one", accounts=("111122223333",), actions=("*",)):
    return api.error(
        "AddPermission",
        QueueUrl=queue,
        Label=label,
        AWSAccountIds=list(accounts),
        Actions=list(actions),
    )


def test_refuses_a_label_twice_and_an_unknown_label(api, name):
    queue = api.create(name())
    add(api, queue, "one", ["111122223333"], ["SendMessage"])

    twice = permission_error(api, queue)
    unknown = api.error("RemovePermission", QueueUrl=queue, Label="missing")

    assert twice.code == unknown.code == "InvalidParameterValue"
    assert twice.message == (
        "Value one for parameter Label is invalid. Reason: Already exists."
    )
    assert unknown.message == (
        "Value missing for parameter Label is invalid. Reason: can't find label."
    )


def test_refuses_unknown_and_too_many_actions(api, name):
    queue = api.create(name())

    unknown = permission_error(api, queue, actions=["Dance"])
    many = permission_error(api, queue, actions=["SendMessage"] * 8)

    assert unknown.code == "InvalidParameterValue"
    assert unknown.message == (
        "Value SQS:Dance for parameter ActionName is invalid. "
        "Reason: Please refer to the appropriate WSDL for a list of valid actions. "
    )
    assert (many.status, many.code) == (403, "OverLimit")
    assert many.message == "8 Actions were found, maximum allowed is 7."


@pytest.mark.parametrize("left_out", ["accounts", "actions"])
def test_refuses_a_permission_without_accounts_or_actions(api, name, left_out):
    queue = api.create(name())

    error = permission_error(api, queue, **{left_out: []})

    assert (error.status, error.code) == (400, "MissingParameter")

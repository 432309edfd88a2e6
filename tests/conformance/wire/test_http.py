"""What goes over the wire around an action: headers, framing, both encodings (sections 1, 15)."""

import json
import re
import socket

import pytest
from wire import FORM_TYPE, JSON_TYPE, NAMESPACE, Api, bare, json_request, query_request, request

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_QUEUE = {"QueueUrl": "no-such-queue"}


@pytest.fixture
def json_api(server):
    return Api(server, "json")


@pytest.fixture
def query_api(server):
    return Api(server, "query")


def test_json_replies_carry_their_headers(server):
    first = json_request(server, "ListQueues", {})
    second = json_request(server, "ListQueues", {})

    assert first.headers["Content-Type"] == JSON_TYPE
    assert int(first.headers["Content-Length"]) == len(first.body)
    assert first.headers["Date"].endswith(" GMT")
    assert UUID.fullmatch(first.headers["x-amzn-RequestId"])
    assert first.headers["x-amzn-RequestId"] != second.headers["x-amzn-RequestId"]


def test_query_replies_carry_their_headers(server):
    reply = query_request(server, {"Action": "ListQueues", "Version": "2012-11-05"})

    assert reply.headers["Content-Type"].partition(";")[0] == "text/xml"
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert UUID.fullmatch(reply.headers["x-amzn-RequestId"])


def test_json_errors_name_both_codes(server):
    reply = json_request(server, "GetQueueAttributes", NO_QUEUE)

    assert reply.status == 400
    assert reply.headers["Content-Type"] == JSON_TYPE
    assert reply.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert reply.json() == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }


def test_xml_errors_have_the_full_envelope(server):
    reply = query_request(server, {"Action": "GetQueueAttributes", **NO_QUEUE})

    root = reply.xml()
    assert reply.status == 400
    assert root.tag == f"{NAMESPACE}ErrorResponse"
    assert [bare(child) for child in root] == ["Error", "RequestId"]
    fields = {bare(field): field.text for field in root[0]}
    assert fields["Type"] == "Sender"
    assert fields["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert fields["Message"] == "The specified queue does not exist for this wsdl version."
    assert root[1].text == reply.headers["x-amzn-RequestId"]


@pytest.mark.parametrize("target", ["AmazonSQS.Dance", "AmazonSQS.", "Other.SendMessage"])
def test_an_unknown_json_action_is_named(server, target):
    reply = request(
        server, "POST", "/", "{}", {"Content-Type": JSON_TYPE, "X-Amz-Target": target}
    )

    assert reply.status == 400
    assert reply.json()["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_an_unknown_query_action_is_named(query_api):
    error = query_api.error("Dance")

    assert (error.status, error.code) == (400, "InvalidAction")
    assert error.message == "The action Dance is not valid for this endpoint."


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_queue_url_without_an_action_is_not_found(server, name, method):
    queue_name = name()
    Api(server, "json").create(queue_name)

    reply = request(server, method, f"/000000000000/{queue_name}")

    assert reply.status == 404
    assert b"<UnknownOperationException/>" in reply.body


@pytest.mark.parametrize("action", ["ListQueues", "CreateQueue"])
def test_a_queue_url_does_not_offer_actions_on_all_queues(server, query_api, name, action):
    queue_name = name()
    query_api.create(queue_name)

    reply = query_request(
        server, {"Action": action, "QueueName": "x"}, path=f"/000000000000/{queue_name}"
    )

    error = query_api.error_of(reply)
    assert (error.status, error.code) == (400, "InvalidAction")
    assert error.message == f"The action {action} is not valid for this endpoint."


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_query_requests_may_go_to_the_queue_url(server, query_api, name, method):
    queue_name = name()
    query_api.create(queue_name)
    params = {"Action": "SendMessage", "MessageBody": "to the url & more", "Version": "2012-11-05"}

    reply = query_request(server, params, f"/000000000000/{queue_name}", method)

    assert reply.status == 200
    assert query_api.receive(queue_name)[0]["Body"] == "to the url & more"


def test_the_queue_url_parameter_wins_over_the_path(server, query_api, name):
    one, two = name(), name()
    query_api.create(one)
    query_api.create(two)

    query_request(
        server,
        {"Action": "SendMessage", "MessageBody": "x", "QueueUrl": two},
        path=f"/000000000000/{one}",
    )

    assert query_api.receive(one) == []
    assert len(query_api.receive(two)) == 1


def test_body_and_url_parameters_are_merged_and_the_body_wins(server, query_api, name):
    queue_name = name()
    query_api.create(queue_name)

    reply = query_request(
        server,
        {"MessageBody": "from the body"},
        path=f"/?Action=SendMessage&QueueUrl={queue_name}&MessageBody=from+the+url",
    )

    assert reply.status == 200
    assert query_api.receive(queue_name)[0]["Body"] == "from the body"


def test_json_may_go_to_the_queue_url(server, json_api, name):
    queue_name = name()
    queue = json_api.create(queue_name)

    reply = json_request(
        server,
        "SendMessage",
        {"QueueUrl": queue, "MessageBody": "x"},
        path=f"/000000000000/{queue_name}",
    )

    assert reply.status == 200


def test_a_form_without_a_content_type_is_still_a_form(server):
    reply = request(server, "POST", "/", "Action=ListQueues&Version=2012-11-05")

    assert reply.status == 200
    assert reply.xml().tag == f"{NAMESPACE}ListQueuesResponse"


@pytest.mark.parametrize("content_type", [f"{FORM_TYPE}; charset=utf-8", FORM_TYPE.upper()])
def test_a_form_type_may_have_a_charset(server, content_type):
    reply = query_request(server, {"Action": "ListQueues"}, headers={"Content-Type": content_type})

    assert reply.status == 200


def test_json_1_1_and_any_case_of_header_names_are_tolerated(server):
    reply = request(
        server,
        "POST",
        "/",
        "{}",
        {
            "content-type": "application/x-amz-json-1.1",
            "x-AMZ-target": "AmazonSQS.ListQueues",
        },
    )

    assert reply.status == 200


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"QueueName":', "\xff\xfe", '"text"'])
def test_broken_json_is_a_client_error(server, body):
    reply = json_request(server, "CreateQueue", body.encode("latin-1"))

    assert reply.status == 400
    assert reply.json()["__type"]
    assert reply.headers["x-amzn-query-error"].endswith(";Sender")


def test_null_is_absent_and_numbers_may_be_strings(server, json_api, name):
    queue = json_api.create(name())
    json_api.send(queue, "x")

    reply = json_request(
        server,
        "ReceiveMessage",
        {"QueueUrl": queue, "MaxNumberOfMessages": "10", "VisibilityTimeout": None},
    )

    assert len(reply.json()["Messages"]) == 1


def test_unknown_members_are_ignored(json_api, name):
    assert json_api.call("CreateQueue", QueueName=name(), Surprise={"a": [1]})["QueueUrl"]


def test_an_empty_receive_has_an_empty_element(query_api, name):
    queue = query_api.create(name())

    reply = query_api.reply("ReceiveMessage", {"QueueUrl": queue})

    (result, _) = reply.xml()
    assert bare(result) == "ReceiveMessageResult"
    assert len(result) == 0 and not result.text


def test_carriage_returns_are_escaped_in_xml(query_api, name):
    queue = query_api.create(name())
    query_api.send(queue, "a\r\nb\t<&>\"'")

    raw = query_api.reply("ReceiveMessage", {"QueueUrl": queue}).body

    assert b"a&#13;" in raw or b"a&#xD;" in raw.replace(b"&#xd;", b"&#xD;")
    assert b"\r" not in raw
    assert b"&lt;&amp;&gt;" in raw


@pytest.mark.parametrize(
    "params",
    [
        {"AttributeName": "VisibilityTimeout"},
        {"AttributeName.1": "VisibilityTimeout"},
        {"AttributeName.7": "VisibilityTimeout"},
        {"AttributeName.member.1": "VisibilityTimeout"},
    ],
)
def test_every_numbering_of_query_lists_is_understood(server, query_api, name, params):
    queue = query_api.create(name())

    reply = query_request(server, {"Action": "GetQueueAttributes", "QueueUrl": queue, **params})

    assert b"<Name>VisibilityTimeout</Name>" in reply.body
    assert b"DelaySeconds" not in reply.body


def test_a_name_without_number_and_value_is_an_empty_list(server, query_api, name):
    """As aws-sdk v2 writes one."""
    queue = {"QueueUrl": query_api.create(name())}

    none = query_request(server, {"Action": "GetQueueAttributes", **queue, "AttributeName": ""})
    batch = query_request(
        server, {"Action": "SendMessageBatch", **queue, "SendMessageBatchRequestEntry": ""}
    )

    assert none.status == 200 and b"<Attribute>" not in none.body
    assert query_api.error_of(batch).code == "AWS.SimpleQueueService.EmptyBatchRequest"


def test_query_lists_are_ordered_by_number(server, query_api, name):
    queue = query_api.create(name())
    entry = "SendMessageBatchRequestEntry"
    params = {}
    for number in (10, 2, 1):
        params[f"{entry}.{number}.Id"] = str(number)
        params[f"{entry}.{number}.MessageBody"] = str(number)

    query_request(server, {"Action": "SendMessageBatch", "QueueUrl": queue, **params})

    received = query_api.receive(queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in received] == ["1", "2", "10"]


def test_void_actions_answer_200_with_nothing_or_an_empty_object(json_api, name):
    queue = json_api.create(name())

    reply = json_api.reply("PurgeQueue", {"QueueUrl": queue})

    assert reply.status == 200
    assert reply.body in (b"", b"{}")


def test_a_json_batch_without_success_still_has_the_list(json_api, name):
    queue = json_api.create(name())
    bad = [{"Id": "a", "ReceiptHandle": "garbage"}]

    result = json_api.call("DeleteMessageBatch", QueueUrl=queue, Entries=bad)
    good = json_api.call(
        "SendMessageBatch", QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "x"}]
    )

    assert result["Successful"] == []
    assert "Failed" not in good


def test_missing_parameters_are_named(api):
    for action, parameter in (
        ("CreateQueue", "QueueName"),
        ("GetQueueUrl", "QueueName"),
        ("SendMessage", "QueueUrl"),
        ("StartMessageMoveTask", "SourceArn"),
        ("CancelMessageMoveTask", "TaskHandle"),
    ):
        error = api.error(action)
        assert (error.status, error.code) == (400, "MissingParameter")
        assert error.message == f"The request must contain the parameter {parameter}."


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_as_elasticmq_has_it(server, method):
    reply = request(server, method, "/health")

    assert reply.status == 200
    assert reply.body == (b"OK" if method == "GET" else b"")


def exchange(server, *pieces, until_close=True):
    """Sends raw bytes, one piece after the other has been answered or taken."""
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def raw_request(server, action, body, extra=b"", framing=None):
    length = b"Content-Length: %d\r\n" % len(body) if framing is None else framing
    return (
        b"POST / HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: %s\r\nX-Amz-Target: AmazonSQS.%s\r\n"
        % (server.host.encode(), server.port, JSON_TYPE.encode(), action.encode())
    ) + length + extra + b"\r\n"


def test_chunked_bodies(server, name):
    body = json.dumps({"QueueName": name()}).encode()
    head = raw_request(
        server,
        "CreateQueue",
        body,
        b"Connection: close\r\n",
        b"Transfer-Encoding: chunked\r\n",
    )
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    answer = exchange(server, head, chunks)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"QueueUrl" in answer


def test_expect_100_continue(server, name):
    body = json.dumps({"QueueName": name()}).encode()
    extra = b"Expect: 100-continue\r\nConnection: close\r\n"
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.sendall(raw_request(server, "CreateQueue", body, extra))
        interim = connection.recv(65536)
        connection.sendall(body)
        answer = b""
        while data := connection.recv(65536):
            answer += data

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_kept_and_reused(server):
    import http.client

    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": "AmazonSQS.ListQueues"}
    connection.request("POST", "/", "{}", headers)
    connection.getresponse().read()
    first = connection.sock
    for _ in range(20):
        connection.request("POST", "/", "{}", headers)
        assert connection.getresponse().read()

    assert connection.sock is first and first is not None
    connection.close()


def test_http_1_0_is_answered_and_closed(server):
    answer = exchange(server, b"GET /health HTTP/1.0\r\n\r\n")

    assert answer.split(b" ", 2)[1] == b"200"
    assert answer.endswith(b"OK")


def test_queue_urls_follow_the_host_the_client_used(server, name):
    reply = json_request(
        server, "CreateQueue", {"QueueName": name()}, headers={"Host": f"localhost:{server.port}"}
    )

    assert reply.json()["QueueUrl"].startswith(f"http://localhost:{server.port}/000000000000/")


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_requests_that_a_browser_page_could_forge_are_refused(server, headers, status):
    reply = query_request(server, {"Action": "ListQueues"}, headers=headers)

    assert reply.status == status

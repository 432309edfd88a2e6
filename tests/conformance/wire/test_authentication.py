"""SigV4 (specification section 13): the vectors, and a server that checks keys."""

import datetime
import json
import re

import pytest
import sigv4
from wire import NAMESPACE, request

BODY = b'{"QueueUrl": "http://127.0.0.1:9324/000000000000/q1", "MessageBody": "hello"}'
DATE = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def test_our_own_signer_agrees_with_the_header_vector():
    headers = sigv4.sign(
        "POST",
        "/",
        "",
        {
            "content-type": "application/x-amz-json-1.0",
            "host": "127.0.0.1:9324",
            "x-amz-target": "AmazonSQS.SendMessage",
        },
        BODY,
        DATE,
    )

    assert headers["authorization"].endswith(
        "Signature=e9cfa084956afc0aeb393f23b79a37acc2ac99a6c240cd9c4787425bc17c4950"
    )


def test_our_own_signer_agrees_with_the_presigned_vector():
    query = sigv4.presign(
        "GET",
        "/000000000000/q1",
        {"Action": "ReceiveMessage", "Version": "2012-11-05"},
        "127.0.0.1:9324",
        DATE,
    )

    assert query.endswith(
        "X-Amz-Signature=001ff6be327a07fe38b7c12e07e0f10a7d9f65e6dd1d8fb860c50e74d393cd3a"
    )


@pytest.fixture
def call(signed_server):
    """Sends one JSON request; `tamper` may change the signed headers before it goes out."""

    def send(action, params, tamper=None, **signing):
        body = json.dumps(params).encode()
        headers = sigv4.sign(
            "POST",
            "/",
            "",
            {
                "content-type": "application/x-amz-json-1.0",
                "host": f"{signed_server.host}:{signed_server.port}",
                "x-amz-target": f"AmazonSQS.{action}",
            },
            body,
            **signing,
        )
        if tamper:
            tamper(headers)
        return request(signed_server, "POST", "/", body, headers)

    return send


def refused(reply, status, code):
    assert (reply.status, reply.headers["x-amzn-query-error"]) == (status, f"{code};Sender")
    assert reply.json()["__type"].endswith(f"#{code}")
    return reply.json()["message"]


def test_a_good_signature_is_served(call):
    assert call("ListQueues", {}).status == 200
    assert call("ListQueues", {}, region="eu-central-1").status == 200


def test_refuses_a_session_token_because_the_keys_have_none(signed_server):
    headers = sigv4.sign(
        "POST",
        "/",
        "",
        {
            "content-type": "application/x-amz-json-1.0",
            "host": f"{signed_server.host}:{signed_server.port}",
            "x-amz-security-token": "token",
            "x-amz-target": "AmazonSQS.ListQueues",
        },
        b"{}",
    )

    refused(request(signed_server, "POST", "/", b"{}", headers), 403, "InvalidClientTokenId")


def test_refuses_requests_without_a_signature(call):
    refused(
        call("ListQueues", {}, lambda headers: headers.pop("authorization")),
        403,
        "MissingAuthenticationToken",
    )


def test_refuses_an_unknown_key(call):
    message = refused(
        call("ListQueues", {}, key="AKIDUNKNOWN"), 403, "InvalidClientTokenId"
    )
    assert message == "The security token included in the request is invalid."


def test_refuses_a_wrong_secret(call):
    refused(call("ListQueues", {}, secret="wrong"), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "change",
    [
        {"x-amz-target": "AmazonSQS.CreateQueue"},
        {"content-type": "application/x-amz-json-1.1"},
    ],
)
def test_refuses_a_signed_header_that_was_changed(call, change):
    refused(
        call("ListQueues", {"QueueName": "x"}, lambda headers: headers.update(change)),
        403,
        "SignatureDoesNotMatch",
    )


@pytest.mark.parametrize("part", ["Signature=[0-9a-f]+", "SignedHeaders=[^,]+, ", "Credential="])
def test_refuses_an_incomplete_signature(call, part):
    def cut(headers):
        headers["authorization"] = re.sub(part, "", headers["authorization"])

    refused(call("ListQueues", {}, cut), 400, "IncompleteSignature")


@pytest.mark.parametrize("hours", [-1, 1])
def test_refuses_a_clock_that_is_far_off(call, hours):
    reply = call("ListQueues", {}, date=sigv4.now() + datetime.timedelta(hours=hours))

    code = reply.headers["x-amzn-query-error"].partition(";")[0]
    assert (reply.status, code) in {(403, "SignatureDoesNotMatch"), (400, "RequestExpired")}


def test_an_unsigned_query_request_is_refused_in_xml(signed_server):
    reply = request(signed_server, "GET", "/?Action=ListQueues&Version=2012-11-05")

    assert reply.status == 403
    code = reply.xml().find(f"{NAMESPACE}Error/{NAMESPACE}Code")
    assert code.text == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    "tamper, status",
    [
        (lambda query: query, 200),
        (lambda query: query.replace("ListQueues", "CreateQueue"), 403),
        (lambda query: query[:-1] + ("0" if query[-1] != "0" else "1"), 403),
    ],
    ids=["untouched", "other action", "other signature"],
)
def test_presigned_urls(signed_server, tamper, status):
    params = {"Action": "ListQueues", "QueueNamePrefix": "a b/~ü", "Version": "2012-11-05"}
    host = f"{signed_server.host}:{signed_server.port}"

    query = tamper(sigv4.presign("GET", "/", params, host))

    assert request(signed_server, "GET", f"/?{query}").status == status


def test_an_expired_presigned_url_is_refused(signed_server):
    params = {"Action": "ListQueues", "Version": "2012-11-05"}
    date = sigv4.now() - datetime.timedelta(seconds=61)
    query = sigv4.presign(
        "GET", "/", params, f"{signed_server.host}:{signed_server.port}", date, expires=60
    )

    assert request(signed_server, "GET", f"/?{query}").status in (400, 403)


def test_the_health_endpoint_needs_no_signature(signed_server):
    assert request(signed_server, "GET", "/health").status == 200


def test_without_keys_any_signature_is_accepted(server):
    reply = request(
        server,
        "POST",
        "/",
        b"{}",
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.ListQueues",
            "Authorization": "AWS4-HMAC-SHA256 nonsense",
        },
    )

    assert reply.status == 200

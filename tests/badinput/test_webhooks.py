"""Requests that somebody else made, or made again: the receivers of examples/http take none of them;
that they take those of a worker is in tests/e2e/test_examples.py. Every item of handlers.jsonl with this
surface has a test here; http_handler_test.cpp tries the verifier of the C++ library with the same."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import time

import pytest
from command_line import tranter
from handler_items import inputs, titled
from server import REPO

ITEMS = inputs("webhook-signature")
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
EXAMPLES = REPO / "examples/http"
RECEIVERS = {
    "node": ["node", EXAMPLES / "server.mjs"],
    "python": [sys.executable, EXAMPLES / "server.py"],
}
BODY = json.dumps({"id": "1", "type": "invoice.paid", "payload": {"invoice": 17}}).encode()
SECRETS = ["WHSIG-009", "WHSIG-010"]


def signature(identity, timestamp, body, secret=SECRET):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(identity="msg_1", timestamp=None, signed=None):
    timestamp = str(int(time.time())) if timestamp is None else timestamp
    signed = signature(identity, timestamp, BODY) if signed is None else signed
    return {"webhook-id": identity, "webhook-timestamp": timestamp, "webhook-signature": signed}


@pytest.fixture(scope="module", params=RECEIVERS)
def post(request):
    """Posts the body to a receiver and returns the status."""
    process = subprocess.Popen(
        [str(word) for word in RECEIVERS[request.param]],
        env={"PATH": os.environ["PATH"], "PORT": "0", "WEBHOOK_SECRET": SECRET},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    port = int(process.stdout.readline().rpartition(" ")[2])

    def post(fields, body=BODY):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
        connection.request("POST", "/jobs", body, fields)
        status = connection.getresponse().status
        connection.close()
        assert process.poll() is None
        return status

    yield post
    process.kill()
    process.communicate()


def in_minutes(minutes):
    return str(int(time.time()) + 60 * minutes)


# what is sent for an item
FORGED = {
    "WHSIG-002": lambda: headers(timestamp=in_minutes(10)),
    "WHSIG-003": lambda: headers(timestamp="abc"),
    "WHSIG-004": lambda: headers(signed=""),
    "WHSIG-005": lambda: headers(signed="v1,AAAA"),
    "WHSIG-006": lambda: headers(signed=signature("msg_1", in_minutes(0), b"other")),
    "WHSIG-007": lambda: headers(signed="v2" + headers()["webhook-signature"][2:]),
    "WHSIG-008": lambda: headers(signed="v1,AAAA " * 1000 + headers()["webhook-signature"]),
}


def test_a_genuine_request_is_taken(post):
    assert post(headers()) == 200
    rotated = signature("msg_1", in_minutes(0), BODY, "whsec_" + "QUFB" * 8)
    assert post(headers(signed=f"{rotated} {headers()['webhook-signature']}")) == 200


@pytest.mark.parametrize("item", FORGED, ids=titled)
def test_a_forged_request_is_refused(item, post):
    assert post(FORGED[item]()) == 401
    assert post(headers()) == 200


def test_other_forgeries_are_refused(post):
    for forged in (
        headers(timestamp=in_minutes(-10)),
        headers(timestamp="-1"),
        headers(timestamp="9" * 400),
        headers(identity=""),
        {},
        headers() | {"webhook-id": "msg_2"},
    ):
        assert post(forged) == 401, forged
    assert post(headers(), BODY.replace(b"17", b"18")) == 401


@pytest.mark.parametrize("item", SECRETS, ids=titled)
def test_a_worker_takes_no_weak_secret(item, tmp_path):
    weak = {"WHSIG-009": SECRET.removeprefix("whsec_"), "WHSIG-010": "whsec_QUFBQUFBQUE="}
    secret = weak[item]
    config = tmp_path / "tranter.toml"
    config.write_text(
        '[handlers.x]\nhttp = "https://example.com/"\nsecrets = ["${WEBHOOK_SECRET}"]\n'
    )

    refused = tranter("work", "--config", str(config), env={"WEBHOOK_SECRET": secret})

    assert refused.code == 2
    assert "secret" in refused.err and secret.removeprefix("whsec_") not in refused.err


def test_no_item_is_forgotten():
    assert sorted([*FORGED, *SECRETS]) == sorted(ITEMS)

"""Hostile clients of the admin port: guessers of tokens, and bodies made to be expensive."""

import http.client
import json
import time

import pytest
from server import Server

TOKEN = "0123456789abcdef0123"
HOSTILE_SECONDS = 4


@pytest.fixture(scope="module")
def server():
    with Server(config=f'[admin]\ntoken = "{TOKEN}"\n') as running:
        yield running


def ask(server, method, path, body=None, token=TOKEN, headers=None):
    connection = http.client.HTTPConnection(server.admin_host, server.admin_port, timeout=30)
    headers = dict(headers or {})
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def test_guessing_tokens_is_slowed_down_and_locks_nobody_out(server):
    statuses = [ask(server, "GET", "/v1/queues", token=f"x{i}")[0] for i in range(500)]

    assert set(statuses) == {401, 429}
    assert statuses.count(401) < 100
    assert ask(server, "GET", "/metrics", token="x")[0] == 429
    assert ask(server, "GET", "/v1/queues")[0] == 200
    assert ask(server, "GET", "/livez", token=None)[0] == 200


def test_no_path_of_the_api_is_open(server):
    document = json.loads(ask(server, "GET", "/v1/openapi.json")[1])
    for path, methods in document["paths"].items():
        for method in methods:
            status, text = ask(server, method.upper(), path, token=None)
            assert status == 401, (method, path)
            assert json.loads(text)["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"type":"t","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"t","' + b"a" * 2_000_000 + b'":1}',
        b"{" + b",".join(b'"k%d":1' % i for i in range(100_000)) + b"}",
        b'{"type":"t","tags":[' + b",".join([b'"x"'] * 100_000) + b"]}",
        b'{"type":"t","priority":' + b"9" * 1_000_000 + b"}",
        b'{"type":"t","delay":"' + b"9" * 1_000_000 + b's"}',
        b'{"type":"\xff"}',
        b'{"type":"t"}{"type":"t"}',
        b'{"type":"t","type":"u"}',
    ],
    ids=["arrays", "deep", "long name", "many names", "tags", "digits", "delay", "utf-8", "two",
         "twice"],
)
def test_bodies_made_to_be_expensive_are_refused_at_once(server, body):
    begun = time.monotonic()

    answers = [
        ask(server, "POST", "/v1/queues/hostile/jobs", body),
        ask(server, "PUT", "/v1/schedules/hostile", body),
        ask(server, "POST", "/v1/scheduled-jobs", body),
    ]

    for status, text in answers:
        assert status == 400, text[:300]
        assert len(text) < 2_000
    assert time.monotonic() - begun < HOSTILE_SECONDS
    assert ask(server, "GET", "/v1/queues/hostile")[0] == 404


def test_names_in_paths_are_only_names(server):
    for name in ("..%2F..%2Fetc", "%00", "a%20b", "%0d%0aX-Injected:%201", "x" * 300):
        status, _ = ask(server, "POST", f"/v1/queues/{name}/jobs", b'{"type":"t"}')
        assert 400 <= status < 500, name
        assert ask(server, "POST", f"/v1/queues/{name}/pause")[0] in (400, 404, 501), name
        assert ask(server, "GET", f"/v1/jobs/{name}")[0] == 404, name

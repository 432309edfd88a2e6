"""Hostile requests, byte for byte: each gets the class of answer it should, quickly, and the server
goes on serving. requests.jsonl holds them with placeholders in double braces."""

import datetime
import json
import pathlib
import random
import re
import socket

import pytest
import sigv4
from server import Server
from wire import Api

HERE = pathlib.Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "requests.jsonl").read_text().splitlines()]
ADMIN_TOKEN = "0123456789abcdef0123"
ANSWER_SECONDS = 30  # longer counts as a hang, with sanitizers on a busy machine too
SIGNED = "content-type;host;x-amz-date;x-amz-target"


@pytest.fixture(scope="module")
def plain():
    config = f'[admin]\ntoken = "{ADMIN_TOKEN}"\n'
    with Server(config=config) as server:
        prepare(server)
        yield server


@pytest.fixture(scope="module")
def closed():
    config = (
        '[auth]\nmode = "sigv4"\nregions = ["us-east-1"]\n'
        f'[auth.keys]\n{sigv4.KEY_ID} = "{sigv4.SECRET}"\n'
    )
    with Server(config=config) as server:
        yield server


def prepare(server):
    """Two queues and the receipt of one delivery."""
    api = Api(server, "json")
    for name, attributes in (("q1", {}), ("q1.fifo", {"FifoQueue": "true"})):
        api.call("CreateQueue", QueueName=name, Attributes=attributes)
    server.queue = f"{server.endpoint}/000000000000/q1"
    api.call("SendMessage", QueueUrl=server.queue, MessageBody="first")
    received = api.call("ReceiveMessage", QueueUrl=server.queue)
    server.receipt = received["Messages"][0]["ReceiptHandle"]


def flipped(receipt):
    return receipt[:10] + ("A" if receipt[10] != "A" else "B") + receipt[11:]


class Expansion:
    """Fills the placeholders of one case."""

    def __init__(self, case, server):
        self.case = case
        self.server = server
        self.now = sigv4.now()

    def request(self):
        head, separator, body = self.case["raw"].partition("\r\n\r\n")
        body = self.expand(body)
        self.body = body
        head = self.expand(head.replace("{{CL}}", str(len(body))))
        return head + separator.encode() + body

    def expand(self, text):
        out, position = b"", 0
        pattern = re.compile(r"\{\{(rep:(?:\\.|[^{}])*?:\d+|[^{}]*)\}\}", re.DOTALL)
        for found in pattern.finditer(text):
            out += text[position : found.start()].encode() + self.value(found[1])
            position = found.end()
        return out + text[position:].encode()

    def value(self, name):
        if name.startswith("rep:"):
            piece, _, count = name[4:].rpartition(":")
            return re.sub(r"\\(.)", r"\1", piece).encode() * int(count)
        if name.startswith("hex:"):
            return bytes.fromhex(name[4:])
        if name.startswith("rnd:"):
            return random.Random(self.case["id"]).randbytes(int(name[4:]))
        if name.startswith("AMZDATE"):
            return self.date(name[7:]).strftime("%Y%m%dT%H%M%SZ").encode()
        if name.startswith("SIG"):
            return self.signature(name).encode()
        server = self.server
        plain = {
            "HOST": f"{server.host}:{server.port}",
            "ADMIN": f"{server.admin_host}:{server.admin_port}",
            "QURL": getattr(server, "queue", ""),
            "FQURL": getattr(server, "queue", "") + ".fifo",
            "RH": getattr(server, "receipt", ""),
            "RHFLIP": flipped(getattr(server, "receipt", "x" * 38)),
            "DATE": self.now.strftime("%Y%m%d"),
            "TOK": ADMIN_TOKEN,
            "AUTH": "",
        }
        return plain[name].encode()

    def date(self, offset):
        return self.now + datetime.timedelta(seconds=int(offset or 0))

    def signature(self, name):
        """A right signature, but for what the placeholder says: date, region or signed headers."""
        kind, _, detail = name.partition("@")
        kind, _, signed = kind.partition(":")
        shifted = re.fullmatch(r"[+-]\d+", detail)
        date = self.date(detail if shifted else "")
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": f"{self.server.host}:{self.server.port}",
            "x-amz-date": date.strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-target": "AmazonSQS.ListQueues",
        }
        kept = {key: headers[key] for key in (signed or SIGNED).split(";")}
        # AUTH-015 changes the body after it was signed.
        body = b"{}" if self.case["id"] == "AUTH-015" else self.body
        region = None if shifted or not detail else detail
        proof = sigv4.sign("POST", "/", "", kept, body, date=date, region=region)["authorization"]
        value = proof.rpartition("Signature=")[2]
        return value.upper() if kind == "SIGUPPER" else value


def exchange(address, request):
    """(status, whole answer) or (None, b"") when the server closed without one."""
    with socket.create_connection(address, timeout=ANSWER_SECONDS) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before everything was sent: the answer says why
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return (int(found[1]) if found else None), answer


def code_of(answer):
    """Every name under which the answer tells its error."""
    text = answer.decode(errors="replace")
    names = re.findall(r'"__type":"[^"#]*#([^"]+)"', text)
    names += re.findall(r"x-amzn-query-error: ([^;\r]+)", text, re.IGNORECASE)
    names += re.findall(r"<Code>([^<]+)</Code>", text)
    return {name.removeprefix("AWS.SimpleQueueService.") for name in names} | {
        name.removesuffix("Exception") for name in names
    } | set(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['title']}")
def test_hostile_request(case, plain, closed):
    server = closed if case["auth"] else plain
    to_admin = "{{ADMIN}}" in case["raw"].partition("\r\n\r\n")[0]
    port = server.admin_port if to_admin else server.port
    expect = case["expect"]

    status, answer = exchange((server.host, port), Expansion(case, server).request())

    assert server.process.poll() is None, server.log()
    if expect["outcome"] in ("close", "timeout"):
        assert status is None or status in expect["status"], answer[:300]
    else:
        assert status in expect["status"], answer[:300]
    if status is not None and status >= 400 and "code" in expect:
        assert expect["code"] in code_of(answer), answer[:600]
    assert status is None or status < 500 or status in expect["status"]
    assert sigv4.SECRET.encode() not in answer
    if case["surface"] == "browser":
        assert b"access-control-allow" not in answer.lower()
    if case["id"] == "BROW-017":
        for header in (b"frame-ancestors 'none'", b"nosniff", b"no-referrer"):
            assert header in answer
    # It goes on serving.
    alive, _ = exchange(
        (server.host, server.port), f"GET /health HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    )
    assert alive == 200


def test_hostile_requests_leave_the_queues_as_they_were(plain):
    """Nothing of all that was sent from a foreign page arrived."""
    received = Api(plain, "json").call("ReceiveMessage", QueueUrl=plain.queue, MaxNumberOfMessages=10)
    assert "pwn" not in [message["Body"] for message in received.get("Messages", [])]

"""Clients that try to make the server keep much with little: nobody of them has to be known."""

import re
import socket

import pytest
from wire import Api

MIB = 1 << 20
BODY = 8 * MIB  # server.max_body, when nothing else is configured
# What one request of that size may cost at its peak, and all that have not arrived, with room for
# what sanitizers hold back. Without limits it was 700 to 1000 for the first, and as much as was sent
# for the second.
ONE_REQUEST_MIB = 600
ALL_BODIES_MIB = 900
CLIENTS = 250


@pytest.fixture
def server(own_server):
    server = own_server("--threads", "1")
    Api(server, "json").call("CreateQueue", QueueName="q")
    return server


def memory_mib(server, name):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{name}:\s+(\d+)", status.read())[1]) >> 10


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=30)


def request(server, action, body):
    return (
        f"POST / HTTP/1.1\r\nHost: {server.host}\r\nX-Amz-Target: AmazonSQS.{action}\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body.encode()


def ask(server, action, body):
    with connect(server) as client:
        client.sendall(request(server, action, body))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(65536)
    return answer.decode()


def filled(begin, item, end):
    """JSON of about the largest size, full of `item`."""
    count = (BODY - len(begin) - len(end)) // (len(item) + 1)
    return begin + ",".join([item] * count) + end


GREEDY = [
    ("SendMessageBatch", filled('{"QueueUrl":"q","Entries":[', "{}", "]}"), "TooManyEntries"),
    ("DeleteMessageBatch", filled('{"QueueUrl":"q","Entries":[', "{}", "]}"), "TooManyEntries"),
    (
        "ChangeMessageVisibilityBatch",
        filled('{"QueueUrl":"q","Entries":[', "{}", "]}"),
        "TooManyEntries",
    ),
    (
        "SendMessage",
        filled('{"QueueUrl":"q","MessageBody":"x","MessageAttributes":{', '"a":{}', "}}"),
        "SerializationException",
    ),
    (
        "ReceiveMessage",
        filled('{"QueueUrl":"q","MessageAttributeNames":[', '"n"', "]}"),
        "SerializationException",
    ),
]


@pytest.mark.parametrize(("action", "body", "code"), GREEDY, ids=[case[0] for case in GREEDY])
def test_a_request_full_of_nothing_costs_little_and_is_refused(server, action, body, code):
    before = memory_mib(server, "VmRSS")

    answer = ask(server, action, body)

    assert answer.startswith("HTTP/1.1 400 ")
    assert code in answer
    assert memory_mib(server, "VmHWM") - before < ONE_REQUEST_MIB


def test_a_long_poll_keeps_no_more_names_than_it_needs(server):
    names = ",".join(f'"name-{number}"' for number in range(1000))

    answer = ask(
        server,
        "ReceiveMessage",
        f'{{"QueueUrl":"q","WaitTimeSeconds":20,"MessageAttributeNames":[{names}]}}',
    )

    assert answer.startswith("HTTP/1.1 400 ")
    assert "InvalidParameterValue" in answer


def test_bodies_that_never_end_have_a_share_of_the_memory_and_others_go_on(server):
    before = memory_mib(server, "VmRSS")
    head = f"POST / HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: {BODY}\r\n\r\n".encode()
    piece = b"x" * MIB
    clients = [connect(server) for _ in range(CLIENTS)]
    for client in clients:
        try:
            client.sendall(head)
            for _ in range(7):
                client.sendall(piece)
        except OSError:
            pass  # it was refused

    assert memory_mib(server, "VmRSS") - before < ALL_BODIES_MIB
    with connect(server) as refused:
        try:
            refused.sendall(head + piece)
        except OSError:
            pass
        answer = refused.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert Api(server, "json").call("GetQueueUrl", QueueName="q")["QueueUrl"]
    for client in clients:
        client.close()

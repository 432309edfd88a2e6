"""Clients that vanish, wait, flood or half-close."""

import json
import socket
import struct

import pytest
from metrics import long_polls, wait_for_long_polls
from waiting import Background, eventually
from wire import JSON_TYPE, Api


@pytest.fixture
def api(server):
    return Api(server, "json")


def raw(server, action, params):
    body = json.dumps(params).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Type: {JSON_TYPE}\r\n"
        f"X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def poll_on_a_socket(server, queue, seconds=20):
    connection = socket.create_connection((server.host, server.port), timeout=30)
    connection.sendall(
        raw(server, "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": seconds})
    )
    return connection


def read_answer(connection):
    """One response with a Content-Length: status and body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        assert piece, f"closed after {received!r}"
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(
        line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
    )
    while len(body) < int(headers["content-length"]):
        piece = connection.recv(65536)
        assert piece, "closed inside a body"
        body += piece
    return int(head.split(b" ")[1]), body


def close_politely(connection):
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("leave", [close_politely, reset])
def test_a_consumer_that_left_takes_no_message_with_it(api, server, name, leave):
    """Many times, because what can go wrong is a race between the close and the send."""
    for number in range(30):
        queue = api.create(name(), VisibilityTimeout="600")
        gone = poll_on_a_socket(server, queue)
        wait_for_long_polls(server, queue)
        leave(gone)

        api.send(queue, str(number))
        (message,) = api.receive(queue, WaitTimeSeconds=5, AttributeNames=["All"])

        assert message["Body"] == str(number)
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_consumer_that_left_is_forgotten(api, server, name):
    queue = api.create(name())
    connections = [poll_on_a_socket(server, queue) for _ in range(10)]
    wait_for_long_polls(server, queue, 10)

    for connection in connections:
        connection.close()

    eventually(lambda: long_polls(server, queue) == 0)


def test_a_client_that_half_closes_is_still_answered(api, server, name):
    queue = api.create(name())
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.sendall(raw(server, "SendMessage", {"QueueUrl": queue, "MessageBody": "x"}))
        connection.shutdown(socket.SHUT_WR)

        status, body = read_answer(connection)

    assert status == 200
    assert json.loads(body)["MD5OfMessageBody"] == "9dd4e461268c8034f5c8564e155c67a6"


def test_a_long_poll_of_a_half_closed_client_ends_at_once(api, server, name):
    """It cannot be told from a client that left, so no message is kept for it."""
    queue = api.create(name())
    with poll_on_a_socket(server, queue) as connection:
        wait_for_long_polls(server, queue)
        connection.shutdown(socket.SHUT_WR)

        assert read_answer(connection) == (200, b"{}")


def test_a_request_in_single_bytes_is_understood(api, server, name):
    queue = api.create(name())
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in raw(server, "SendMessage", {"QueueUrl": queue, "MessageBody": "x"}):
            connection.sendall(bytes([byte]))

        assert read_answer(connection)[0] == 200


def test_pipelined_requests_are_answered_in_order(api, server, name):
    queue = api.create(name())
    requests = b"".join(
        raw(server, "SendMessage", {"QueueUrl": queue, "MessageBody": str(n)}) for n in range(5)
    )
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.sendall(requests)
        received = b""
        while received.count(b"MD5OfMessageBody") < 5:
            piece = connection.recv(65536)
            assert piece
            received += piece

    assert received.count(b"HTTP/1.1 200") == 5
    messages = api.receive(queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in messages] == ["0", "1", "2", "3", "4"]


def test_500_long_polls_get_one_message_each(api, server, name):
    queue = api.create(name())
    connections = [poll_on_a_socket(server, queue) for _ in range(500)]
    wait_for_long_polls(server, queue, 500)

    for first in range(0, 500, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(first, first + 10)]
        api.call("SendMessageBatch", QueueUrl=queue, Entries=entries)
    answers = [read_answer(connection) for connection in connections]

    assert {status for status, _ in answers} == {200}
    bodies = [message["Body"] for _, body in answers for message in json.loads(body)["Messages"]]
    assert sorted(bodies, key=int) == [str(n) for n in range(500)]
    assert max(len(json.loads(body)["Messages"]) for _, body in answers) == 1
    for connection in connections:
        connection.close()


def test_16_connections_send_and_everything_arrives_once(api, server, name):
    queue = api.create(name())
    each, senders = 100, 16

    def send(sender):
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            for number in range(each):
                params = {"QueueUrl": queue, "MessageBody": f"{sender}/{number}"}
                connection.sendall(raw(server, "SendMessage", params))
                assert read_answer(connection)[0] == 200

    def receive():
        bodies = []
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            while True:
                params = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
                connection.sendall(raw(server, "ReceiveMessage", params))
                messages = json.loads(read_answer(connection)[1]).get("Messages", [])
                if not messages and sending_is_over():
                    return bodies
                bodies += [message["Body"] for message in messages]

    sending = [Background(send, sender) for sender in range(senders)]
    over = []

    def sending_is_over():
        return bool(over)

    receiving = [Background(receive) for _ in range(4)]
    for sender in sending:
        sender.result(60)
    over.append(True)
    received = [body for receiver in receiving for body in receiver.result(60)]

    assert len(received) == each * senders
    assert set(received) == {f"{s}/{n}" for s in range(senders) for n in range(each)}

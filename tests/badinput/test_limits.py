"""Clients that are slow, many or gone. Deadlines are shortened by configuration."""

import resource
import selectors
import socket

import pytest
from metrics import wait_for_long_polls
from wire import Api

LONG_POLLS = 2000
IDLE_CONNECTIONS = 5000


@pytest.fixture(autouse=True)
def many_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=30)


def read_to_end(client):
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def healthy(server):
    with connect(server) as client:
        client.sendall(f"GET /health HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n".encode())
        return read_to_end(client).startswith(b"HTTP/1.1 200 ")


def test_slow_001_headers_that_never_end_are_cut_from_the_first_byte_on(own_server):
    server = own_server(config='[server]\nheader_timeout = "1s"\n')
    clients = [connect(server) for _ in range(500)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    # Drip into one of them: further bytes must not move its deadline.
    dripping = clients[0]
    dripping.settimeout(0.2)
    answer = b""
    for _ in range(100):
        try:
            dripping.sendall(b"X-a: b\r\n")
            piece = dripping.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        answer += piece
        if not piece:
            break
    else:
        pytest.fail("the connection was never cut")

    for client in clients[1:]:
        assert read_to_end(client)[:12] in (b"", b"HTTP/1.1 408")
        client.close()
    dripping.close()
    assert healthy(server)


def test_slow_004_thousands_of_idle_connections_leave_room_for_more(own_server):
    server = own_server()
    clients = [connect(server) for _ in range(IDLE_CONNECTIONS)]
    request = f"GET /health HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    for client in clients:
        client.sendall(request)
    for client in clients:
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")

    assert healthy(server)
    for client in clients:
        client.close()


def test_slow_004_connections_over_the_limit_are_refused_and_accepting_goes_on(own_server):
    server = own_server(config="[server]\nmax_connections = 10\n")
    request = f"GET /health HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    kept = [connect(server) for _ in range(10)]
    for client in kept:
        client.sendall(request)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")

    with connect(server) as refused:
        assert read_to_end(refused)[:12] in (b"HTTP/1.1 503", b"")

    for client in kept:
        client.close()
    for _ in range(100):
        if healthy(server):
            break
    else:
        pytest.fail("no connection was accepted after others closed")


def test_slow_005_a_flood_of_long_polls_is_answered_one_message_each(own_server):
    server = own_server()
    api = Api(server, "json")
    url = api.call("CreateQueue", QueueName="q")["QueueUrl"]
    body = b'{"QueueUrl":"q","WaitTimeSeconds":20}'
    request = (
        f"POST / HTTP/1.1\r\nHost: {server.host}\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    clients = [connect(server) for _ in range(LONG_POLLS)]
    selector = selectors.DefaultSelector()
    for client in clients:
        client.sendall(request)
        selector.register(client, selectors.EVENT_READ)
    wait_for_long_polls(server, url, LONG_POLLS)

    for number in range(20):
        api.call("SendMessage", QueueUrl=url, MessageBody=f"m{number}")

    answered = 0
    while answered < 20:
        for key, _ in selector.select(timeout=10) or pytest.fail("messages went to nobody"):
            answer = key.fileobj.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b'"MessageId"') == 1
            selector.unregister(key.fileobj)
            answered += 1
    assert answered == 20
    assert healthy(server)
    for client in clients:
        client.close()

"""How the server starts, stops and refuses to start."""

import http.client
import signal
import socket
import subprocess

import pytest
from metrics import wait_for_long_polls
from server import Server, binary
from waiting import Background, eventually
from wire import Api, request


def long_poll(server, queue):
    return Background(
        Api(server, "json").reply, "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_during_long_polls_answers_them_and_exits_0(own_server, number):
    server = own_server()
    queue = Api(server, "json").create("q")
    polls = [long_poll(server, queue) for _ in range(20)]
    wait_for_long_polls(server, queue, 20)

    server.signal(number)

    for poll in polls:
        reply = poll.result(10)
        assert (reply.status, reply.json()) == (200, {})
    assert server.wait(10) == 0


def test_a_stop_with_nothing_to_do_exits_0(own_server):
    server = own_server()

    server.signal(signal.SIGTERM)

    assert server.wait(10) == 0


def test_a_stop_is_not_held_up_by_idle_connections(own_server):
    server = own_server()
    silent = socket.create_connection((server.host, server.port))
    used = http.client.HTTPConnection(server.host, server.port)
    used.request("GET", "/health")
    used.getresponse().read()

    server.signal(signal.SIGTERM)

    assert server.wait(10) == 0
    silent.close()
    used.close()


def refuses_connections(server):
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it closed meanwhile
        return True
    return False


def test_a_second_signal_exits_at_once(own_server):
    """A request that is half sent holds the first signal up, and must not hold the second."""
    server = own_server()
    slow = socket.create_connection((server.host, server.port))
    slow.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    assert request(server, "GET", "/health").status == 200
    server.signal(signal.SIGTERM)
    eventually(lambda: refuses_connections(server))

    server.signal(signal.SIGTERM)

    server.wait(2)
    slow.close()


def test_two_servers_on_one_port_say_so(own_server):
    first = own_server()

    second = subprocess.run(
        [binary(), "serve", "--sqs", f"127.0.0.1:{first.port}", "--admin", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert second.returncode == 1
    assert str(first.port) in second.stderr
    assert "in use" in second.stderr.lower()
    assert request(first, "GET", "/health").status == 200


def test_refuses_to_listen_to_the_world_without_keys():
    refused = subprocess.run(
        [binary(), "serve", "--sqs", "0.0.0.0:0", "--admin", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert refused.returncode == 2
    assert "--insecure" in refused.stderr


def test_listens_on_ipv6_loopback():
    with Server("--sqs", "[::1]:0", "--admin", "[::1]:0", listen=False) as server:
        assert server.host == "::1"
        assert request(server, "GET", "/health").status == 200


def test_says_once_that_everything_is_in_memory(own_server):
    server = own_server("--log-format", "logfmt")
    server.signal(signal.SIGTERM)
    server.wait()

    assert server.log().lower().count("in memory") == 1

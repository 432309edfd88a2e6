"""What is deleted does not stay in memory."""

import json
import socket

from wire import JSON_TYPE, Api


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Connection:
    """A kept connection with as little Python per request as possible."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), timeout=30)
        self.reader = self.socket.makefile("rb")
        self.host = f"{server.host}:{server.port}"

    def call(self, action, params):
        body = json.dumps(params).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: {JSON_TYPE}\r\n"
            f"X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        status = self.reader.readline()
        length = 0
        while (line := self.reader.readline()) != b"\r\n":
            key, _, value = line.partition(b":")
            if key.lower() == b"content-length":
                length = int(value)
        answer = self.reader.read(length)
        assert status.startswith(b"HTTP/1.1 200"), (status, answer)
        return json.loads(answer) if answer else {}


def cycle(connection, queue, rounds, body):
    for _ in range(rounds):
        entries = [{"Id": str(n), "MessageBody": body} for n in range(10)]
        connection.call("SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
        received = connection.call(
            "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10}
        )["Messages"]
        handles = [
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
            for n, message in enumerate(received)
        ]
        done = connection.call("DeleteMessageBatch", {"QueueUrl": queue, "Entries": handles})
        assert len(done["Successful"]) == 10


def test_100000_messages_sent_and_deleted_leave_nothing_behind(own_server):
    server = own_server()
    queue = Api(server, "json").create("q")
    connection = Connection(server)
    cycle(connection, queue, 500, "x" * 1000)
    before = resident_kib(server.pid)

    cycle(connection, queue, 10_000, "x" * 1000)

    assert resident_kib(server.pid) < before + 16 * 1024
    assert resident_kib(server.pid) < 64 * 1024
    server.stop()

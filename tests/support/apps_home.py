"""`tranter up` in a home of its own, and what it leaves behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import textwrap

from command_line import clean_environment, tranter
from local_machine import free_port, lives, processes_with
from server import binary
from waiting import eventually

SECONDS = 90


class AppsHome:
    """Commands run in `folder`, with a home next to it."""

    def __init__(self, path):
        self.home = path / "h"
        self.folder = path / "project"
        self.folder.mkdir()
        self.sqs, self.admin = free_port(), free_port()
        self.env = {"TRANTER_HOME": str(self.home), "HOME": str(path)}

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        path.chmod(mode)
        return path

    def write_config(self, text):
        """A tranter.toml whose ports nobody else has."""
        return self.write(
            "tranter.toml",
            f"""\
            [server]
            sqs = "127.0.0.1:{self.sqs}"
            admin = "127.0.0.1:{self.admin}"
            data = "{self.home}/data"
            """
            + "\n[worker]\nhealth = \"127.0.0.1:0\"\nqueues = [\"default\"]\nlease = \"2s\"\n\n"
            + textwrap.dedent(text),
        )

    def run(self, *words, code=0, env=None, seconds=SECONDS):
        outcome = tranter(
            *words, env={**self.env, **(env or {})}, cwd=self.folder, seconds=seconds
        )
        if code is not None:
            assert outcome.code == code, (words, outcome, self.daemon_log())
        return outcome

    def popen(self, *words, before=(), **options):
        return subprocess.Popen(
            [*before, str(binary()), *words],
            env=clean_environment(**self.env),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            **options,
        )

    def ask(self, call, **more):
        """One call of the control protocol."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(SECONDS)
            one.connect(str(self.home / "daemon.sock"))
            one.sendall(json.dumps({"id": 1, "call": call, **more}).encode() + b"\n")
            answer = json.loads(one.makefile().readline())
            assert "ok" in answer, answer
            return answer["ok"]

    def instances(self, app=None):
        return [one for one in self.ask("instances") if app in (None, one["id"]["app"])]

    def instance(self, app):
        (one,) = self.instances(app)
        return one

    def until_replaced(self, instance):
        """Another process of the same instance is ready."""

        def is_new():
            (now,) = [one for one in self.instances() if one["id"] == instance["id"]]
            return now["state"] == "ready" and now["pid"] != instance["pid"]

        eventually(is_new, seconds=60)

    def daemon_pid(self):
        return self.ask("daemon")["pid"]

    def log(self, name):
        path = self.home / "logs" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def daemon_log(self):
        path = self.home / "daemon.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def processes(self):
        """All that have this home in their environment: the daemon, keepers, apps."""
        return [pid for pid in processes_with(f"TRANTER_HOME={self.home}") if lives(pid)]

    def check_nothing_left(self):
        eventually(lambda: not self.processes(), seconds=30)
        assert not (self.home / "daemon.sock").exists()

    def clean_up(self):
        """However the test ended."""
        for _ in range(100):
            left = self.processes()
            if not left:
                return
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

"""Runs `tranter work` as a process of its own."""

import json
import os
import signal
import subprocess
import textwrap
import urllib.error
import urllib.request

from command_line import clean_environment
from server import binary


class WorkerProcess:
    """Works in `folder` as `config` says; `health` is an address, empty when it did not start.
    Its log goes to `log_path`, to which several may append, or else comes back from end().
    `before` are words that run the command after them, in the same process."""

    def __init__(
        self, folder, provider, config, *flags, env=None, log_path=None, before=(), user=None
    ):
        path = folder / "tranter.toml"
        path.write_text(textwrap.dedent(config))
        ready, told = os.pipe()
        log = open(log_path, "ab") if log_path else None
        self.process = subprocess.Popen(
            [*before, binary(), "work", "--config", str(path), "--health", "127.0.0.1:0"]
            + ["--ready-fd", str(told), *flags],
            env=clean_environment(TRANTER_URL=provider, **(env or {})),
            pass_fds=[told],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=log or subprocess.PIPE,
            user=user,
        )
        if log:
            log.close()
        os.close(told)
        with os.fdopen(ready) as line:
            self.health = line.readline().split("health=")[-1].strip()

    @property
    def pid(self):
        return self.process.pid

    def get(self, path):
        """Status and text."""
        try:
            with urllib.request.urlopen(f"http://{self.health}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def attempts(self):
        """How many have ended, by outcome."""
        return json.loads(self.get("/health")[1])["attempts"]

    def end(self, number=signal.SIGTERM):
        """Exit code and log."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, (log or b"").decode()

    def kill(self):
        self.process.kill()
        self.process.communicate()

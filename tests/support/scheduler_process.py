"""Runs `tranter schedule` or `tranter timers` as a process of its own."""

import contextlib
import os
import signal
import subprocess
import urllib.error
import urllib.request

from command_line import clean_environment
from server import binary


class SchedulerProcess:
    """Enqueues at `provider` what is due in `store` (None: `env` says where); has begun to when it is
    made. `health` is where it tells how it is."""

    def __init__(
        self, provider, store, *flags, role="schedule", folder=None, env=None, log=subprocess.PIPE
    ):
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [binary(), role, "--provider", provider, "--ready-fd", str(told)]
            + (["--store", store] if store else [])
            + ([] if "--health" in flags else ["--health", "127.0.0.1:0"])
            + [*flags],
            env=clean_environment(**(env or {})),
            pass_fds=[told],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        os.close(told)
        with os.fdopen(ready) as line:
            told = line.readline().strip()
        self.began = told.startswith("READY scheduler=")
        self.health = told.rpartition(" health=")[2]

    def get(self, path, **headers):
        """Status and text."""
        request = urllib.request.Request(f"http://{self.health}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def end(self, number=signal.SIGTERM):
        """Exit code, and the log unless it goes elsewhere."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, (log or b"").decode()


@contextlib.contextmanager
def started_schedulers():
    """Makes SchedulerProcesses, which have begun then, and kills what is left of them."""
    started = []

    def start(*arguments, **options):
        started.append(SchedulerProcess(*arguments, **options))
        assert started[-1].began, started[-1].end()
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)

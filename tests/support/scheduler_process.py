"""Runs `tranter schedule` or `tranter timers` as a process of its own."""

import os
import signal
import subprocess

from command_line import clean_environment
from server import binary


class SchedulerProcess:
    """Enqueues at `provider` what is due in `store` (None: `env` says where); has begun to when it is
    made."""

    def __init__(
        self, provider, store, *flags, role="schedule", folder=None, env=None, log=subprocess.PIPE
    ):
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [binary(), role, "--provider", provider, "--ready-fd", str(told)]
            + (["--store", store] if store else [])
            + [*flags],
            env=clean_environment(**(env or {})),
            pass_fds=[told],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        os.close(told)
        with os.fdopen(ready) as line:
            self.began = line.readline().startswith("READY scheduler=")

    def end(self, number=signal.SIGTERM):
        """Exit code, and the log unless it goes elsewhere."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, (log or b"").decode()

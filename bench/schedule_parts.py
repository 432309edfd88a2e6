"""What the benchmarks of schedules start: stores, schedulers, and BullMQ and pg-boss."""

import json
import os
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import jobs
import settings
from servers import (BENCH, PATIENCE_SECONDS, POSTGRES, DataDirectory, Missing, Server, binary,
                     node)

REDIS = {"Redis, appendfsync always": "appendfsync always", "Redis, no persistence": "in memory"}
STORES = ["SQLite", "PostgreSQL"]
FIGURES_SECONDS = 400  # a process that has not found them by then never will


class Store:
    """An empty store of schedules. Use it in a `with`."""

    def __init__(self, kind):
        self._stack = ExitStack()
        self.server = None
        if kind == "PostgreSQL":
            self.server = self._stack.enter_context(Server("PostgreSQL", pinned=False))
            self.url = f"postgres://postgres@127.0.0.1:{self.server.port}/postgres"
        else:
            self.url = f"file:{self._stack.enter_context(DataDirectory())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()


def vacuum(server):
    subprocess.run([f"{POSTGRES}/vacuumdb", "-q", "--analyze", "-h", "127.0.0.1", "-p",
                    str(server.port), "-U", "postgres", "postgres"], check=True)


def tree_of(pid):
    """The process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


class Process:
    """A program that runs until it is stopped, or says the figures that it has found. Use it in a
    `with`."""

    def __init__(self, words):
        self._process = subprocess.Popen([*settings.PRIORITY, *words], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        if self._process.stdout.readline() != "ready\n":
            self.__exit__()
            raise RuntimeError(f"{' '.join(words)} did not become ready")

    def figures(self):
        end = threading.Timer(FIGURES_SECONDS, self._process.kill)
        end.start()
        output = self._process.stdout.readline()
        end.cancel()
        if not output:
            raise RuntimeError(f"{' '.join(self._process.args)} ended without figures")
        return json.loads(output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)


class Role:
    """A running `tranter schedule` or `tranter timers`. Use it in a `with`."""

    def __init__(self, name, store, provider):
        read, write = os.pipe()
        words = [binary("tranter"), name, "--store", store.url, "--provider", provider,
                 "--log-level", "warn", "--ready-fd", str(write)]
        self._process = subprocess.Popen([*settings.PRIORITY, *words], stdin=subprocess.DEVNULL,
                                         pass_fds=[write])
        self.pid = self._process.pid
        os.close(write)
        with os.fdopen(read) as notice:
            if not notice.readline().startswith("READY"):
                raise RuntimeError(f"tranter {name} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)


def ours(mode, *words):
    return jobs.run_json([binary("schedule_bench"), mode, *map(str, words)], pinned=False)


class Peer:
    """BullMQ or pg-boss over its server."""

    def __init__(self, name):
        module, script, *self._options = PEERS[name]
        if not (BENCH / "node_modules" / module).is_dir():
            raise Missing(f"{module} is not installed (npm ci in bench/)")
        self.server_name = REDIS_OF.get(name, "PostgreSQL")
        self._script = str(BENCH / script)

    def words(self, server, mode, *words):
        return [node(), self._script, mode, str(server.port), *map(str, words), *self._options]

    def run(self, server, mode, *words):
        return jobs.run_json(self.words(server, mode, *words), pinned=False)


PEERS = {
    **{f"BullMQ 6, {level}": ("bullmq", "bullmq_schedules.mjs") for level in REDIS.values()},
    "pg-boss 12, as it comes": ("pg-boss", "pgboss_schedules.mjs"),
    "pg-boss 12, a pass every second": ("pg-boss", "pgboss_schedules.mjs", "pass=1"),
}
REST_PEERS = ["BullMQ 6, in memory", "pg-boss 12, as it comes"]
REDIS_OF = {f"BullMQ 6, {level}": name for name, level in REDIS.items()}

"""A data directory and the servers that run on it, one after another."""

import os
import pathlib
import signal
import subprocess
import time

from checker import check
from history import History
from server import Server, binary
from traffic import Traffic, create_queues, drain

# Longer runs than in CI: a factor for the number of rounds, and where the random choices begin.
FACTOR = float(os.environ.get("TRANTER_DURABILITY_FACTOR", "1"))
SEED = int(os.environ.get("TRANTER_DURABILITY_SEED", "1"))
ARTIFACTS = pathlib.Path(os.environ.get("TRANTER_DURABILITY_ARTIFACTS", "/tmp"))

SMALL_SEGMENTS = '[server]\nsegment_size = "1MiB"\n'

started = []  # servers; conftest.py ends what a test left


def rounds(number):
    return max(1, round(number * FACTOR))


class Store:
    def __init__(self, directory, *flags, durability="sync", config=SMALL_SEGMENTS):
        self.directory = pathlib.Path(directory)
        self.flags = ["--data", str(directory), "--durability", durability, *flags]
        self.config = config
        self.server = None

    def start(self, *flags, **environment):
        self.server = Server(*self.flags, *flags, config=self.config, env=environment)
        started.append(self.server)
        return self.server

    def start_to_die(self, environment):
        """The server, or None when it was killed before it was ready."""
        server = Server.__new__(Server)
        try:
            server.__init__(*self.flags, config=self.config, env=environment)
        except RuntimeError:
            if server.process.returncode != -signal.SIGKILL:
                raise
            server.directory.cleanup()
            return None
        self.server = server
        started.append(server)
        return server

    def start_and_kill(self, seconds):
        """A server that does not live long enough to be of use."""
        words = [binary(), "serve", "--sqs", "127.0.0.1:0", "--admin", "127.0.0.1:0", *self.flags]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            try:
                one.wait(seconds)
            except subprocess.TimeoutExpired:
                one.kill()
                return
        raise AssertionError(f"ended by itself with {one.returncode}")

    def refusal(self, *flags, user=None, program=None):
        """Exit code and what it said of a start that must not succeed."""
        words = [program or binary(), "serve", "--sqs", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        done = subprocess.run(
            [*words, *self.flags, *flags], capture_output=True, text=True, timeout=20, user=user
        )
        return done.returncode, done.stderr

    def kill(self):
        self.server.kill()
        self.server.directory.cleanup()

    def stop(self):
        self.server.stop()


class Trial:
    """Traffic against one store with accidents, and the judgement at its end."""

    def __init__(self, store, seed):
        self.store = store
        self.seed = seed
        self.history = History()
        self.traffic = Traffic(self.history, seed)
        self.starts = []

    def begin(self):
        create_queues(self.history, self.store.start())

    def round(self, kind, seconds, strike):
        """`strike` must leave no server behind; `kind` is kill or power."""
        accidents = []

        def struck():
            accidents.append(self.history.begin(kind))
            strike()

        self.traffic.run(self.store.server, seconds, struck)
        began = time.monotonic()
        self.store.start()
        self.starts.append(time.monotonic() - began)
        accidents[0].ok()

    def judge(self):
        """Empties all queues; AssertionError when anything is wrong."""
        drain(self.history, self.store.server)
        slowest = max(self.starts, default=0)
        note = f"{len(self.starts)} accidents, slowest start {slowest:.2f} s"
        judge(self.history, self.seed, note)


def judge(history, seed, note=""):
    violations = check(history)
    print(f"seed {seed}: {note}; {history.summary()}")
    if violations:
        path = ARTIFACTS / f"tranter-history-{seed}.jsonl"
        history.save(path)
        shown = "\n".join(str(one) for one in violations[:20])
        raise AssertionError(
            f"seed {seed}: {len(violations)} violations, history in {path}\n{shown}"
        )

"""Runs the tranter command line as a person or a script would, and reads what came of it."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
from dataclasses import dataclass

from server import binary

SECONDS = 30


def clean_environment(**more):
    """No credentials, no region and no endpoint of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **more}


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def tranter(*words, endpoint=None, stdin="", env=None, seconds=SECONDS, **options):
    """Runs to its end without a terminal. `endpoint` is a server or a URL."""
    variables = clean_environment(**(env or {}))
    if endpoint is not None:
        variables["TRANTER_SQS_URL"] = getattr(endpoint, "endpoint", endpoint)
    done = subprocess.run(
        [str(binary()), *words],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        timeout=seconds,
        **options,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def ok(*words, **options):
    """As tranter, and it has to succeed."""
    outcome = tranter(*words, **options)
    assert outcome.code == 0, outcome
    return outcome


def check_failure(outcome, code):
    """One line on stderr that says what was wrong, nothing on stdout, the right exit code."""
    assert outcome.code == code, outcome
    assert outcome.out == "", outcome
    assert outcome.err.startswith("tranter: "), outcome
    assert outcome.err.count("\n") == 1 and len(outcome.err) < 500, outcome
    assert "\x1b" not in outcome.err


def on_terminal(*words, endpoint, typed="", env=None, until=None):
    """Runs with a terminal of 100 columns for everything; returns exit code and what it showed.

    `typed` is entered once `until` was shown."""
    variables = clean_environment(TRANTER_SQS_URL=endpoint.endpoint, TERM="xterm", **(env or {}))
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [str(binary()), *words], stdin=terminal, stdout=terminal, stderr=terminal, env=variables
    )
    os.close(terminal)
    shown = b""
    try:
        while select.select([controller], [], [], SECONDS)[0]:
            try:
                piece = os.read(controller, 4096)
            except OSError:  # the last one closed the terminal
                break
            if not piece:
                break
            shown += piece
            if typed and until.encode() in shown:
                os.write(controller, typed.encode())
                typed = ""
        return process.wait(SECONDS), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def home_with(files):
    """A temporary home directory with these files, by relative path."""
    home = tempfile.TemporaryDirectory(prefix="tranter-home-")
    for name, text in files.items():
        path = os.path.join(home.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return home

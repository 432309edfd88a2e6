"""The machine that tests run on: its ports, and its processes wherever they went."""

import contextlib
import os
import pathlib
import socket


def free_port():
    """One that nobody has at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid):
    """What stands behind the name: state, parent and so on; a zombie is none any more."""
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields if fields[0] != "Z" else []
    return []


def lives(pid):
    return bool(_stat(pid))


def parent_of(pid):
    """0 when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def environment_of(pid):
    """As it was started with: b"NAME=value" each."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def processes_with(text):
    """Those that have this variable, given as "NAME=value"."""
    return [pid for pid in processes() if text.encode() in environment_of(pid)]

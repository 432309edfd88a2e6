"""Where the two C++ tools of this folder are, and how to use them from a test."""

import contextlib
import errno
import http.client
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from server import REPO
from waiting import eventually

import undo

TOOLS = pathlib.Path(os.environ.get("TRANTER_DURABILITY_TOOLS", REPO / "build/release/durability"))


def need_root(what):
    if os.geteuid() != 0:
        pytest.skip(f"{what} needs root")


def admin(server, path):
    """Status and text of a GET on the admin port."""
    connection = http.client.HTTPConnection(server.admin_host, server.admin_port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def small_disk(path, size):
    """A file system of so many bytes."""
    need_root("mounting a tmpfs")
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def free_bytes(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def leave_free(mount, free):
    """Takes space with a file of somebody else."""
    ballast = mount / "ballast"
    ballast.unlink(missing_ok=True)
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free_bytes(mount) - free)


def fill(mount):
    """As leave_free(mount, 0), while others write there too."""
    block = b"x" * 4096
    with open(mount / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


class CrashDisk:
    """A mounted crashfs. `directory` is a place for data on it that is durable itself."""

    def __init__(self):
        program = TOOLS / "crashfs"
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            pytest.skip("needs /dev/fuse, which is not here or not ours to use")
        if not program.exists():
            pytest.skip(f"needs {program}: install libfuse3-dev and build durability_tools")
        self._home = tempfile.TemporaryDirectory(prefix="tranter-crashfs-")
        self.mount = pathlib.Path(self._home.name)
        self._process = subprocess.Popen([program, "-f", self.mount], stderr=subprocess.PIPE)
        self._control = self.mount / ".control"
        eventually(self._is_up)
        self.directory = self.mount / "data"
        self.directory.mkdir()
        sync_directory(self.mount)

    def _is_up(self):
        assert self._process.poll() is None, self._process.stderr.read().decode()
        return self._control.exists()

    def control(self, command):
        self._control.write_text(command)

    def count(self, name):
        words = dict(word.split("=") for word in self._control.read_text().split())
        return int(words[name])

    def cut_power(self, seed=None):
        self.control("off" if seed is None else f"off torn {seed}")

    def power_on(self):
        self.control("on")

    def close(self):
        self._process.terminate()  # libfuse unmounts and ends
        self._process.wait(20)
        self._process.stderr.close()
        if os.path.ismount(self.mount):
            subprocess.run(["fusermount3", "-u", "-z", self.mount], check=True)
        self._home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def sync_directory(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LosingDirectory:
    """A directory that losewrites.so watches: gives the environment for a program, cuts the power
    after it was killed."""

    def __init__(self, home):
        self.directory = pathlib.Path(home) / "data"
        self.log = pathlib.Path(home) / "undo-log"
        self.directory.mkdir()

    def environment(self, kill_at=0):
        library = TOOLS / "losewrites.so"
        assert library.exists(), f"{library} is missing: build durability_tools"
        shutil.rmtree(self.log, ignore_errors=True)
        self.log.mkdir()
        return {
            "LD_PRELOAD": str(library),
            "LOSEWRITES_DIR": str(self.directory),
            "LOSEWRITES_LOG": str(self.log),
            "LOSEWRITES_KILL": str(kill_at),
        }

    def cut_power(self, seed=None):
        return undo.cut_power(self.directory, self.log, seed)

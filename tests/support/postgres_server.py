"""A server of PostgreSQL for the tests alone, on a socket in a temporary directory."""

import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from waiting import eventually

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")


def is_running(pid):
    """Neither gone nor waiting for somebody to ask how it ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


class PostgresServer:
    """Refuses to run as root, so root gives it to the user `postgres`."""

    def __init__(self, *settings, port=5432, data=None, initdb=()):
        """`port` is that of the socket too. Settings are NAME=VALUE, by which it may listen.
        `data` is a folder to be made in one that everybody may write to; `initdb` are more words
        for the program."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postgres-"))
        self.data = data or self.directory / "data"
        self.port = port
        # Not the machine but the server dies in tests, which costs nothing that was not synced.
        self.settings = ["listen_addresses=", f"port={port}", "fsync=off", *settings]
        self.settings.append(f"unix_socket_directories={self.directory}")
        self.user = None
        self.databases = itertools.count(1)
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("postgres").pw_uid
            os.chown(self.directory, self.user, self.user)
        self.run("initdb", "-D", self.data, "-U", "tranter", "-A", "trust", "-E", "UTF8",
                 "--no-locale", "--no-sync", *initdb)
        self.start()

    def run(self, program, *words):
        subprocess.run(
            [PROGRAMS / program, *words],
            user=self.user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def start(self):
        settings = " ".join(f"-c {setting}" for setting in self.settings)
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-o", settings, "start")

    @property
    def log(self):
        return self.directory / "log"

    def is_up(self):
        """Whether its first process runs."""
        try:
            first = (self.data / "postmaster.pid").read_text().split()[0]
        except FileNotFoundError:
            return False
        return is_running(int(first))

    def query(self, sql, database="postgres"):
        """Its answer as text."""
        words = [PROGRAMS / "psql", "-h", self.directory, "-p", str(self.port), "-U", "tranter"]
        done = subprocess.run(
            [*words, "-At", "-v", "ON_ERROR_STOP=1", "-c", sql, database],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout

    def cut_connections(self):
        """Of everybody but us."""
        others = (
            "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
            "pg_backend_pid()"
        )
        cut = self.query(f"SELECT pid, pg_terminate_backend(pid) {others}").split()
        pids = {line.partition("|")[0] for line in cut}
        eventually(lambda: pids.isdisjoint(self.query(f"SELECT pid {others}").split()), pause=0)

    def stop(self):
        """As if it had crashed."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def kill(self):
        """SIGKILL of all its processes."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)  # makes no more of them
        children = pathlib.Path(f"/proc/{first}/task/{first}/children").read_text().split()
        pids = [first, *map(int, children)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(is_running(pid) for pid in pids), 30, pause=0.01)
        # A dead process that nobody has asked for its end would count as a server that runs.
        (self.data / "postmaster.pid").unlink()
        (self.directory / f".s.PGSQL.{self.port}.lock").unlink()

    def new_database(self):
        """Its URL."""
        name = f"test{next(self.databases)}"
        self.query(f"CREATE DATABASE {name}")
        return f"postgres:///{name}?user=tranter&host={self.directory}&port={self.port}"

    def end(self):
        if self.is_up():
            self.stop()
        shutil.rmtree(self.directory)

"""A server of PostgreSQL for the tests alone, on a socket in a temporary directory."""

import itertools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")


class PostgresServer:
    """Refuses to run as root, so root gives it to the user `postgres`."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postgres-"))
        self.data = self.directory / "data"
        self.user = None
        self.databases = itertools.count(1)
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("postgres").pw_uid
            os.chown(self.directory, self.user, self.user)
        self.run("initdb", "-D", self.data, "-U", "tranter", "-A", "trust", "-E", "UTF8",
                 "--no-locale", "--no-sync")
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
        settings = f"-c listen_addresses='' -c unix_socket_directories={self.directory}"
        self.run("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-o", settings, "start")

    def stop(self):
        """As if it had crashed."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def new_database(self):
        """Its URL."""
        name = f"test{next(self.databases)}"
        self.run("createdb", "-h", self.directory, "-U", "tranter", name)
        return f"postgres:///{name}?user=tranter&host={self.directory}"

    def end(self):
        self.stop()
        shutil.rmtree(self.directory)

"""Schedulers over PostgreSQL with TLS and a password, which is checked and never shown."""

import os
import pathlib
import shutil
import subprocess

import pytest
from command_line import check_failure, ok, tranter
from local_machine import free_port
from postgres_server import PostgresServer
from scheduler_process import SchedulerProcess
from waiting import eventually
from worker_process import WorkerProcess

PASSWORD = "canary-7b1d-Pass:w%rd"
IN_URL = "canary-7b1d-Pass%3Aw%25rd"
USER = "scheduler"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_authority(folder, name):
    openssl(
        folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}",
        "-days", "2",
    )


def make_certificate(folder, authority, host):
    openssl(
        folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={host}",
    )
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", f"{authority}.crt",
        "-CAkey", f"{authority}.key", "-CAcreateserial", "-out", "server.crt", "-days", "2",
        "-extfile", "names",
    )


class GuardedServer(PostgresServer):
    """Over TCP with TLS and a password only. Its certificate is for `localhost`."""

    def __init__(self, authorities):
        self.authorities = authorities
        port = free_port()
        super().__init__(
            "listen_addresses=127.0.0.1", "ssl=on", "password_encryption=scram-sha-256", port=port
        )

    def start(self):
        rules = "local all tranter trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules)
        for name in ("server.crt", "server.key"):
            copy = self.data / name
            shutil.copy(self.authorities / name, copy)
            copy.chmod(0o600)
            if self.user is not None:
                os.chown(copy, self.user, self.user)
        super().start()

    def url(self, database, password="", host="localhost", **parameters):
        parameters = {
            "sslmode": "verify-full",
            "sslrootcert": self.authorities / "right.crt",
            **parameters,
        }
        text = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgres://{USER}{password and ':'}{password}@{host}:{self.port}/{database}?{text}"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    make_authority(folder, "right")
    make_authority(folder, "wrong")
    make_certificate(folder, "right", "localhost")
    server = GuardedServer(folder)
    server.query(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
    yield server
    server.end()


@pytest.fixture
def database(postgres):
    name = postgres.new_database().removeprefix("postgres:///").partition("?")[0]
    postgres.query(f"ALTER DATABASE {name} OWNER TO {USER}")
    return name


def listed(url, **env):
    return tranter("schedule", "list", env={"TRANTER_SCHEDULER_STORE": url, **env})


def test_the_certificate_has_to_be_of_the_right_authority_and_host(postgres, database):
    password = {"PGPASSWORD": PASSWORD}
    assert listed(postgres.url(database), **password).code == 0

    foreign = listed(
        postgres.url(database, sslrootcert=postgres.authorities / "wrong.crt"), **password
    )
    check_failure(foreign, 6)
    assert "certificate verify failed" in foreign.err
    elsewhere = listed(postgres.url(database, host="127.0.0.1"), **password)
    check_failure(elsewhere, 6)
    assert 'does not match host name "127.0.0.1"' in elsewhere.err
    lost = listed(postgres.url(database, sslrootcert="/nowhere.crt"), **password)
    check_failure(lost, 6)
    assert "/nowhere.crt" in lost.err
    plain = listed(postgres.url(database, sslmode="disable"), **password)
    check_failure(plain, 5)
    assert "no encryption" in plain.err


def test_a_password_may_stand_in_a_file_a_variable_or_the_url(postgres, database, tmp_path):
    file = tmp_path / "pgpass"
    escaped = PASSWORD.replace(":", "\\:")
    file.write_text(f"localhost:{postgres.port}:*:{USER}:{escaped}\n")
    file.chmod(0o600)

    assert listed(postgres.url(database), PGPASSFILE=str(file)).code == 0
    assert listed(postgres.url(database), PGPASSWORD=PASSWORD).code == 0
    assert listed(postgres.url(database, IN_URL)).code == 0
    assert ok("schedule", "list", env={"DATABASE_URL": postgres.url(database, IN_URL)}).json() == []


COMMANDS = [("schedule", "list"), ("job", "list"), ("db", "status"), ("dlq", "list")]


@pytest.mark.parametrize("given", ["wrong-canary-7b1d", ""])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_wrong_password_is_said_but_not_shown(postgres, database, given, words):
    url = postgres.url(database, given)
    refused = tranter(*words, env={"TRANTER_SCHEDULER_STORE": url, "TRANTER_URL": url})

    check_failure(refused, 5)
    assert "password" in refused.err
    assert "canary" not in refused.err


def command_lines_of(pid):
    """What `ps` shows of a process and its threads."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/cmdline")
    return b"".join(task.read_bytes() for task in tasks)


@pytest.mark.parametrize("by_flag", [True, False], ids=["flag", "variable"])
def test_a_scheduler_works_and_nothing_shows_the_password(
    server, name, postgres, database, by_flag
):
    url = postgres.url(database, IN_URL)
    schedule = name()
    env = {"TRANTER_SCHEDULER_STORE": url}
    ok("schedule", "add", schedule, "--every", "1 second", "--type", "tick", env=env)
    debug = ["--log-level", "debug", "--poll-interval", "1s"]
    scheduler = (
        SchedulerProcess(server.admin_endpoint, url, *debug)
        if by_flag
        else SchedulerProcess(server.admin_endpoint, None, *debug, env=env)
    )
    assert scheduler.began

    def has_run():
        return ok("schedule", "show", schedule, env=env).json()["last_run_at"]

    eventually(has_run)
    encrypted = postgres.query(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING(pid) "
        f"WHERE usename = '{USER}'"
    )
    assert encrypted == "t\n"
    shown = command_lines_of(scheduler.process.pid)
    assert b"tranter" in shown and b"canary" not in shown, shown

    # Refused for a while, it says why, and goes on.
    postgres.query(f"ALTER ROLE {USER} PASSWORD 'another'")
    postgres.cut_connections()
    check_failure(tranter("schedule", "list", env=env), 5)
    postgres.query(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    before = has_run()
    eventually(lambda: has_run() > before, seconds=60)

    code, log = scheduler.end()
    assert code == 0 and "connected again" in log, log
    assert "canary" not in log


def test_a_worker_that_is_locked_out_for_a_while_says_so_and_goes_on(postgres, database, tmp_path):
    url = postgres.url(database, IN_URL)
    env = {"TRANTER_URL": url}
    ok("job", "enqueue", "mail", "greet", env=env)
    handlers = '[handlers.greet]\nexec = ["/bin/true"]\n'
    worker = WorkerProcess(tmp_path, url, handlers, "--queue", "mail", log_path=tmp_path / "log")
    eventually(lambda: worker.attempts()["completed"] == 1)
    try:
        postgres.query(f"ALTER ROLE {USER} PASSWORD 'another'")
        postgres.cut_connections()
        eventually(lambda: "does not let this user in" in worker.get("/health")[1], seconds=60)
        assert worker.process.poll() is None
        check_failure(tranter("job", "list", env=env), 5)
    finally:
        postgres.query(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    eventually(lambda: tranter("job", "list", env=env).code == 0)
    ok("job", "enqueue", "mail", "greet", env=env)
    eventually(lambda: worker.attempts()["completed"] == 2, seconds=60)

    assert worker.end()[0] == 0
    log = (tmp_path / "log").read_text()
    assert "password authentication failed" in log and "canary" not in log, log

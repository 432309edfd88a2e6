"""Roles that begin while their store is away wait for it, alive and not ready; what cannot mend itself
ends them at once."""

import contextlib
import json
import os
import select
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from apps_home import AppsHome
from command_line import clean_environment, ok
from postgres_server import PostgresServer
from server import binary
from waiting import eventually

HANDLERS = """
[worker]
queues = ["mail"]
[handlers.greet]
exec = ["/bin/true"]
"""
ROLES = {
    "schedule": ["--store", "{url}", "--provider", "{url}"],
    "timers": ["--store", "{url}", "--provider", "{url}"],
    "work": ["--config", "tranter.toml", "--provider", "{url}"],
    "forward": ["--queue", "mail", "--from", "{url}", "--to", "{url}", "--to-queue", "post"],
}
SAID = "a store does not answer yet"


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def away(postgres):
    """The URL of a database whose server does not run."""
    url = postgres.new_database()
    # Without one there is no queue, and a worker of none is not ready.
    ok("job", "enqueue", "mail", "greet", "--provider", url)
    postgres.stop()
    yield url
    if not postgres.is_up():
        postgres.start()


class Role:
    """Has begun when it is made, whatever it can do."""

    def __init__(self, folder, role, url):
        (folder / "tranter.toml").write_text(HANDLERS)
        self.ready, told = os.pipe()
        self.log_path = folder / "log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), role, *(word.format(url=url) for word in ROLES[role])]
                + ["--health", "127.0.0.1:0", "--log-format", "json", "--ready-fd", str(told)],
                cwd=folder, env=clean_environment(), pass_fds=[told], stdin=subprocess.DEVNULL,
                stderr=log,
            )
        os.close(told)

    def log(self):
        return self.log_path.read_text()

    def waits_at(self):
        """The address of its health, once it has said that it waits."""
        for line in self.log().splitlines():
            if SAID in line:
                return json.loads(line)["health"]
        return None

    def is_told_ready(self):
        return bool(select.select([self.ready], [], [], 0)[0])

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def begin(tmp_path):
    begun = []

    def make(role, url):
        begun.append(Role(tmp_path, role, url))
        return begun[-1]

    yield make
    for role in begun:
        os.close(role.ready)
        with contextlib.suppress(ProcessLookupError):
            role.process.kill()
        role.process.wait()


def get(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_waits_for_its_store_and_works_once_it_is_back(postgres, away, begin, role):
    one = begin(role, away)
    address = eventually(one.waits_at, 60)

    assert get(address, "/livez")[0] == 200
    status, reason = get(address, "/readyz")
    assert (status, "does not answer yet" in reason) == (503, True), reason
    assert '_up 0' in get(address, "/metrics")[1]
    assert not one.is_told_ready()
    postgres.start()
    eventually(one.is_told_ready, 60)
    assert f"health={address}" in os.read(one.ready, 1000).decode()
    eventually(lambda: get(address, "/readyz")[0] == 200, 60)

    assert one.end() == 0
    assert one.log().count(SAID) == 1, one.log()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_waits_ends_when_it_is_told_to(away, begin, role):
    one = begin(role, away)
    eventually(one.waits_at, 60)

    assert one.end() == 0
    assert not os.read(one.ready, 1000)


@pytest.mark.parametrize("role", ROLES)
def test_what_does_not_mend_itself_ends_a_role(postgres, begin, role):
    stranger = postgres.new_database().replace("user=tranter", "user=nobody")
    one = begin(role, stranger)

    assert one.process.wait(60) == 5, one.log()
    assert SAID not in one.log()


@pytest.mark.parametrize("role", ROLES)
def test_a_program_that_is_too_old_for_the_tables_does_not_wait_for_it_to_change(postgres, begin, role):
    url = postgres.new_database()
    ok("job", "enqueue", "mail", "greet", "--provider", url)
    ok("schedule", "list", "--store", url)
    database = url.split("?")[0].rsplit("/", 1)[-1]
    postgres.query("INSERT INTO tranter.schema_versions(room, version) "
                   "SELECT room, max(version) + 1 FROM tranter.schema_versions GROUP BY room", database)
    one = begin(role, url)

    assert one.process.wait(60) == 4, one.log()
    assert SAID not in one.log()


def test_up_starts_roles_whose_store_is_away_and_does_not_give_them_up(tmp_path, postgres, away):
    home = AppsHome(tmp_path)
    try:
        home.write("tranter.toml", f'provider = "{away}"\n{HANDLERS}\n')
        home.run("up", "--no-wait")
        roles = {"worker", "scheduler", "timers"}

        def all_wait():
            return {one["id"]["app"] for one in home.instances()
                    if one["state"] == "starting" and "waits for" in one["note"]} == roles

        eventually(all_wait, 60)
        pids = {one["pid"] for one in home.instances()}
        postgres.start()
        eventually(lambda: {one["state"] for one in home.instances()} == {"ready"}, 60)
        assert {one["pid"] for one in home.instances()} == pids
        assert not any("waits for" in one["note"] for one in home.instances())
    finally:
        home.clean_up()

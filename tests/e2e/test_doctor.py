"""`tranter doctor` finds what is wrong, says what to do and how bad it is."""

import http.server
import json
import os
import socket
import sqlite3
import subprocess
import threading
import time

import pytest
from command_line import clean_environment, ok, tranter
from local_machine import free_port
from server import Server, binary
from worker_process import WorkerProcess

FINE, FAILED, WARNED = 0, 1, 9


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def doctor(*words, home, env=None, **options):
    """Exit code and findings by check."""
    env = {"TRANTER_HOME": str(home), **(env or {})}
    outcome = tranter("doctor", *words, "-o", "json", env=env, **options)
    assert outcome.out, outcome
    found = {}
    for one in outcome.json():
        assert set(one) == {"check", "severity", "finding", "fix", "doc"}
        assert one["severity"] in ("ok", "warning", "error")
        if one["severity"] != "ok":
            assert one["doc"].startswith("docs/")
        found.setdefault(one["check"], []).append(one)
    worst = max(("ok", "warning", "error").index(o["severity"]) for o in outcome.json())
    assert outcome.code == (FINE, WARNED, FAILED)[worst]
    return found


def config_with(tmp_path, text="", **server):
    """A configuration whose ports are free."""
    ports = {"sqs": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"}
    lines = [f'{key} = "{value}"' for key, value in {**ports, **server}.items()]
    path = tmp_path / "tranter.toml"
    path.write_text("[server]\n" + "\n".join(lines) + "\n" + text)
    path.chmod(0o600)
    return str(path)


def worst(found, check):
    return max(found[check], key=lambda one: ("ok", "warning", "error").index(one["severity"]))


def test_a_server_that_is_well(server, home):
    found = doctor("--url", server.admin_endpoint, home=home)
    for check in ("config", "home", "server", "clock", "store"):
        assert worst(found, check)["severity"] == "ok", found[check]
    assert set(found) == {
        "config", "limits", "time zones", "data", "home", "ports", "server", "clock",
        "database", "store", "queues", "dead letters", "schedules",
    }


def test_a_server_that_asks_for_a_token(home, tmp_path):
    text = '[admin]\ntoken = "token-of-the-owner-4711"\n'
    server = Server(config=text)
    try:
        config = config_with(tmp_path, text)
        found = doctor("--config", config, "--url", server.admin_endpoint, home=home)
        assert worst(found, "store")["severity"] == "ok"
        found = doctor("--url", server.admin_endpoint, home=home)
        assert worst(found, "store")["severity"] == "error"
        assert "4711" not in json.dumps(found)
    finally:
        server.stop()


def test_people_get_a_table_and_help(server, home):
    env = {"TRANTER_HOME": str(home)}
    table = tranter("doctor", "--url", server.admin_endpoint, "-o", "table", env=env).out
    assert table.splitlines()[0].split() == ["CHECK", "SEVERITY", "FINDING", "FIX", "DOC"]


def test_a_server_that_is_away(home, tmp_path):
    found = doctor("--config", config_with(tmp_path), home=home)
    assert worst(found, "server")["severity"] == "error"
    assert "tranter serve" in worst(found, "server")["fix"]
    assert worst(found, "store")["severity"] == "error"
    assert worst(found, "clock")["severity"] == "ok"
    for check in ("queues", "dead letters"):
        assert found[check][0]["finding"].startswith("not looked at")
    assert [one["severity"] for one in found["ports"]] == ["ok", "ok"]


def test_something_else_that_answers(home):
    with_other(
        lambda url: doctor("--url", url, home=home),
        lambda found: "is it Tranter?" in worst(found, "server")["finding"],
        status=404,
    )


def test_a_clock_that_differs(home):
    hour = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3600))
    with_other(
        lambda url: doctor("--url", url, home=home),
        lambda found: (
            worst(found, "clock")["severity"] == "error"
            and "ahead of the server's" in worst(found, "clock")["finding"]
        ),
        date=hour,
    )
    with_other(
        lambda url: doctor("--url", url, home=home),
        lambda found: "does not say its time" in worst(found, "clock")["finding"],
        date="yesterday",
    )


def with_other(ask, is_right, status=200, date=None):
    """A server of somebody else's."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\n")

        def log_message(self, *words):
            pass

    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        found = ask(f"http://127.0.0.1:{other.server_port}")
        assert is_right(found), found
    finally:
        other.shutdown()
        other.server_close()


def test_a_check_that_hangs_is_ended_and_said(home):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = doctor("--url", url, "--timeout", "1s", home=home)
    for check in ("server", "clock", "store", "queues", "dead letters"):
        assert found[check][0]["severity"] == "error"
        assert found[check][0]["finding"] == "did not end within 1s"
        assert "--timeout" in found[check][0]["fix"]
    assert worst(found, "config")["severity"] == "ok"


def test_ports_that_are_taken(home, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        address = "127.0.0.1:%d" % other.getsockname()[1]
        config = config_with(tmp_path, sqs=address)
        found = doctor("--config", config, "--timeout", "30s", home=home, seconds=60)
    sqs, admin = found["ports"]
    # What never answers is no server of ours.
    assert sqs["severity"] == "error"
    assert sqs["finding"].endswith("is taken by another program")
    assert admin["severity"] == "ok"
    server = Server()
    try:
        config = config_with(
            tmp_path, sqs=f"127.0.0.1:{server.port}", admin=f"127.0.0.1:{server.admin_port}"
        )
        found = doctor("--config", config, home=home)
        assert [one["severity"] for one in found["ports"]] == ["ok", "ok"], found["ports"]
        assert all("where a server listens" in one["finding"] for one in found["ports"])
        assert worst(found, "server")["severity"] == "ok"
    finally:
        server.stop()


def test_a_file_that_is_wrong(home, tmp_path):
    config = tmp_path / "tranter.toml"
    config.write_text("[server]\nsqss = 1\n")
    found = doctor("--config", str(config), home=home)
    assert found["config"][0]["severity"] == "error"
    assert "sqss" in found["config"][0]["finding"]
    assert found["config"][0]["fix"] == f"tranter config check {config}"
    open_to_all = config_with(tmp_path, sqs="0.0.0.0:0")
    found = doctor("--config", open_to_all, home=home)
    assert "can be reached from other machines" in worst(found, "config")["finding"]


def test_few_open_files(home, server):
    limited = 'ulimit -n 512; exec "$0" "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", limited, str(binary()), "doctor", "--url", server.admin_endpoint, "-o",
         "json"],
        env=clean_environment(TRANTER_HOME=str(home)),
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert done.returncode == FAILED
    (limits,) = [one for one in json.loads(done.stdout) if one["check"] == "limits"]
    assert limits["severity"] == "error"
    assert limits["finding"].startswith("a process may open 512 files")
    assert limits["fix"].startswith("ulimit -Hn ")


def test_a_machine_without_time_zones(home, tmp_path, server):
    empty = tmp_path / "zones"
    empty.mkdir()
    found = doctor("--url", server.admin_endpoint, home=home, env={"TZDIR": str(empty)})
    assert worst(found, "time zones")["severity"] == "error"
    assert worst(found, "time zones")["fix"] == "apt-get install tzdata"


def test_directories_that_others_get_at(home, tmp_path, server):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    home.chmod(0o777)
    config = config_with(tmp_path, data=str(data))
    found = doctor("--config", config, "--url", server.admin_endpoint, home=home)
    assert worst(found, "data")["severity"] in ("warning", "error")
    assert any(one["fix"] == f"chmod 700 {data}" for one in found["data"])
    assert any("a sync" in one["finding"] or "of a sync" in one["finding"] for one in found["data"])
    assert worst(found, "home")["fix"] == f"chmod 700 {home}"
    assert os.listdir(data) == []


def test_a_data_directory_that_is_none(home, tmp_path, server):
    file = tmp_path / "file"
    file.write_text("")
    config = config_with(tmp_path, data=str(file))
    found = doctor("--config", config, "--url", server.admin_endpoint, home=home)
    assert "is no directory" in worst(found, "data")["finding"]
    missing = config_with(tmp_path, data=str(tmp_path / "missing"))
    found = doctor("--config", missing, "--url", server.admin_endpoint, home=home)
    assert worst(found, "data")["severity"] == "warning"
    assert not (tmp_path / "missing").exists()


def test_queues_without_a_worker_and_dead_jobs(home, tmp_path):
    server = Server()
    try:
        env = {"TRANTER_URL": server.admin_endpoint}
        ok("job", "enqueue", "mail", "welcome", env=env)
        found = doctor("--url", server.admin_endpoint, home=home)
        assert worst(found, "queues")["finding"] == "queue mail has 1 jobs and no worker"
        assert "--queue mail" in worst(found, "queues")["fix"]

        ok("queue", "pause", "mail", env=env)
        found = doctor("--url", server.admin_endpoint, home=home)
        assert worst(found, "queues")["fix"] == "tranter queue resume mail"
        ok("queue", "resume", "mail", env=env)

        handlers = '[handlers.welcome]\nexec = ["/bin/true"]\n'
        worker = WorkerProcess(tmp_path, server.admin_endpoint, handlers, "--queue", "mail")
        try:
            job = ok("job", "enqueue", "mail", "welcome", "-o", "json", env=env).json()["id"]
            tranter("job", "wait", job, "--timeout", "60s", env=env)
            found = doctor("--url", server.admin_endpoint, home=home)
            assert worst(found, "queues")["severity"] == "ok", found["queues"]
        finally:
            worker.kill()
        assert worst(found, "dead letters")["severity"] == "ok"
    finally:
        server.stop()


def test_dead_jobs(home, tmp_path):
    server = Server(config="""
        [queues.mail]
        dead_letter = { queue = "mail-dlq", max_receives = 1 }
        [queues.mail-dlq]
        """)
    try:
        env = {"TRANTER_URL": server.admin_endpoint}
        handlers = '[handlers.welcome]\nexec = ["/bin/false"]\n'
        worker = WorkerProcess(tmp_path, server.admin_endpoint, handlers, "--queue", "mail")
        try:
            job = ok("job", "enqueue", "mail", "welcome", "-o", "json", env=env).json()["id"]
            assert tranter("job", "wait", job, "--timeout", "60s", env=env).code == FAILED
        finally:
            worker.kill()
        found = doctor("--url", server.admin_endpoint, home=home)
        assert worst(found, "dead letters")["severity"] == "warning"
        assert worst(found, "dead letters")["finding"].startswith("1 dead jobs are in mail-dlq")
        assert worst(found, "dead letters")["fix"] == "tranter dlq list mail-dlq"
    finally:
        server.stop()


def test_schedules_that_are_overdue(home, tmp_path, server):
    store = f"file:{tmp_path}/schedules.db"
    config = config_with(tmp_path, f'[scheduler]\nstore = "{store}"\n')
    words = ("--config", config, "--url", server.admin_endpoint)
    assert "does not exist yet" in doctor(*words, home=home)["schedules"][0]["finding"]
    assert not (tmp_path / "schedules.db").exists()
    ok("schedule", "add", "nightly", "--cron", "@daily", "--type", "report", "--store", store)
    assert worst(doctor(*words, home=home), "schedules")["severity"] == "ok"
    with sqlite3.connect(tmp_path / "schedules.db") as database:
        database.execute("UPDATE recurring_jobs SET due_at = due_at - 86400 * 2 * 1000000")
    found = doctor(*words, home=home)
    assert worst(found, "schedules")["severity"] == "warning"
    assert worst(found, "schedules")["finding"].startswith("schedule nightly is overdue by ")
    assert worst(found, "schedules")["fix"] == "tranter schedule"


def test_a_store_of_schedules_is_neither_made_nor_changed(home, tmp_path, server):
    path = tmp_path / "schedules.db"
    store = f"file:{path}"
    config = config_with(tmp_path, f'[scheduler]\nstore = "{store}"\n')
    words = ("--config", config, "--url", server.admin_endpoint)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE of_somebody_else(a)")
    assert "no schedules yet" in doctor(*words, home=home)["schedules"][0]["finding"]
    path.unlink()
    ok("schedule", "add", "nightly", "--cron", "@daily", "--type", "report", "--store", store)
    with sqlite3.connect(path) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version - 1}")
    assert "of an older version" in doctor(*words, home=home)["schedules"][0]["finding"]
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (version - 1,)
        database.execute(f"PRAGMA user_version = {version + 1}")
    assert worst(doctor(*words, home=home), "schedules")["severity"] == "error"


def test_a_data_directory_is_left_to_its_owner(home, tmp_path):
    found = doctor("--url", f"file:{tmp_path}/data", home=home)
    assert worst(found, "store")["severity"] == "ok"
    assert "one process at a time" in found["store"][0]["finding"]
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_asked(home):
    for words in (("--timeout", "0s"), ("--url", "http://a b/"), ("--timeout", "x")):
        assert tranter("doctor", *words, env={"TRANTER_HOME": str(home)}).code == 2

"""What `tranter ps`, `describe`, `env`, `logs`, `monit`, `top` and `startup` show of real apps."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest
from apps_home import AppsHome
from command_line import check_failure, clean_environment, ok, tranter
from jobs_api import JobsApi
from server import binary
from terminal import Terminal

APPS = {
    "apps": [
        {
            "name": "web",
            "script": "./web.sh",
            "interpreter": "bash",
            "instances": 2,
            "namespace": "front",
            "env": {
                "API_TOKEN": "s3cr3t-word",
                "DATABASE_URL": "postgres://u:s3cr3t-word@h/d",
                "A": "1",
            },
        },
        {"name": "counter", "script": "./counter.sh", "interpreter": "bash"},
        {
            "name": "quiet",
            "script": "./quiet.sh",
            "interpreter": "bash",
            "args": ["--token=s3cr3t-word"],
        },
    ]
}
# Colours, and what would clear the screen and set the title.
WEB = r"""
printf '\033[32mgreen\033[0m\033[2J\033]0;owned\007 out of %s\n' "$NODE_APP_INSTANCE"
echo "to stderr" >&2
exec sleep 600
"""
COUNTER = """
for ((n = 1; ; ++n)); do echo "count $n"; sleep 0.02; done
"""
QUIET = """
echo "once"
exec sleep 600
"""


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    home = AppsHome(tmp_path_factory.mktemp("views"))
    home.write("apps.json", json.dumps(APPS))
    for name, text in {"web": WEB, "counter": COUNTER, "quiet": QUIET}.items():
        home.write(f"{name}.sh", text)
    try:
        home.run("up", "apps.json")
        yield home
        home.run("down")
        home.check_nothing_left()
    finally:
        home.clean_up()


@pytest.fixture
def terminal(apps):
    opened = []

    def open_terminal(*words, env=None, **options):
        opened.append(Terminal(*words, env={**apps.env, **(env or {})}, **options))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


# --- ps, describe, env


def test_ps_without_a_terminal_has_every_column(apps):
    heading, *rows = apps.run("ps").out.splitlines()
    assert heading.split() == [
        *("KEY", "NAME", "NAMESPACE", "STATE", "PID", "UPTIME", "RESTARTS", "CPU", "MEMORY", "NOTE")
    ]
    assert sorted(row.split()[1] for row in rows) == ["counter", "quiet", "web", "web"]
    assert all(row.split()[3] == "ready" for row in rows)
    assert [row.split()[2] for row in rows if "web" in row] == ["front", "front"]
    for alias in ("list", "ls", "status"):
        assert apps.run(alias).out.splitlines()[0] == heading


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_ps_fits_into_the_terminal(terminal, columns):
    shown = terminal("ps", columns=columns)
    assert shown.finish() == 0
    assert "\x1b[32mready\x1b[0m" in shown.shown
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.shown).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= columns
    plain = terminal("ps", columns=columns, env={"NO_COLOR": "1"})
    assert plain.finish() == 0 and "\x1b" not in plain.shown


def test_ps_watch_needs_a_terminal_and_shows_a_table(apps):
    outcome = apps.run("ps", "--watch", code=2)
    assert "`tranter ps` prints once" in outcome.err
    outcome = apps.run("ps", "--watch", "-o", "json", code=2)
    assert "--watch shows a table" in outcome.err


def test_ps_as_json_has_the_shape_of_jlist_without_secrets(apps):
    outcome = apps.run("ps", "-o", "json")
    assert "s3cr3t" not in outcome.out
    listed = {(one["name"], one["pm2_env"]["NODE_APP_INSTANCE"]): one for one in outcome.json()}
    assert set(listed) == {("web", 0), ("web", 1), ("counter", 0), ("quiet", 0)}
    web = listed["web", 1]
    os.kill(web["pid"], 0)
    assert set(web["monit"]) == {"memory", "cpu"}
    env = web["pm2_env"]
    assert env["status"] == "online" and env["namespace"] == "front" and env["instances"] == 2
    assert env["env"]["A"] == "1" and env["env"]["API_TOKEN"] == "[redacted]"
    assert env["pm_cwd"] == str(apps.folder)
    with open(env["pm_out_log_path"], encoding="utf-8") as log:
        assert "out of 1" in log.read()


def test_describe_says_all_about_an_app_and_hides_secrets(apps):
    text = apps.run("describe", "web").out
    assert "s3cr3t" not in text
    assert re.search(r"^namespace +front$", text, re.MULTILINE)
    assert "\nweb:0\n" in text and "\nweb:1\n" in text and "API_TOKEN=[redacted]" in text
    key = next(one["key"] for one in apps.instances("quiet"))
    assert "s3cr3t" not in apps.run("describe", str(key)).out

    described = apps.run("describe", "web", "-o", "json").json()
    assert described["environment"]["DATABASE_URL"] == "postgres://u:[redacted]@h/d"
    assert [one["state"] for one in described["instances"]] == ["ready", "ready"]
    shown = apps.run("describe", "web", "--show-secrets", "-o", "json").json()
    assert shown["environment"]["API_TOKEN"] == "s3cr3t-word"


def test_env_prints_variables_and_hides_secrets(apps):
    lines = apps.run("env", "web").out.splitlines()
    assert "A=1" in lines and "API_TOKEN=[redacted]" in lines
    assert lines == sorted(lines, key=lambda line: line.split("=")[0])
    assert "API_TOKEN=s3cr3t-word" in apps.run("env", "web", "--show-secrets").out.splitlines()
    assert apps.run("env", "web", "-o", "json").json()["A"] == "1"


@pytest.mark.parametrize("command", ["describe", "env", "logs"])
def test_an_app_that_is_not_there_is_not_found(apps, command):
    check_failure(apps.run(command, "no such app", code=None), 3)


@pytest.mark.parametrize("words", [["ps"], ["ps", "-o", "json"], ["describe", "x"], ["logs"]])
def test_without_a_daemon_it_is_said_how_to_start_one(tmp_path, words):
    outcome = tranter(*words, env={"TRANTER_HOME": str(tmp_path)})
    check_failure(outcome, 6)
    assert "`tranter up`" in outcome.err


# --- logs


def test_logs_are_those_of_all_instances_and_can_be_chosen(apps):
    lines = apps.run("logs", "web", "--no-follow").out.splitlines()
    assert sorted(lines) == [
        *("web:0 | green out of 0", "web:0 | to stderr"),
        *("web:1 | green out of 1", "web:1 | to stderr"),
    ]
    chosen = ("logs", "front", "--no-follow")
    assert len(apps.run(*chosen, "--errors").out.splitlines()) == 2
    assert len(apps.run(*chosen, "--out", "--lines", "1").out.splitlines()) == 2
    assert apps.run(*chosen, "--grep", "out of 1").out == "web:1 | green out of 1\n"
    stamped = apps.run("logs", "quiet", "-n", "1", "--no-follow", "--timestamps").out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z quiet:0 \| once\n", stamped)
    assert apps.run("logs", "quiet", "-n", "1", "--no-follow", "--raw").out == "once\n"
    (record,) = apps.run("logs", "quiet", "-n", "1", "--no-follow", "--json").lines()
    assert record["message"] == "once" and record["type"] == "out" and record["app_name"] == "quiet"
    assert record["process_id"] == apps.instance("quiet")["key"]
    check_failure(apps.run("logs", "--out", "--errors", code=None), 2)
    check_failure(apps.run("logs", "--lines", "-1", code=None), 2)


def test_logs_on_a_terminal_keep_colours_and_nothing_else_that_steers_it(terminal):
    shown = terminal("logs", "web", "--no-follow")
    assert shown.finish() == 0
    assert "\x1b[32mgreen\x1b[0m out of" in shown.shown
    assert set(re.findall(r"\x1b\[[^a-zA-Z]*([a-zA-Z])", shown.shown)) == {"m"}
    assert "\x1b]" not in shown.shown and "\x07" not in shown.shown


@contextlib.contextmanager
def following(apps, *words):
    process = apps.popen("logs", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_logs_follow_without_a_gap_or_a_line_twice_until_they_are_interrupted(apps):
    with following(apps, "counter", "--raw", "-n", "5") as process:
        numbers = [int(process.stdout.readline().split()[1]) for _ in range(60)]
        process.send_signal(signal.SIGINT)
        numbers += [int(line.split()[1]) for line in process.stdout.read().splitlines()]
        assert process.wait(60) == 0, process.stderr.read()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_logs_end_when_nobody_reads_them_even_if_nothing_more_is_printed(apps):
    with following(apps, "quiet") as process:
        assert b"once" in process.stdout.readline()
        process.stdout.close()
        process.wait(60)
        process.stdout = open(os.devnull, "rb")


def test_logs_tell_what_happens_to_an_app(apps):
    with following(apps, "quiet") as process:
        assert b"once" in process.stdout.readline()
        apps.run("restart", "quiet")
        lines = [process.stdout.readline().decode()]
        while "once" not in lines[-1]:
            lines.append(process.stdout.readline().decode())
    assert any("-> stopping" in line for line in lines), lines


# --- monit


def test_monit_shows_apps_and_their_output_in_eighty_by_twenty_four(apps, terminal):
    monit = terminal("monit", rows=24, columns=80)
    shown = monit.until(lambda text: "counter" in text and "count " in text)
    lines = shown.splitlines()
    assert len(lines) == 24 and "4 of 4 running" in lines[0] and "NAME" in lines[1]
    assert "q quit" in lines[23]

    monit.type("\x1b[B")
    monit.until(lambda text: "── quiet:0 ─" in text and "once" in text)
    monit.type("j")
    monit.until(lambda text: "── web:0 ─" in text and "green out of 0" in text)
    monit.type("?")
    monit.until("stop its app")
    monit.type("?")
    monit.until(lambda text: "green out of 0" in text)

    monit.resize(12, 40)
    lines = monit.until(lambda text: "── web:0" in text and "NAME" in text).splitlines()
    assert len(lines) == 12 and "PID" not in lines[1]
    monit.type("q")
    assert monit.finish() == 0
    assert monit.is_restored()


def test_monit_restarts_and_stops_what_is_selected(apps, terminal):
    before = apps.instance("quiet")
    monit = terminal("monit")
    monit.until("counter")
    monit.type("\x1b[B")
    monit.until("── quiet:0")
    monit.type("r")
    monit.until("restarting quiet")
    apps.until_replaced(before)
    monit.type("s")
    monit.until(lambda text: re.search(r"quiet .*stopped", text))
    monit.type("\x03")
    assert monit.finish() == 0
    assert monit.is_restored()
    apps.run("start", "quiet")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV])
def test_monit_leaves_the_terminal_as_it_was_whatever_ends_it(terminal, number):
    monit = terminal("monit")
    monit.until("counter")
    monit.process.send_signal(number)
    assert monit.finish() != 0
    assert monit.is_restored()


def test_ps_watch_shows_what_becomes_of_apps_until_q(apps, terminal):
    watch = terminal("ps", "--watch", rows=24, columns=80)
    watch.until(lambda text: re.search(r"counter .*ready", text) and "q quit" in text)
    apps.run("start", "quiet")
    watch.until(lambda text: re.search(r"quiet .*ready", text))
    apps.run("stop", "quiet")
    watch.until(lambda text: re.search(r"quiet .*stopped", text))
    watch.type("q")
    assert watch.finish() == 0
    assert watch.is_restored()


def test_monit_needs_a_terminal(apps):
    outcome = apps.run("monit", code=None)
    check_failure(outcome, 2)
    assert "tranter ps" in outcome.err
    check_failure(apps.run("top", code=None), 2)


# --- top


def test_top_shows_queues_once_as_a_table_or_json(server, name):
    queue = name()
    env = {"TRANTER_URL": server.admin_endpoint}
    ok("job", "enqueue", queue, "mail", "1", env=env)
    ok("job", "enqueue", queue, "mail", "2", "--delay", "1h", env=env)

    text = ok("top", "--once", "--interval", "100ms", env=env).out
    (row,) = [line for line in text.splitlines() if line.startswith(queue + " ")]
    assert row.split()[1] == "1"
    record = ok("top", "-o", "json", "--interval", "100ms", env=env).json()
    (found,) = [one for one in record["queues"] if one["name"] == queue]
    assert found["pending"] == 1 and found["scheduled"] == 1 and found["oldest_ms"] >= 0
    assert found["completed_per_second"] == 0 and isinstance(record["workers"], list)
    check_failure(tranter("top", "--once", "--interval", "1us", env=env), 2)
    check_failure(tranter("top", "--once", "--url", "http://127.0.0.1:1", env=env), 6)


def test_top_knows_how_long_jobs_waited(server, name):
    queue = name()
    env = {"TRANTER_URL": server.admin_endpoint}
    ok("job", "enqueue", queue, "mail", "1", env=env)
    JobsApi(server).ok("POST", f"/queues/{queue}/receive", {})
    record = ok("top", "-o", "json", "--interval", "100ms", env=env).json()
    (found,) = [one for one in record["queues"] if one["name"] == queue]
    assert found["latency_p50_ms"] > 0
    assert found["latency_p50_ms"] <= found["latency_p99_ms"]


def test_top_is_live_in_a_terminal(server, name, terminal):
    queue = name()
    env = {"TRANTER_URL": server.admin_endpoint}
    top = terminal("top", "--interval", "100ms", env=env, columns=200, rows=60)
    top.until("QUEUE")
    ok("job", "enqueue", queue, "mail", "1", env=env)
    top.until(f"\n{queue} ")
    top.type("q")
    assert top.finish() == 0
    assert top.is_restored()


# --- startup


def test_startup_prints_a_unit_that_systemd_takes(apps, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path / "my config")}
    printed = apps.run("startup", "--user", "apps.json", env=env)
    assert f'ExecStart="{binary()}" daemon\n' in printed.out
    assert f'up --no-wait "{apps.folder}/apps.json"\n' in printed.out
    assert "Type=notify\n" in printed.out and "Delegate=yes\n" in printed.out
    assert "systemctl --user enable --now tranter.service" in printed.err
    if analyze := shutil.which("systemd-analyze"):
        unit = tmp_path / "tranter.service"
        unit.write_text(printed.out)
        verified = subprocess.run(
            [analyze, "verify", "--man=no", str(unit)],
            capture_output=True, text=True, timeout=60, env=clean_environment(), check=False,
        )
        assert "tranter.service" not in verified.stdout + verified.stderr, verified


def test_startup_writes_its_unit_and_takes_it_back_and_leaves_those_of_others_alone(apps, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    path = tmp_path / "systemd/user/tranter.service"
    assert apps.run("startup", "--user", "--write", env=env).out == f"{path}\n"
    text = path.read_text()
    assert "resurrect\n" in text and path.stat().st_mode & 0o777 == 0o644
    apps.run("startup", "--user", "--write", "apps.json", env=env)
    assert path.read_text() != text

    assert f"rm {path}\n" in apps.run("unstartup", "--user", env=env).out
    assert apps.run("unstartup", "--user", "--write", env=env).out == f"{path}\n"
    assert not path.exists()
    check_failure(apps.run("unstartup", "--user", "--write", env=env, code=None), 3)

    path.write_text("[Unit]\n")
    check_failure(apps.run("startup", "--user", "--write", env=env, code=None), 4)
    assert path.read_text() == "[Unit]\n"
    check_failure(apps.run("startup", "--user", "missing.json", env=env, code=None), 3)
    check_failure(apps.run("startup", "--user", "--system", env=env, code=None), 2)

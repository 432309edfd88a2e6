"""`tranter up`: everything starts, is kept running, and ends without leaving anything behind."""

import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from apps_home import AppsHome
from local_machine import lives
from waiting import eventually
from wire import Api

HELLO = """
[handlers."demo:hello"]
exec = ["/bin/sh", "-c", "echo said by $TRANTER_JOB_ID >&2"]
"""


@pytest.fixture
def home(tmp_path):
    home = AppsHome(tmp_path)
    yield home
    home.clean_up()


def app(script, **more):
    """One of an ecosystem file."""
    return {"name": "app", "script": "bash", "args": ["-c", script], **more}


def failing(script, **more):
    """However slowly it ends, it was never ready."""
    return app(script, wait_ready=True, listen_timeout=60_000, min_uptime=60_000, **more)


def ecosystem(home, *apps):
    home.write("ecosystem.config.json", json.dumps({"apps": apps}))


class Endpoint:
    """What Api needs of a server."""

    def __init__(self, port):
        self.host, self.port = "127.0.0.1", port
        self.endpoint = f"http://127.0.0.1:{port}"


# Everything without a file.


def test_without_a_file_jobs_flow_and_nothing_is_left(home):
    ports = {
        "TRANTER_SQS": f"127.0.0.1:{home.sqs}",
        "TRANTER_ADMIN": f"127.0.0.1:{home.admin}",
        "TRANTER_WORKER_HEALTH": "127.0.0.1:0",
    }
    shown = home.run("up", "-o", "json", env=ports).json()
    assert {one["app"]: one["state"] for one in shown["apps"]} == dict.fromkeys(
        ["server", "worker", "scheduler", "timers"], "ready"
    )
    assert shown["sqs"] == f"http://127.0.0.1:{home.sqs}"
    assert shown["jobs"] == f"http://127.0.0.1:{home.admin}"

    def done():
        listed = home.run("job", "list", "--queue", "demo", "-o", "json", "--provider", shown["jobs"]).json()
        return [job for job in listed if job["state"] == "completed"]

    assert eventually(done, seconds=60)[0]["type"] == "demo:hello"
    # A second time nothing changes.
    before = {one["id"]["app"]: one["pid"] for one in home.instances()}
    home.run("up", env={**ports, "SHLVL": "7", "SSH_TTY": "/dev/pts/9"})
    assert {one["id"]["app"]: one["pid"] for one in home.instances()} == before

    home.run("down")
    home.check_nothing_left()
    home.run("down")


def test_after_a_daemon_was_killed_all_roles_come_up_again(home):
    home.write_config(HELLO)
    home.run("up")
    before = {one["pid"] for one in home.instances()}
    os.kill(home.daemon_pid(), signal.SIGKILL)
    home.run("up")
    assert {one["state"] for one in home.instances()} == {"ready"}
    assert not before & {one["pid"] for one in home.instances()}
    home.run("scale", "worker", "+1")
    assert "does not say" not in home.run("reload", "all").err
    assert [one["state"] for one in home.instances()] == ["ready"] * 5
    home.run("down")
    home.check_nothing_left()


def test_a_port_that_is_taken_is_named(home):
    home.write_config("")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", home.sqs))
        other.listen()
        outcome = home.run("up", code=4)
    assert f"127.0.0.1:{home.sqs} is taken by another program" in outcome.err
    home.check_nothing_left()


# One check from end to end.


def test_jobs_survive_the_end_of_the_worker_and_of_the_broker(home):
    home.write_config(
        """
        [handlers."*"]
        exec = ["/bin/sh", "-c", "echo $PPID $TRANTER_JOB_ID >>ran; . ./then.sh"]
        """
    )
    ran = home.folder / "ran"
    then = home.write("then.sh", "")
    home.run("up")
    api = Api(Endpoint(home.sqs), "json")
    provider = f"http://127.0.0.1:{home.admin}"
    url = api.create("default")

    def send(number):
        body = json.dumps({"n": number})
        return api.reply("SendMessage", {"QueueUrl": url, "MessageBody": body}).json()["MessageId"]

    def find(job):
        return home.run("job", "show", job, "-o", "json", "--provider", provider).json()

    def until(job, state):
        return eventually(lambda: (found := find(job))["state"] == state and found, seconds=60)

    first = send(1)
    until(first, "completed")
    assert ran.read_text() == f"{home.instance('worker')['pid']} {first}\n"

    # A job under way when its worker is killed is retried by the one that is started next.
    then.write_text("sleep 600")
    second = send(2)
    until(second, "processing")
    then.write_text("")
    worker = home.instance("worker")
    os.kill(worker["pid"], signal.SIGKILL)
    home.until_replaced(worker)
    assert until(second, "completed")["attempt"] >= 1

    # What the broker has acknowledged outlives it, and its clients wait for it.
    server = home.instance("server")
    jobs = [send(number) for number in range(3, 13)]
    os.kill(server["pid"], signal.SIGKILL)
    home.until_replaced(server)
    jobs.append(send(13))
    eventually(
        lambda: {line.split()[1] for line in ran.read_text().splitlines()} >= {*jobs}, seconds=60
    )
    home.run("down")
    home.check_nothing_left()


# What PM2 gets wrong and crosses the boundary of a process.


def test_nothing_is_left_of_an_app_that_was_stopped(home):
    script = "setsid bash -c 'setsid sleep 601 & sleep 602' & sleep 603"
    ecosystem(home, app(script, treekill=True))
    home.run("up")

    def sleepers():
        return [
            pid
            for pid in home.processes()
            if b"sleep\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    assert len(eventually(lambda: len(sleepers()) == 3 and sleepers(), seconds=30)) == 3
    home.run("stop", "app")
    assert sleepers() == []
    assert home.instance("app")["state"] == "stopped"


def test_after_a_daemon_was_killed_there_are_never_two_copies(home):
    ecosystem(home, app("echo $$ >>started; setsid sleep 605 & exec sleep 604"))
    home.run("up")
    home.run("save")
    first = home.instance("app")["pid"]
    os.kill(home.daemon_pid(), signal.SIGKILL)
    home.run("resurrect")

    second = home.instance("app")["pid"]
    assert second != first
    assert not lives(first)
    running = [
        pid for pid in home.processes()
        if b"60" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(running) == 2, running
    assert (home.folder / "started").read_text().split() == [str(first), str(second)]
    home.run("down")
    home.check_nothing_left()


def test_an_app_that_always_fails_is_given_up_whatever_it_waits(home):
    ecosystem(home, failing("exit 7", max_restarts=3, restart_delay=50, autorestart=True))
    outcome = home.run("up", code=1)
    assert "app:0 is errored" in outcome.err
    failed = home.instance("app")
    assert failed["state"] == "errored"
    assert failed["restarts"] == 3
    assert failed["last_ending"] == {"code": 7, "signal": 0}


def test_an_app_that_never_says_that_it_is_ready_has_failed(home):
    ecosystem(home, app("sleep 606", wait_ready=True, listen_timeout=200, max_restarts=1))
    outcome = home.run("up", code=1)
    assert "app:0 is errored" in outcome.err
    assert home.instance("app")["state"] == "errored"


def test_stubborn_instances_are_killed_at_the_same_time(home):
    stubborn = "trap '' INT TERM; echo up; while :; do sleep 0.1; done"
    ecosystem(home, app(stubborn, instances=6, kill_timeout=400, exec_mode="fork"))
    home.run("up")
    home.run("stop", "app")
    assert {one["state"] for one in home.instances("app")} == {"stopped"}
    events = [(one["to"], one["number"]) for one in home.ask("events")]
    stopping = [number for state, number in events if state == "stopping"]
    stopped = [number for state, number in events if state == "stopped"]
    assert len(stopping) == len(stopped) == 6
    assert max(stopping) < min(stopped)


def test_scaling_by_less_works(home):
    ecosystem(home, app("sleep 607", instances=3, exec_mode="fork"))
    home.run("up")
    home.run("scale", "app", "-1")
    assert [one["state"] for one in home.instances("app")] == ["ready"] * 2
    home.run("scale", "app", "+2")
    assert len(home.instances("app")) == 4
    home.run("scale", "app", "1")
    assert [one["state"] for one in home.instances("app")] == ["ready"]
    for count in ("-x", "1001", "two"):
        assert home.run("scale", "app", count, code=None).code == 2


def test_logs_are_rotated_by_themselves(home):
    ecosystem(home, app("while :; do head -c 200000 /dev/zero | tr '\\0' 'x' | fold -w 99; done"))
    home.run("up")
    log = home.home / "logs" / "app-out.log"
    rotated = log.with_name("app-out.log.1")
    eventually(rotated.exists, seconds=60)
    assert rotated.stat().st_size <= 10 << 20
    home.run("stop", "app")
    home.run("flush", "app")
    eventually(lambda: log.stat().st_size == 0 and not rotated.exists(), seconds=30)


# Files and commands.


def test_the_shape_of_existing_ecosystem_files_works(home):
    home.write("api.sh", "echo api in $PWD with $GREETING; exec sleep 609", mode=0o755)
    home.write(
        "package.json", json.dumps({"name": "x", "scripts": {"worker": "exec sleep 610"}})
    )
    bin_folder = home.folder / "bin"
    bin_folder.mkdir()
    npm = bin_folder / "npm"
    npm.write_text("#!/bin/bash\necho npm \"$@\"\nexec sleep 611\n")
    npm.chmod(0o755)
    home.write(
        "ecosystem.config.cjs",
        """\
        module.exports = {
          apps: [
            {
              name: "api",
              script: "./api.sh",
              interpreter: "bash",
              cwd: __dirname,
              autorestart: true,
              max_restarts: 10,
              restart_delay: 2000,
              max_memory_restart: "500M",
              env: { GREETING: "hello" },
              out_file: "./logs/api-out.log",
              error_file: "./logs/api-error.log",
            },
            { name: "worker", script: "npm", args: "run worker -- --fast", cwd: __dirname },
          ],
        };
        """,
    )
    home.run("up", env={"PATH": f"{bin_folder}:{os.environ['PATH']}"})
    assert {one["id"]["app"]: one["state"] for one in home.instances()} == {
        "api": "ready",
        "worker": "ready",
    }
    printed = home.folder / "logs" / "api-out.log"
    eventually(lambda: printed.exists() and printed.read_text(), seconds=30)
    assert printed.read_text() == f"api in {home.folder} with hello\n"
    eventually(lambda: home.log("worker-out.log") == "npm run worker -- --fast\n", seconds=30)


def test_apps_of_the_configuration_wait_for_the_roles_that_they_need(home):
    home.write_config(
        """
        [apps.api]
        command = ["/bin/sh", "-c", "echo up; exec sleep 612"]
        depends_on = ["server"]
        """
    )
    home.run("up")
    assert [one["id"]["app"] for one in home.instances()] == ["api", "server"]
    ready = [
        one["id"]["app"]
        for one in home.ask("events")
        if one["to"] == "starting" or (one["to"] == "ready" and one["id"]["app"] == "server")
    ]
    assert ready == ["server", "server", "api"]


def test_a_script_is_started_stopped_and_forgotten(home):
    home.write("work.sh", "echo $NAME \"$@\" $NODE_APP_INSTANCE; exec sleep 613")
    home.run("start", "work.sh", "--name", "w", "-i", "2", "--", "--loud", "x", env={"NAME": "n"})
    assert [one["state"] for one in home.instances("w")] == ["ready", "ready"]
    eventually(lambda: home.log("w-out-0.log") == "n --loud x 0\n", seconds=30)
    home.run("stop", "w")
    home.run("start", "w")
    assert [one["state"] for one in home.instances("w")] == ["ready", "ready"]
    pids = {one["pid"] for one in home.instances("w")}
    home.run("restart", "all")
    assert not pids & {one["pid"] for one in home.instances("w")}
    assert "w: does not say when it is ready" in home.run("reload", "default").err
    assert len(home.instances("w")) == 2
    home.run("delete", "w")
    assert home.instances() == []
    for words in (["stop", "w"], ["signal", "HUP", "w"], ["describe-nothing"]):
        assert home.run(*words, code=None).code in (2, 3)
    assert home.run("restart", "nobody", code=3).err.startswith("tranter: no app")


def test_a_signal_reaches_the_app(home):
    ecosystem(home, app("trap 'echo got it' USR2; echo up; while :; do sleep 0.05; done"))
    home.run("up")
    eventually(lambda: "up" in home.log("app-out.log"), seconds=30)
    home.run("signal", "SIGUSR2", "app")
    eventually(lambda: "got it" in home.log("app-out.log"), seconds=30)
    assert home.run("signal", "SIGNONE", "app", code=2).err


def test_orders_for_one_instance_are_for_it_alone(home):
    ecosystem(home, app("sleep 618", instances=3, exec_mode="cluster", increment_var="PORT",
                        env={"PORT": "3000"}))
    home.run("up")

    def pids():
        return {one["id"]["number"]: one["pid"] for one in home.instances("app")}

    def key_of(number):
        return next(str(one["key"]) for one in home.instances("app") if one["id"]["number"] == number)

    before = pids()
    for verb, words in (("restart", ["app:1"]), ("reload", [key_of(1)]), ("stop", ["app:1"]),
                        ("start", [key_of(1)])):
        last = pids()
        home.run(verb, *words)
        now = pids()
        assert (now[0], now[2]) == (before[0], before[2])
        assert now[1] != last[1]
    assert home.run("env", key_of(2), "-o", "json").json()["PORT"] == "3002"
    assert home.run("env", "app", "-o", "json").json()["PORT"] == "3000"
    described = home.run("describe", "app:2", "-o", "json").json()
    assert [one["id"]["number"] for one in described["instances"]] == [2]
    home.run("delete", "app:0")
    assert set(pids()) == {1, 2}
    assert home.run("stop", "app:0", code=3).err


def test_an_instance_that_is_replaced_keeps_its_own_environment(home):
    script = """\
        [ -e held ] || echo '"ready"' >&"$NODE_CHANNEL_FD"
        exec sleep 620"""
    ecosystem(home, app(script, instances=2, exec_mode="cluster", wait_ready=True,
                        listen_timeout=60_000))
    home.run("up")
    key = {one["id"]["number"]: one["key"] for one in home.instances("app")}[0]
    home.write("held", "")
    home.ask("order", order={"kind": "reload", "targets": ["app:0"], "waits": False})

    (old,) = [one for one in home.instances("app") if one["own_number"] is not None]
    assert (old["id"]["number"], old["own_number"]) == (2, 0)
    shown = home.run("env", "app:2", "-o", "json").json()
    assert (shown["NODE_APP_INSTANCE"], shown["pm_id"]) == ("0", str(key))
    home.run("delete", "app")


def test_apps_may_open_as_many_files_as_whoever_started_the_daemon(home):
    ecosystem(home, app("ulimit -Sn; sleep 619"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fewer = min(soft, 333)
    resource.setrlimit(resource.RLIMIT_NOFILE, (fewer, hard))
    try:
        home.run("up")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert eventually(lambda: home.log("app-out.log"), seconds=30) == f"{fewer}\n"
    state = json.loads((home.home / "state.json").read_text())
    limits = pathlib.Path(f"/proc/{state['daemon']}/limits").read_text()
    ours = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(ours.split()[3]) == max(fewer, min(hard, 65536))


def test_what_has_changed_is_restarted_and_the_rest_is_not(home):
    ecosystem(home, app("sleep 614", name="a"), app("sleep 615", name="b"))
    home.run("up")
    before = {one["id"]["app"]: one["pid"] for one in home.instances()}
    ecosystem(home, app("sleep 614", name="a"), app("sleep 616", name="b"), app("sleep 617", name="c"))
    home.run("up")
    after = {one["id"]["app"]: one["pid"] for one in home.instances()}
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    assert set(after) == {"a", "b", "c"}
    assert home.run("up", "--only", "nobody", code=3).err


def test_without_a_daemon_commands_say_so(home):
    outcome = home.run("stop", "all", code=6)
    assert "no daemon runs" in outcome.err
    assert not home.processes()


# The daemon.


def test_health_and_metrics_tell_of_all_apps(home):
    ecosystem(home, app("exec sleep 620"), failing("exit 3", name="bad", max_restarts=1))
    home.run("up", "--listen", "127.0.0.1:0", code=1)
    started = json.loads(home.daemon_log().splitlines()[0])
    url = f"http://{started['health']}"

    def get(path):
        try:
            with urllib.request.urlopen(url + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    assert get("/livez")[0] == 200
    status, why = eventually(lambda: "bad" in get("/readyz")[1] and get("/readyz"), seconds=30)
    assert (status, "bad:0 is errored" in why) == (503, True)
    metrics = get("/metrics")[1]
    assert 'tranter_app_up{app="app",instance="0"} 1' in metrics
    assert 'tranter_app_ready{app="bad",instance="0"} 0' in metrics
    assert 'tranter_app_last_exit_code{app="bad",instance="0"} 3' in metrics
    assert 'tranter_app_restarts_total{reason="exit"} 1' in metrics
    home.run("delete", "bad")
    eventually(lambda: get("/readyz")[0] == 200, seconds=30)


@pytest.mark.parametrize("variables", [{}, {"TRANTER_UP_LISTEN": "127.0.0.1:0"}])
def test_the_file_or_a_variable_says_where_health_is_served(home, variables):
    table = "" if variables else '[up]\nlisten = "127.0.0.1:0"\n'
    home.write("tranter.toml", table + '[apps.app]\ncommand = ["sleep", "600"]\n')
    home.env.update(variables)
    home.run("up")
    started = json.loads(home.daemon_log().splitlines()[0])
    with urllib.request.urlopen(f"http://{started['health']}/livez", timeout=30) as answer:
        assert answer.status == 200
    assert not home.run("up").err


def test_of_two_at_once_there_is_one_daemon(home):
    ecosystem(home, app("sleep 618"))
    many = [home.popen("up", stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [one.wait(60) for one in many] == [0] * 4
    daemons = [
        pid for pid in home.processes()
        if b"\0daemon\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        and pathlib.Path(f"/proc/{pid}/comm").read_text() != "tranter-keeper\n"
    ]
    assert daemons == [home.daemon_pid()]
    assert len(home.instances("app")) == 1


def test_garbage_on_the_socket_changes_nothing(home):
    ecosystem(home, app("sleep 619"))
    home.run("up")
    path = home.home / "daemon.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert home.home.stat().st_mode & 0o777 == 0o700
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff\n", b"{}{}\n", b'{"id":"x"}\n', b"[" * 5000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(30)
            one.connect(str(path))
            one.sendall(garbage)
            answer = one.makefile("rb").read()
        assert json.loads(answer)["error"]["code"] == "invalid_argument"
    assert home.instance("app")["state"] == "ready"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_and_all_apps(home, number):
    script = "trap 'echo bye; exit' INT TERM; echo up; while :; do sleep 0.05; done"
    ecosystem(home, app(script, kill_timeout=60_000))
    home.run("up")
    eventually(lambda: "up" in home.log("app-out.log"), seconds=30)
    daemon = home.daemon_pid()
    os.kill(daemon, number)
    eventually(lambda: not lives(daemon), seconds=30)
    home.check_nothing_left()
    assert "bye" in home.log("app-out.log")


def test_log_files_are_begun_anew_at_a_hangup(home):
    ecosystem(home, app("while :; do echo line; sleep 0.02; done"))
    home.run("up")
    log = home.home / "logs" / "app-out.log"
    eventually(log.exists, seconds=30)
    log.rename(log.with_name("moved.log"))
    os.kill(home.daemon_pid(), signal.SIGHUP)
    eventually(log.exists, seconds=30)
    assert home.instance("app")["state"] == "ready"


def may_unshare():
    command = ["unshare", "-p", "-f", "--kill-child", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize("pid_one", [False, True])
def test_in_the_foreground_it_prints_and_ends_with_its_apps(home, pid_one):
    before = []
    if pid_one:
        if not may_unshare():
            pytest.skip("no process namespace can be made")
        before = ["unshare", "-p", "-f", "--kill-child", "--mount-proc"]
    orphans = "(setsid bash -c 'sleep 0.1 &' &) ; echo hello; sleep 0.3"
    ecosystem(home, app(orphans, autorestart=False))
    process = home.popen("up", "--foreground", before=before, stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.decode() == "app:0 | hello\n"


def test_in_the_foreground_an_app_that_is_given_up_is_a_failure(home):
    ecosystem(home, failing("exit 3", max_restarts=1))
    process = home.popen("up", "--foreground", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.communicate(timeout=60)
    assert process.returncode == 1
    home.check_nothing_left()


def test_in_the_foreground_the_first_signal_stops_and_the_second_kills(home):
    stubborn = "trap 'echo no' INT TERM; echo up; while :; do sleep 0.05; done"
    ecosystem(home, app(stubborn, kill_timeout=600_000))
    process = home.popen("up", "--foreground", stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"app:0 | up\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"app:0 | no\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    process.stdout.close()
    eventually(lambda: not home.processes(), seconds=30)

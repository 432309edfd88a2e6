"""The files of `tranter up`: whose they are, what they hold up, and what watches them."""

import contextlib
import itertools
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest
from apps_home import AppsHome
from waiting import eventually


@pytest.fixture
def home(tmp_path):
    home = AppsHome(tmp_path)
    yield home
    home.clean_up()


@pytest.fixture
def open_folder():
    """Where other users may look, which they may not in those of pytest."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tranter-open-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def app(script, **more):
    return {"name": "app", "script": "bash", "args": ["-c", script], **more}


def ecosystem(home, *apps):
    home.write("ecosystem.config.json", json.dumps({"apps": apps}))


def daemon_lines(home):
    return [json.loads(line) for line in home.daemon_log().splitlines()]


# Another user's files.


def test_links_of_the_user_of_an_app_lead_to_no_file_of_root(home, open_folder):
    if os.geteuid() != 0:
        pytest.skip("only root runs apps as another user")
    nobody = pwd.getpwnam("nobody")
    his = open_folder / "his"
    his.mkdir()
    os.chown(his, nobody.pw_uid, nobody.pw_gid)
    for name in ("out.log", "app.pid"):
        (open_folder / name).write_text("of root\n")
        (his / name).symlink_to(open_folder / name)
    ecosystem(
        home,
        app(
            "echo out; echo err >&2; exec sleep 600",
            user="nobody",
            cwd=str(his),
            out_file=str(his / "out.log"),
            error_file=str(his / "logs" / "err.log"),
            pid_file=str(his / "app.pid"),
        ),
        {**app("echo $UID; exec sleep 600", user="nobody", cwd=str(his)), "name": "other"},
    )
    home.run("up")

    errors = his / "logs" / "err.log"
    eventually(lambda: errors.exists() and errors.read_text() == "err\n", seconds=60)
    assert errors.stat().st_uid == nobody.pw_uid
    # Our own folder is closed to him, and used all the same.
    eventually(lambda: home.log("other-out.log") == f"{nobody.pw_uid}\n", seconds=60)

    def refused():
        return [line["reason"] for line in daemon_lines(home) if "reason" in line]

    eventually(lambda: len(refused()) == 2, seconds=60)
    assert sorted(refused()) == [
        f"{his}/{name} is a link, and is not followed for another user, it has to be a regular file"
        for name in ("app.pid", "out.log")
    ]
    home.run("restart", "all")
    home.run("flush")
    home.run("down")
    for name in ("out.log", "app.pid"):
        assert (open_folder / name).read_text() == "of root\n"
    home.check_nothing_left()


# Files that hang.


def test_logs_that_cannot_be_written_hold_up_nothing(home):
    os.mkfifo(home.folder / "pipe.log")
    ecosystem(
        home,
        app("seq 1 20000; exec sleep 600", out_file="pipe.log"),
        {**app("echo fine; exec sleep 600"), "name": "other"},
        {**app("echo shown; exec sleep 600", out_file="/dev/stdout", instances=2), "name": "shown"},
    )
    home.run("up")
    eventually(lambda: home.log("other-out.log") == "fine\n", seconds=60)
    assert "shown\n" in home.run("logs", "shown", "--no-follow", "--raw").out
    eventually(lambda: "pipe.log is a pipe" in home.daemon_log(), seconds=60)
    assert home.instance("app")["log_lines_dropped"] > 0
    home.run("down")
    home.check_nothing_left()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_in_the_foreground_it_goes_on_when_nobody_reads(home, stream):
    ecosystem(
        home,
        app("seq 1 1000; sleep 0.01", max_restarts=1_000_000, min_uptime=60_000),
    )
    read, write = os.pipe()
    other = "stderr" if stream == "stdout" else "stdout"
    home.env["TRANTER_LOG_LEVEL"] = "debug"
    process = home.popen("up", "--foreground", **{stream: write, other: subprocess.DEVNULL})
    os.close(write)

    def restarts():
        with contextlib.suppress(OSError):
            return home.instance("app")["restarts"]
        return 0

    # Much more than the pipe holds, and with what is printed more than may wait.
    eventually(lambda: restarts() > 200, seconds=60)
    with os.fdopen(read, "rb") as unread:
        begin = unread.read(60_000)
        assert (b"app:0 | 1\n" if stream == "stdout" else b'"an instance changed"') in begin
        if stream == "stdout":
            some = itertools.islice(unread, 1_000_000)
            assert any(line.endswith(b" lines were not read in time\n") for line in some)
        process.send_signal(signal.SIGTERM)
        # Nobody reads the rest either.
        assert process.wait(60) == 0
    home.check_nothing_left()


# Files that are watched.


def test_what_the_supervisor_writes_restarts_nothing(home):
    home.home = home.folder / "state"
    home.env["TRANTER_HOME"] = str(home.home)
    own = {
        "watch": True,
        "watch_delay": 10,
        "pid_file": "app.pid",
        "out_file": "logs/out.log",
        "error_file": "logs/err.log",
    }
    ecosystem(home, app("echo up; echo bad >&2; exec sleep 600", **own))
    home.run("up")

    for name in ("main.js", "second.js"):
        before = home.instance("app")
        home.write(name, "changed")
        home.until_replaced(before)
        home.run("restart", "app")

    causes = [line["cause"] for line in daemon_lines(home) if "watch: " in line.get("cause", "")]
    changed = {pathlib.Path(cause.removeprefix("watch: ")).name for cause in causes}
    assert changed == {"main.js", "second.js"}
    home.run("down")
    assert not (home.folder / "app.pid").exists()

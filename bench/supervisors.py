"""What supervisors cost: `tranter up`, PM2 and Debian's supervisor, with the same programs of a shell.

Each keeps twenty programs that do nothing. Measured are the moment until all of them run, the daemon's
memory, a question for their state, and how long it takes from the SIGKILL of one until another runs in
its place; and how long six programs take to stop that ignore being asked, with a second of patience.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from servers import BENCH, PATIENCE_SECONDS, Missing, binary, node
from tables import median_of, table, verdict

APPS = 20
STUBBORN = 6
CRASHES = 15
QUESTIONS = 10
PROGRAM = """#!/bin/sh
{first}
echo $$ >>"$STARTS/{name}"
while :; do sleep 1000; done
"""


class Supervisor:
    """One that runs, in a folder of its own. Use it in a `with`."""

    def __init__(self, prefix, count, first):
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self.starts = self.folder / "starts"
        self.starts.mkdir()
        self.names = [f"app{number}" for number in range(count)]
        for name in self.names:
            program = self.folder / f"{name}.sh"
            program.write_text(PROGRAM.format(first=first, name=name))
            program.chmod(0o755)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder),
                    "STARTS": str(self.starts)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run(*self.END)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words):
        process = subprocess.Popen([*self.WORDS, *words], cwd=self.folder, env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        patience = threading.Timer(PATIENCE_SECONDS, process.kill)
        patience.start()
        # With a timeout of its own it looks at moments that are up to 50 ms apart, which would be
        # what is measured.
        process.wait()
        patience.cancel()

    def pids(self, name):
        """Of all its starts; a line that is being written does not count."""
        path = self.starts / name
        lines = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return [int(line) for line in lines.split()]

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"{type(self).__name__} does not do it")
            time.sleep(0.0002)

    def start(self):
        begin = time.monotonic()
        self.launch()
        self.wait_for(lambda: all(self.pids(name) for name in self.names))
        return time.monotonic() - begin

    def crash(self, name):
        before = self.pids(name)
        begin = time.monotonic()
        os.kill(before[-1], signal.SIGKILL)
        self.wait_for(lambda: len(self.pids(name)) > len(before))
        return time.monotonic() - begin

    def time_of(self, *words):
        begin = time.monotonic()
        self.run(*words)
        return time.monotonic() - begin


class Tranter(Supervisor):
    NAME = "tranter up"
    WORDS = [binary("tranter")]
    END, STATE, STOP = ["down"], ["ps"], ["stop", "all"]

    def launch(self):
        self.env["TRANTER_HOME"] = str(self.folder / "home")
        tables = [f"""[apps.{name}]
command = ["./{name}.sh"]
restart.max = 0
restart.min_uptime = "0s"
stop.timeout = "1s"
""" for name in self.names]
        (self.folder / "tranter.toml").write_text("\n".join(tables))
        self.run("up", "--no-wait")

    def daemon(self):
        state = json.loads((self.folder / "home" / "state.json").read_text())
        return state["daemon"]


class Pm2(Supervisor):
    NAME = "PM2 7"
    END, STATE, STOP = ["kill"], ["ls"], ["stop", "all"]
    program = BENCH / "node_modules" / "pm2" / "bin" / "pm2"
    WORDS = [node(), str(program)]

    def launch(self):
        if not self.program.exists():
            raise Missing("pm2 is not installed (npm ci in bench/)")
        self.env["PM2_HOME"] = str(self.folder / "home")
        apps = [{"name": name, "script": f"./{name}.sh", "interpreter": "/bin/sh",
                 "max_restarts": 1000, "kill_timeout": 1000} for name in self.names]
        (self.folder / "ecosystem.config.json").write_text(json.dumps({"apps": apps}))
        self.run("start", "ecosystem.config.json")

    def daemon(self):
        return int((self.folder / "home" / "pm2.pid").read_text())


class Supervisord(Supervisor):
    NAME = "supervisor 4 (Debian)"
    WORDS = ["supervisorctl", "-c", "supervisord.conf"]
    END, STATE, STOP = ["shutdown"], ["status"], ["stop", "all"]

    def launch(self):
        if shutil.which("supervisord") is None:
            raise Missing("supervisord is not installed (apt install supervisor)")
        tables = [f"""[program:{name}]
command=/bin/sh ./{name}.sh
autorestart=true
startsecs=0
startretries=1000
stopwaitsecs=1
killasgroup=true
""" for name in self.names]
        (self.folder / "supervisord.conf").write_text("\n".join(["""[supervisord]
pidfile=supervisord.pid
logfile=supervisord.log
[unix_http_server]
file=supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://supervisor.sock
""", *tables]))
        subprocess.run(["supervisord", "-c", "supervisord.conf"], cwd=self.folder, env=self.env,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def daemon(self):
        return int((self.folder / "supervisord.pid").read_text())


KINDS = [Tranter, Pm2, Supervisord]


def resident_megabytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def of_idle_apps(kind):
    with kind("supervisors-", APPS, "") as one:
        result = {"start_ms": one.start() * 1000}
        one.run(*one.STATE)
        result["crash_ms"] = median_of(
            [{"ms": one.crash(one.names[i % APPS]) * 1000} for i in range(CRASHES)], "ms")
        result["state_ms"] = median_of(
            [{"ms": one.time_of(*one.STATE) * 1000} for _ in range(QUESTIONS)], "ms")
        result["rss_mb"] = resident_megabytes(one.daemon())
    return result


def of_stubborn_apps(kind):
    with kind("stubborn-", STUBBORN, "trap '' TERM INT") as one:
        one.start()
        return one.time_of(*one.STOP) * 1000


def supervisors():
    rows, ours = [], None
    for kind in KINDS:
        result = of_idle_apps(kind)
        ours = ours or result
        rows.append([kind.NAME, f"{result['start_ms']:.0f}", f"{result['crash_ms']:.1f}",
                     f"{result['state_ms']:.1f}", f"{result['rss_mb']:.1f}",
                     f"{of_stubborn_apps(kind):.0f}"])
    head = [f"{APPS} programs", "all run ms", "crash to the next ms", "state ms", "daemon RSS MB",
            f"{STUBBORN} stubborn ones stopped ms"]
    return [*table(head, rows), "",
            verdict("all run", ours["start_ms"], 200, "ms", 0),
            verdict("crash to the next", ours["crash_ms"], 3, "ms"),
            verdict("state", ours["state_ms"], 10, "ms"),
            verdict("daemon RSS", ours["rss_mb"], 10, "MB")]


ALL = {"supervisors": (supervisors, "Supervisors")}

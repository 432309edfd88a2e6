"""A monkey at the topology of `tranter up`: roles are killed, stopped in their tracks and restarted at
random, and so are the daemon and its keepers, while jobs flow. All jobs have to be done in the end, and
the history has to explain every one that was done twice.

    TRANTER_MONKEY_SECONDS=120 TRANTER_MONKEY_JOBS=20000 TRANTER_MONKEY_SEED=1    the long form
"""

import collections
import contextlib
import os
import random
import signal
import time
import urllib.error

import pytest
from apps_home import AppsHome
from chaos_journal import PROGRAMS, Journal, Report, produce
from jobs import call
from local_machine import parent_of
from waiting import eventually

SECONDS = float(os.environ.get("TRANTER_MONKEY_SECONDS", "12"))
JOBS = int(os.environ.get("TRANTER_MONKEY_JOBS", "2000"))
SEED = int(os.environ.get("TRANTER_MONKEY_SEED", str(time.time_ns() % 1_000_000)))
ROLES = ["server", "worker", "scheduler"]
STOP_SECONDS = 3  # more than a lease
PATIENCE = 120

CONFIG = """
[queues.monkey]
dead_letter = {{ queue = "monkey-dlq", max_receives = 100 }}
[queues.monkey-dlq]

[handlers.python]
child = ["python3", "{programs}/child.py"]
processes = 2
environment = {{ JOURNAL = "{journal}" }}
retry = {{ max_attempts = 100, base = "100ms", factor = 1, max = "1s" }}

[schedules.tick]
every = "1s"
queue = "ticks"
type = "tick"

[apps.server]
role = "serve"
restart.max = 0
restart.delay_max = "0s"
[apps.worker]
role = "work"
instances = 2
restart.max = 0
restart.delay_max = "0s"
depends_on = ["server"]
[apps.scheduler]
role = "schedule"
restart.max = 0
restart.delay_max = "0s"
depends_on = ["server"]
"""


class Jungle:
    """What runs, and what the monkey does to it."""

    def __init__(self, path):
        self.apps = AppsHome(path)
        self.chance = random.Random(SEED)
        self.journal = Journal(path / "journal")
        self.accidents = collections.Counter()
        self.producer = None
        config = self.apps.write_config(CONFIG.format(programs=PROGRAMS, journal=self.journal.path))
        text = config.read_text().replace('queues = ["default"]', 'queues = ["monkey"]')
        config.write_text(f'[scheduler]\nhealth = "127.0.0.1:0"\nstore = "file:{path}/s"\n{text}')
        (path / "s").mkdir()
        self.admin_endpoint = f"http://127.0.0.1:{self.apps.admin}"
        self.env = {"TRANTER_URL": self.admin_endpoint}

    def open(self):
        self.apps.run("up", env=self.env)

    def produce(self):
        url = f"http://127.0.0.1:{self.apps.sqs}/000000000000/monkey"
        self.producer = produce(url, self.apps.folder / "sent", 0, JOBS, JOBS / SECONDS, ["python"])
        return self.producer

    def strike(self):
        strikes = [self.kill, self.kill, self.halt, self.halt, self.restart, self.kill_keeper,
                   self.kill_daemon]
        happened = self.chance.choice(strikes)()
        if happened:
            self.accidents[happened] += 1

    def victim(self):
        """(role, pid of one of its instances that runs)"""
        role = self.chance.choice(ROLES)
        pids = [one["pid"] for one in self.apps.instances(role) if one["pid"]]
        return role, self.chance.choice(pids) if pids else None

    def send(self, pid, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill(self):
        role, pid = self.victim()
        if pid is None:
            return None
        with self.journal.accident(role):
            self.send(pid, signal.SIGKILL)
            eventually(lambda: pid not in [one["pid"] for one in self.apps.instances(role)], PATIENCE)
        return f"kill -9 of {role}"

    def halt(self):
        role, pid = self.victim()
        if pid is None:
            return None
        with self.journal.accident(role):
            self.send(pid, signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.05, STOP_SECONDS))
            self.send(pid, signal.SIGCONT)
        return f"stop and continue of {role}"

    def restart(self):
        role = self.chance.choice(ROLES)
        with self.journal.accident(role):
            self.apps.run("restart", role)
        return f"restart of {role}"

    def kill_keeper(self):
        """The one of an instance, which is then an orphan."""
        role, pid = self.victim()
        if pid is None:
            return None
        keeper = parent_of(pid)
        if keeper in (0, 1, self.apps.daemon_pid()):
            return None
        with self.journal.accident(role):
            self.send(keeper, signal.SIGKILL)
            eventually(lambda: pid not in [one["pid"] for one in self.apps.instances(role)], PATIENCE)
        return f"kill -9 of the keeper of {role}"

    def kill_daemon(self):
        with self.journal.accident("daemon"):
            self.send(self.apps.daemon_pid(), signal.SIGKILL)
            self.apps.run("up", env=self.env)
        return "kill -9 of the daemon"

    def stats(self, queue):
        with contextlib.suppress(urllib.error.URLError, OSError):
            return call(self, f"/v1/queues/{queue}")
        return None

    def is_done(self):
        stats = self.stats("monkey")
        return stats and not any(stats[name] for name in ("pending", "scheduled", "processing"))


@pytest.fixture
def jungle(tmp_path):
    running = Jungle(tmp_path)
    try:
        running.open()
        yield running
    finally:
        if running.producer:
            running.producer.process.kill()
            running.producer.process.wait()
        running.apps.clean_up()


@pytest.mark.alone
def test_all_jobs_are_done_whatever_happens_to_the_roles(jungle, capsys):
    producer = jungle.produce()
    end = time.monotonic() + SECONDS
    while producer.process.poll() is None or time.monotonic() < end:
        time.sleep(jungle.chance.uniform(0.1, 0.7))
        jungle.strike()
    acknowledged, _ = producer.finish()
    for role in ROLES:
        eventually(
            lambda role=role: {one["state"] for one in jungle.apps.instances(role)} == {"ready"},
            PATIENCE,
        )
    eventually(jungle.is_done, PATIENCE)

    report = Report(jungle.journal.lines())
    duplicates = report.duplicates()
    with capsys.disabled():
        print(f"\nmonkey, seed {SEED}: {len(acknowledged)} jobs, {len(duplicates)} done twice; "
              + ", ".join(f"{count} x {what}" for what, count in jungle.accidents.most_common()))

    assert {effect[2] for effect in report.effects} == set(range(JOBS))
    assert not acknowledged.keys() - report.by_id.keys(), "acknowledged jobs are lost"
    assert jungle.stats("monkey-dlq")["pending"] == 0
    assert not report.unexplained()
    for identity in {pair[0][3] for pair in duplicates}:
        job = call(jungle, f"/v1/jobs/{identity}")
        assert job["state"] == "completed"
        assert job["attempt"] == max(effect[4] for effect in report.by_id[identity])

    jungle.apps.run("down")
    jungle.apps.check_nothing_left()

"""Schedulers that are killed or stopped at a chosen point, on a clock that a test moves."""

import mmap
import os
import pathlib
import signal
import struct
import tempfile
import time

from command_line import ok
from scheduler_process import SchedulerProcess
from tools import TOOLS

KINDS = ("write", "sync", "local", "network")
FIELDS = ("clock_micros", "points_left", "kinds", "signal", "sleeps", *KINDS)
STRUCK = slice(8 * len(FIELDS), 8 * len(FIELDS) + 104)


class Control:
    """The file through which killpoints.so is told what to do; see killpoints.cpp."""

    def __init__(self, folder):
        descriptor, self.path = tempfile.mkstemp(dir=folder, prefix="control-")
        os.ftruncate(descriptor, STRUCK.stop)
        self.memory = mmap.mmap(descriptor, STRUCK.stop)
        os.close(descriptor)

    def __getitem__(self, field):
        return struct.unpack_from("=q", self.memory, 8 * FIELDS.index(field))[0]

    def __setitem__(self, field, value):
        struct.pack_into("=q", self.memory, 8 * FIELDS.index(field), value)

    @property
    def struck(self):
        return self.memory[STRUCK].split(b"\0")[0].decode()


class SteeredScheduler(SchedulerProcess):
    def __init__(self, folder, provider, store, *flags, role="schedule", clock_micros=0):
        library = TOOLS / "killpoints.so"
        assert library.exists(), f"{library} is missing: build durability_tools"
        self.control = Control(folder)
        self.control["clock_micros"] = clock_micros
        self.control["signal"] = signal.SIGKILL
        self.log_path = pathlib.Path(self.control.path + ".log")
        env = {"LD_PRELOAD": str(library), "KILLPOINTS": self.control.path}
        with open(self.log_path, "wb") as log:
            super().__init__(provider, store, *flags, role=role, env=env, log=log)

    def passed(self, kinds=KINDS):
        return sum(self.control[kind] for kind in kinds)

    @property
    def is_dead(self):
        return self.process.poll() is not None

    @property
    def is_stopped(self):
        if self.is_dead:
            return False
        with open(f"/proc/{self.process.pid}/stat", "rb") as status:
            return status.read().split()[2] == b"T"

    def log(self):
        return self.log_path.read_text(errors="replace")


class Fleet:
    """Schedulers on one store whose clocks go together, with minutes between two steps of them."""

    def __init__(self, folder, provider, store, role="schedule", size=3):
        self.folder, self.work, self.role = folder, (provider, store), role
        self.clock_micros = 0
        self.deaths = []  # where
        self.old = []
        self.schedulers = []
        self.size = size

    def __enter__(self):
        self.replace_the_dead()
        return self

    def __exit__(self, *_):
        for one in self.schedulers:
            one.process.kill()
            one.process.wait()

    def replace_the_dead(self):
        for one in [one for one in self.schedulers if one.is_dead]:
            assert one.process.returncode == -signal.SIGKILL, one.log()
            self.deaths.append(one.control.struck)
            self.old.append(one)
            self.schedulers.remove(one)
        while len(self.schedulers) < self.size:
            one = SteeredScheduler(
                self.folder, *self.work, role=self.role, clock_micros=self.clock_micros
            )
            assert one.began, one.log()
            self.schedulers.append(one)

    def aim(self, points, kinds=KINDS, number=signal.SIGKILL):
        """Each is struck at that point of such kinds from now on; 0: none is."""
        for one in self.schedulers:
            one.control["points_left"] = 0
            one.control["kinds"] = sum(1 << KINDS.index(kind) for kind in kinds)
            one.control["signal"] = number
            one.control["points_left"] = points

    def step(self, seconds):
        self.clock_micros += round(seconds * 1_000_000)
        for one in self.schedulers:
            one.control["clock_micros"] = self.clock_micros

    def settle(self, seconds=30, only=None):
        """Until each has done what there was to do, or one is stopped, which may hold what others
        wait for. False: not in time. `only`: what these do, whoever is stopped."""
        waiting = {one: one.control["sleeps"] for one in only or self.schedulers}
        deadline = time.monotonic() + seconds
        for one, slept in waiting.items():
            # The first sleep may follow a look that began before the clock was moved.
            while one.control["sleeps"] < slept + 2 and not one.is_dead:
                if only is None and self.stopped():
                    return True
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.001)
        return True

    def stopped(self):
        return [one for one in self.schedulers if one.is_stopped]

    def log(self):
        return "".join(one.log() for one in [*self.old, *self.schedulers])


class Minutely:
    """Schedules that fire every minute of a time to come."""

    def __init__(self, store, names, slots, *flags):
        self.store = store
        self.names = names
        for name in names:
            self.run(
                *("add", name, "--every", "1 minute", "--type", "tick", *flags),
                *("--misfire", "run_all", "--misfire-window", "30d", "--misfire-cap", "10000"),
            )
        # All begin with the same slot, which is not over before they are made.
        self.first = int(time.time()) // 60 * 60 + 180
        self.slots = [text_of(self.first + 60 * number) for number in range(slots)]
        for name in names:
            self.run("edit", name, "--start-at", self.slots[0], "--end-at", self.slots[-1])

    def run(self, *words):
        return ok("schedule", *words, env={"TRANTER_SCHEDULER_STORE": self.store})

    def seconds_until_the_first_slot(self):
        """And half a minute less."""
        return self.first - 30 - time.time()

    def shown(self):
        return [self.run("show", name).json() for name in self.names]

    def has_enqueued_all(self):
        return all(
            one["runs"] == len(self.slots)
            and {run["state"] for run in one["last_runs"]} == {"enqueued"}
            for one in self.shown()
        )

    def assert_nothing_is_open(self):
        assert self.has_enqueued_all(), self.shown()
        for one in self.shown():
            assert (one["missed"], one["skipped"], one["last_error"]) == (0, 0, None), one

    def assert_each_slot_is_one_job(self, jobs):
        """`jobs`: pairs of schedule and slot, in any order."""
        made = {name: [] for name in self.names}
        for schedule, slot in jobs:
            made[schedule].append(slot)
        for name, slots in made.items():
            assert sorted(slots) == self.slots, (name, difference(slots, self.slots))


def difference(made, wanted):
    return {
        "lost": sorted(set(wanted) - set(made)),
        "foreign": sorted(set(made) - set(wanted)),
        "twice": sorted(slot for slot in set(made) if made.count(slot) > 1),
    }


def text_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def schedule_and_slot(tags):
    named = dict(tag.split("=", 1) for tag in tags)
    return named["schedule"], named["scheduled_for"]

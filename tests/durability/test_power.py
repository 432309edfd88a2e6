"""Power cuts, failing syncs and a full disk, on a file system that loses what was not synced."""

import random

import pytest
from checker import check
from clients import Client, Gone
from history import History
from store import SEED, Store, Trial, judge, rounds
from tools import CrashDisk, admin
from traffic import drain
from waiting import eventually
from wire import request

UNLIMITED = 2**64 - 1


@pytest.fixture
def disk():
    with CrashDisk() as mounted:
        yield mounted


def cut_power(store, disk, seed):
    """A disk without power answers nothing, so nothing can be acknowledged before the kill."""

    def strike():
        disk.cut_power(seed)
        store.kill()
        disk.power_on()

    return strike


def test_power_cuts_under_load_lose_and_resurrect_nothing(disk):
    chance = random.Random(SEED)
    store = Store(disk.directory)
    trial = Trial(store, SEED)
    trial.begin()

    for number in range(rounds(30)):
        disk.control(f"delay {chance.choice([0, 0, 1, 5])}")
        seed = None if number % 3 == 0 else chance.randrange(2**32)
        trial.round("power", chance.uniform(0.05, 0.5), cut_power(store, disk, seed))

    trial.judge()
    store.stop()


def test_power_cuts_during_recovery_lose_nothing(disk):
    chance = random.Random(SEED)
    store = Store(disk.directory)
    trial = Trial(store, SEED)
    trial.begin()

    for _ in range(rounds(8)):

        def strike():
            cut_power(store, disk, chance.randrange(2**32))()
            for _ in range(3):
                store.start_and_kill(chance.uniform(0, 0.02))
                disk.cut_power(chance.randrange(2**32))
                disk.power_on()

        trial.round("power", 0.2, strike)

    trial.judge()
    store.stop()


class Sender:
    """One client with a queue, who sends until something else than success happens."""

    def __init__(self, store, disk):
        self.store = store
        self.disk = disk
        self.history = History()
        self.client = Client(self.history, "p", SEED)
        self.client.connect(store.start())
        self.client.create_queue("q")

    def cut_power(self, seed=None):
        """And starts again, on a disk that has space."""
        accident = self.history.begin("power")
        cut_power(self.store, self.disk, seed)()
        self.disk.control(f"quota {UNLIMITED}")
        self.client.connect(self.store.start())
        accident.ok()

    def send(self):
        return self.client.send("q", [self.client.new_message()])[0]

    def send_until_refused(self, most=20_000):
        for _ in range(most):
            refused = self.send()
            if refused.outcome != "ok":
                return refused
        raise AssertionError(f"{most} sends were accepted")

    def is_accepted(self):
        return self.send().outcome == "ok"

    def drain_and_judge(self, name):
        drain(self.history, self.store.server, ["q"])
        judge(self.history, name)


@pytest.mark.parametrize("number", [1, 7])
def test_a_failed_sync_ends_all_acknowledging_until_a_restart(disk, number):
    store = Store(disk.directory)
    sender = Sender(store, disk)
    held = [sender.client.receive("q", 2, 1) for _ in range(2) if sender.send()]
    disk.control(f"eio {number}")

    refused = sender.send_until_refused()

    assert (refused.status, refused.code.rpartition("#")[2]) == (503, "ServiceUnavailable")
    status, text = admin(store.server, "/readyz")
    assert status == 503 and "sync" in text, text
    assert admin(store.server, "/livez")[0] == 200
    for _ in range(20):
        assert sender.send().status == 503
    assert sender.client.delete("q", held[0])[0].status == 503
    assert sender.client.set_attribute("q", "DelaySeconds", "1").status == 503
    assert sender.client.purge("q").status == 503
    assert sender.client.receive("q", 5) == []

    sender.cut_power()

    assert sender.is_accepted()
    sender.drain_and_judge(f"eio-{number}")
    store.stop()


def test_a_failed_sync_under_load_loses_nothing(disk):
    chance = random.Random(SEED)
    store = Store(disk.directory)
    trial = Trial(store, SEED)
    trial.begin()

    for _ in range(rounds(5)):
        disk.control(f"eio {chance.randint(1, 40)}")

        def strike():
            cut_power(store, disk, chance.randrange(2**32))()
            disk.control("eio 0")

        trial.round("power", 0.4, strike)

    trial.judge()
    store.stop()


def test_a_stop_after_a_failed_sync_ends_the_process(disk):
    store = Store(disk.directory)
    sender = Sender(store, disk)
    disk.control("eio 1")
    sender.send_until_refused()

    store.server.process.terminate()

    store.server.wait()
    store.server.directory.cleanup()


def test_a_disk_that_is_full_without_a_warning_refuses_and_recovers(disk):
    """As with a quota: statfs promises space that is not there."""
    store = Store(disk.directory)
    sender = Sender(store, disk)
    disk.control("quota 300000")

    refused = sender.send_until_refused()

    assert refused.status >= 400
    disk.control(f"quota {UNLIMITED}")
    eventually(sender.is_accepted)
    assert request(store.server, "GET", "/health").status == 200

    sender.cut_power()
    sender.drain_and_judge("quota")
    store.stop()


def test_a_kill_while_the_disk_is_full_without_a_warning_loses_nothing(disk):
    store = Store(disk.directory)
    sender = Sender(store, disk)
    for space in (0, 100, 5000, 70_000):
        disk.control(f"quota {space}")
        try:
            sender.send_until_refused()
        except Gone:
            pass
        sender.cut_power(SEED)

    sender.drain_and_judge("quota-kill")
    store.stop()




def test_os_survives_a_kill_but_not_a_power_cut(disk):
    """What `os` promises; and the proof that these power cuts cut something."""
    store = Store(disk.directory, durability="os")
    sender = Sender(store, disk)
    for _ in range(300):
        assert sender.send().outcome == "ok"
    sender.cut_power()
    sender.client.create_queue("q")

    drain(sender.history, store.server, ["q"])

    assert "lost" in {violation.rule for violation in check(sender.history)}
    store.stop()

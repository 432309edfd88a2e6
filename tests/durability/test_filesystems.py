"""Power cuts on real file systems."""

import random
import subprocess
import sys

import pytest
import wal
from loop_disk import LoopDisk
from store import SEED, Store, Trial, rounds
from tools import sync_directory


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cuts_on_a_real_file_system_lose_nothing(kind):
    chance = random.Random(SEED)
    with LoopDisk(kind) as disk:
        store = Store(disk.directory)
        trial = Trial(store, SEED)
        trial.begin()

        for _ in range(rounds(5)):

            def strike():
                disk.cut_power(store.server.pid)
                store.kill()
                disk.power_on()

            trial.round("power", chance.uniform(0.1, 0.5), strike)

        trial.judge()
        store.stop()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("mistake, loses", [("", False), ("no-sync", True)])
def test_the_power_cut_itself_loses_only_what_was_not_synced(kind, mistake, loses):
    with LoopDisk(kind) as disk:
        disk.directory.mkdir()
        sync_directory(disk.mount)
        words = [sys.executable, wal.__file__, "write", disk.directory, "100000", mistake]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            for _ in range(50):
                process.stdout.readline()
            disk.cut_power(process.pid)
            acknowledged = 50 + len(process.stdout.readlines())
        disk.power_on()

        assert (wal.read(disk.directory) < acknowledged) == loses

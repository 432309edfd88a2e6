"""The fault tools find planted mistakes in a small log, and nothing in one without mistakes."""

import os
import pathlib
import subprocess
import sys

import pytest
import wal
from tools import CrashDisk, LosingDirectory

WAL = pathlib.Path(wal.__file__)
RECORDS = 25  # three segments


def write(directory, mistake, environment=None):
    """Runs it to its end or its death; returns how many records it acknowledged."""
    words = [sys.executable, WAL, "write", directory, str(RECORDS), mistake]
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(
        words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return len(done.stdout.split()), done.returncode


def sweep(home, mistake, seed=None):
    """Lost records over power cuts before each I/O call until the program survives."""
    lost, torn = 0, 0
    for call in range(1, 200):
        home_of_call = home / f"{seed}-{call}"
        home_of_call.mkdir()
        disk = LosingDirectory(home_of_call)
        acknowledged, code = write(disk.directory, mistake, disk.environment(call))
        torn += disk.cut_power(None if seed is None else seed + call) > 0
        lost += max(0, acknowledged - wal.read(disk.directory))
        if code == 0:
            return lost, torn, call - 1
    raise AssertionError("it never ended by itself")


def test_a_power_cut_before_every_call_loses_nothing_that_was_synced(tmp_path):
    for seed in (None, 1):
        lost, torn, calls = sweep(tmp_path, "", seed)

        assert lost == 0
        assert torn >= RECORDS / 2
        assert calls == 2 * RECORDS + 2 * 3


@pytest.mark.parametrize("mistake", ["no-sync", "no-directory-sync"])
def test_a_power_cut_before_every_call_shows_a_missing_sync(tmp_path, mistake):
    lost, _, _ = sweep(tmp_path, mistake)

    assert lost > 0


def crash_disk_loss(mistake, *faults, seed=None):
    with CrashDisk() as disk:
        for fault in faults:
            disk.control(fault)
        acknowledged, _ = write(disk.directory, mistake)
        disk.cut_power(seed)
        with pytest.raises(OSError):
            disk.directory.stat()
        disk.power_on()
        return acknowledged - wal.read(disk.directory)


def test_the_crash_disk_keeps_what_was_synced():
    assert crash_disk_loss("") == 0
    assert crash_disk_loss("", seed=1) == 0
    assert crash_disk_loss("", "eio 7") == 0
    assert crash_disk_loss("", "space 10000") == 0


@pytest.mark.parametrize(
    "mistake, faults",
    [("no-sync", []), ("no-directory-sync", []), ("believe-failed-sync", ["eio 7"])],
    ids=["no-sync", "no-directory-sync", "believe-failed-sync"],
)
def test_the_crash_disk_shows_a_mistake(mistake, faults):
    assert crash_disk_loss(mistake, *faults) > 0


def test_the_crash_disk_is_full_when_told_to():
    with CrashDisk() as disk:
        disk.control("space 10000")
        acknowledged, code = write(disk.directory, "")
        free = os.statvfs(disk.directory).f_bavail * os.statvfs(disk.directory).f_frsize

        assert (acknowledged, code) == (14, 1)
        assert free < 1000


def test_the_crash_disk_tears_an_unsynced_file_by_sectors():
    with CrashDisk() as disk:
        path = disk.directory / "file"
        path.write_bytes(b"x" * 512 * 64)
        disk.cut_power(seed=3)
        disk.power_on()

        content = path.read_bytes()

        sectors = {content[at : at + 512] for at in range(0, len(content), 512)}
        assert sectors == {b"x" * 512, bytes(512)}

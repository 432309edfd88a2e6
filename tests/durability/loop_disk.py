"""A real file system on a loop device, whose power can be cut by the shutdown ioctl."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest
from tools import need_root
from waiting import eventually

MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}
IMAGE_BYTES = 512 * 1024 * 1024


class LoopDisk:
    def __init__(self, kind, under=None):
        need_root("a loop device")
        for program in (MAKE[kind][0], "xfs_io", "losetup"):
            if shutil.which(program) is None:
                pytest.skip(f"needs {program}")
        self._home = tempfile.TemporaryDirectory(prefix="tranter-loop-", dir=under)
        home = pathlib.Path(self._home.name)
        home.chmod(0o755)  # a server may run as another user
        image = home / "image"
        with open(image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        subprocess.run([*MAKE[kind], image], check=True)
        taken = subprocess.run(
            ["losetup", "-f", "--show", image], capture_output=True, text=True
        )
        if taken.returncode != 0:
            self._home.cleanup()
            pytest.skip(f"no loop device: {taken.stderr.strip()}")
        self._device = taken.stdout.strip()
        self.mount = home / "mount"
        self.mount.mkdir()
        self._mount()
        self.directory = self.mount / "data"

    def _mount(self):
        subprocess.run(["mount", self._device, self.mount], check=True)

    def _unmount(self):
        subprocess.run(["umount", self.mount], check=True)

    def cut_power(self, *processes):
        """Of everything at once. Stopped first, because a sync that is under way during the
        shutdown may return success."""
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        wait_until_all_are(processes, "TZ")
        subprocess.run(["xfs_io", "-x", "-c", "shutdown", self.mount], check=True)
        for process in processes:
            os.kill(process, signal.SIGKILL)
        wait_until_all_are(processes, "ZX")

    def power_on(self):
        """Once no process has anything open there."""
        self._unmount()
        self._mount()

    def close(self):
        subprocess.run(["umount", "-l", self.mount], check=True)  # whatever went wrong
        subprocess.run(["losetup", "-d", self._device], check=True)
        self._home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_until_all_are(processes, states):
    """Every thread, also one that is inside of a system call now; or gone."""

    def state(task):
        try:
            return (task / "stat").read_text().rpartition(") ")[2][0]
        except OSError:
            return states[0]

    def done():
        folders = [pathlib.Path(f"/proc/{number}/task") for number in processes]
        return {state(task) for folder in folders for task in folder.glob("*")} <= set(states)

    eventually(done, pause=0.001)

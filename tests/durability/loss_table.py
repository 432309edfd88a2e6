#!/usr/bin/python3
"""Makes the table of docs/durability.md: acknowledged messages that several brokers and databases
lose. One client sends, each message after the acknowledgement of the one before; then the server
is killed, or the power of its disk is cut (ext4 on a loop device, the shutdown ioctl); what is
there after a restart is counted. Needs root and the packages under [loss] in tools/packages.txt.

    tests/durability/loss_table.py [--runs 5] [--seconds 4] [NAME...]

NAME is a part of a backend's name."""

import argparse
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from clients import Gone
from loop_disk import LoopDisk
from loss_backends import BACKENDS


class Load:
    """Sends until the server is gone, or until it is told to stop."""

    def __init__(self, backend):
        self.acknowledged = 0
        self._backend = backend
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while True:
                self._backend.send(self.acknowledged)
                self.acknowledged += 1
        except (OSError, Gone):
            pass

    def run_for(self, seconds):
        self._thread.join(seconds)
        assert self._thread.is_alive(), f"ended by itself after {self.acknowledged} sends"

    def join(self):
        self._thread.join(60)
        assert not self._thread.is_alive(), "still sends"


def lose(make, accident, seconds):
    """How many were acknowledged, and how many of them were lost."""
    with LoopDisk("ext4") as disk:
        disk.directory.mkdir()
        backend = make(disk.directory)
        try:
            backend.start()
            backend.prepare()
            subprocess.run(["sync", "-f", disk.mount], check=True)  # set up long ago
            load = Load(backend)
            load.run_for(seconds)
            if accident == "power":
                disk.cut_power(*backend.processes())
                backend.ended()
                disk.power_on()
            else:
                backend.kill()
            load.join()
            backend.start()
            return load.acknowledged, max(0, load.acknowledged - backend.count())
        finally:
            backend.kill()


def cell(results):
    acknowledged = [one for one, _ in results]
    lost = [one for _, one in results]
    if not any(lost):
        return f"0 of {sum(acknowledged):,}"
    runs = sum(one > 0 for one in lost)
    text = f"{sum(lost):,} of {sum(acknowledged):,}"
    return text if runs == len(lost) else f"{text}, in {runs} of {len(lost)} runs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("names", nargs="*", default=[""])
    options = parser.parse_args()
    print("| | lost by kill -9 | lost by a power cut |\n|---|---:|---:|")
    for name, make in BACKENDS.items():
        if not any(part.lower() in name.lower() for part in options.names):
            continue
        cells = []
        for accident in ("kill", "power"):
            results = [lose(make, accident, options.seconds) for _ in range(options.runs)]
            cells.append(cell(results))
            print(f"{name}, {accident}: {results}", file=sys.stderr, flush=True)
        print(f"| {name} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    main()

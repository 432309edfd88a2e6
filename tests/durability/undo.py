"""Cuts the power of a directory after the fact: takes back what losewrites.so saw go unsynced.

Without a seed everything unsynced is lost. With one a random part of it survives: each 512-byte
sector on its own, the old or the new file sizes, the old or the new names."""

import os
import pathlib
import random
import struct

SECTOR = 512
ENTRY = struct.Struct("<c3xIQQQQ")


class Writes:
    """The unsynced changes of one file, oldest first."""

    def __init__(self):
        self.changes = []

    def durable(self, live):
        image = bytearray(live)
        for offset, count, size, old in reversed(self.changes):
            image[len(image) :] = bytes(max(0, size - len(image)))
            image[offset : offset + len(old)] = old
            del image[size:]
        return bytes(image)

    def torn(self, live, chance):
        durable = self.durable(live)
        size = chance.choice([len(durable), len(live)])
        image = bytearray(durable[:size].ljust(size, b"\0"))
        sectors = set()
        for offset, count, old_size, _ in self.changes:
            sectors |= set(range(min(offset, old_size) // SECTOR, -(-(offset + count) // SECTOR)))
        for sector in sorted(sectors):
            if chance.random() < 0.5:
                start = sector * SECTOR
                content = live[start : min(start + SECTOR, size)]
                image[start : start + len(content)] = content
        return bytes(image)


def read_log(log):
    """The names as they were last synced (name -> inode), and unsynced writes by inode."""
    data = log.read_bytes()
    names, pending, position = {}, {}, 0
    while position + ENTRY.size <= len(data):
        kind, body_bytes, inode, offset, count, size = ENTRY.unpack_from(data, position)
        position += ENTRY.size
        body = data[position : position + body_bytes]
        position += body_bytes
        if kind == b"W":
            pending.setdefault(inode, Writes()).changes.append((offset, count, size, body))
        elif kind == b"S":
            pending.pop(inode, None)
        elif kind == b"N":
            lines = (line.split(" ", 1) for line in body.decode().splitlines())
            names = {name: int(number) for number, name in lines}
        elif inode not in names.values():  # kind U: the number may be used again
            pending.pop(inode, None)
    return names, pending


def cut_power(directory, log_directory, seed=None):
    """Leaves in `directory` what a disk could hold; returns how many files lost something."""
    directory, log_directory = pathlib.Path(directory), pathlib.Path(log_directory)
    names, pending = read_log(log_directory / "undo")
    chance = random.Random(seed)
    files = {name: log_directory / str(inode) for name, inode in names.items()}
    inodes = dict(names)
    if seed is not None and chance.random() < 0.5:
        files = {path.name: path for path in directory.iterdir()}
        inodes = {name: os.stat(path).st_ino for name, path in files.items()}
    after, lost = {}, 0
    for name in sorted(files):
        live = files[name].read_bytes()
        writes = pending.get(inodes[name], Writes())
        after[name] = writes.durable(live) if seed is None else writes.torn(live, chance)
        lost += after[name] != live
    lost += len({path.name for path in directory.iterdir()} ^ set(after))
    for path in directory.iterdir():
        path.unlink()
    for name, content in after.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o600)
    return lost

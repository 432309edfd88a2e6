#!/usr/bin/python3
"""A log with one planted mistake or none, to try the tools of this folder on.

    wal.py write DIR COUNT [no-sync|no-directory-sync|believe-failed-sync]
    wal.py read DIR

Prints the number of a record once it is acknowledged; a segment has ten records."""

import os
import struct
import sys
import zlib

RECORD = struct.Struct("<II")
SEGMENT = 10


def body_of(number):
    return f"record {number} ".encode().ljust(700, b".")


def sync(descriptor, mistake):
    if mistake == "no-sync":
        return
    try:
        os.fdatasync(descriptor)
    except OSError:
        if mistake != "believe-failed-sync":
            raise
        os.fdatasync(descriptor)


def write(directory, count, mistake):
    names = os.open(directory, os.O_RDONLY)
    for number in range(count):
        if number % SEGMENT == 0:
            path = os.path.join(directory, f"{number // SEGMENT:04}.new")
            file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            os.rename(path, path.removesuffix(".new"))
            if mistake != "no-directory-sync":
                os.fsync(names)
        body = body_of(number)
        os.write(file, RECORD.pack(len(body), zlib.crc32(body)) + body)
        sync(file, mistake)
        print(number, flush=True)


def read(directory):
    """How many records are there, in order, up to the first that is not whole."""
    count = 0
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        position = 0
        while position + RECORD.size <= len(data):
            size, checksum = RECORD.unpack_from(data, position)
            body = data[position + RECORD.size :][:size]
            if len(body) < size or zlib.crc32(body) != checksum or body != body_of(count):
                return count
            position += RECORD.size + size
            count += 1
    return count


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "")
    else:
        print(read(sys.argv[2]))

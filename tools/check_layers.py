#!/usr/bin/python3
"""Fails when a file includes a room or a third-party header that its room may not use.

The rules live in src/LAYERS, one line a room, so the review of a new dependency is the review of
one line. Unit tests (*_test.cpp, test_*.hpp) may also use GoogleTest; the arrows hold for them too.
"""

import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
# What is neither ours nor the system's: `lib/...` in angle brackets, or a name listed here.
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "linux/", "net/", "bits/")
THIRD_PARTY_FILES = ("simdjson.h", "toml++", "sqlite3.h", "libpq-fe.h", "xxhash.h")
FOR_TESTS = ("gtest/", "gmock/")


def read_rules():
    rules = {}
    for line in (SRC / "LAYERS").read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, rest = line.split(":", 1)
        rooms, _, third_party = rest.partition("|")
        rules[room.strip()] = (
            {room.strip()} | {word for word in rooms.split() if word != "-"},
            tuple(word for word in third_party.split() if word != "-"),
        )
    return rules


def is_third_party(target):
    if target.startswith(THIRD_PARTY_FILES):
        return True
    return "/" in target and not target.startswith(SYSTEM_FOLDERS + ("tranter/",))


def forbidden_includes(path, rooms, third_party):
    if path.stem.startswith("test_") or path.stem.endswith("_test"):
        third_party += FOR_TESTS
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(2)
        if match.group(1) == '"':
            if "/" not in target:
                yield number, f'"{target}" must be named from src/, as in "base/error.hpp"'
            elif target.split("/")[0] not in rooms:
                yield number, f"may not include {target}"
        elif is_third_party(target) and not target.startswith(third_party):
            yield number, f"may not include <{target}>"


def main():
    rules = read_rules()
    complaints = []
    checked = 0
    for path in sorted([*SRC.rglob("*.hpp"), *SRC.rglob("*.cpp")]):
        shown = path.relative_to(SRC.parent)
        room = path.relative_to(SRC).parts[0]
        if room not in rules:
            complaints.append(f"{shown}: the room '{room}' is not listed in src/LAYERS")
            continue
        checked += 1
        for number, complaint in forbidden_includes(path, *rules[room]):
            complaints.append(f"{shown}:{number}: {room} {complaint}")
    print("\n".join(complaints) if complaints else f"{checked} files obey src/LAYERS")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

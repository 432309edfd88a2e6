#!/usr/bin/python3
"""Runs clang-tidy on our .cpp files and remembers which ones were clean.

A file is checked again only when it, a header of ours that it includes, .clang-tidy or this script
changed; the memory is build/lint/. With --changed only files that differ from the merge base with
the main branch are looked at, as far as git knows that base.

Most of the time goes into the headers, so many files are checked together as one translation unit:
what a file costs alone is 15 times what it adds. What two files have against each other there is no
fault: a local name that shadows a private one of the neighbour is passed over, a program's `main`
gets a name of its own, and whatever else is complained about (private helpers of the same name) is
looked at again without the others.
"""

import argparse
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"
BATCH = 48
ERROR, NOTE = (
    re.compile(rf"^(/[^:\n]+):\d+:\d+: {kind}: ", re.MULTILINE)
    for kind in ("(?:fatal )?error", "note")
)
MAIN = re.compile(r"^int main\(", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def own_includes(path, seen):
    """Adds to `seen` every file of this project that `path` includes, directly or not."""
    for target in INCLUDE.findall(path.read_text()):
        for folder in (ROOT / "src", ROOT / "include", ROOT / "tests", path.parent):
            found = folder / target
            if found.is_file() and found not in seen:
                seen.add(found)
                own_includes(found, seen)
    return seen


def stamp_of(path):
    """The file whose existence says that `path` was clean as it is now."""
    digest = hashlib.sha256()
    inputs = [ROOT / ".clang-tidy", pathlib.Path(__file__), path]
    for file in inputs + sorted(own_includes(path, set())):
        digest.update(file.read_bytes() + b"\0")
    return CACHE / digest.hexdigest()


def git(*arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_files():
    """Paths that differ from the merge base, or None when there is no base to compare with."""
    base = git("merge-base", "HEAD", "origin/main") or git("merge-base", "HEAD", "main")
    if not base or base == git("rev-parse", "HEAD"):
        return None
    return {ROOT / name for name in git("diff", "--name-only", base).splitlines()}


def compile_flags(build):
    """Source file -> the flags it is compiled with."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if ROOT not in path.parents or build in path.parents:
            continue
        words = shlex.split(entry["command"])
        first = next(i for i, word in enumerate(words) if word.startswith("-"))
        while "clang++" not in words[first - 1]:  # skip the flags of launchers such as ccache
            first += 1
        flags[path] = tuple(words[first : words.index("-o")])
    return flags


def tidy(path, flags):
    """Whether all is well, and what is said otherwise.

    Without --config-file it asks for the options next to each header, and headers outside of this
    project have none: to find fault with every name in them, and to say nothing of it, takes as
    long as a third of all the rest.
    """
    done = subprocess.run(
        ["clang-tidy-19", "--quiet", path, "--", *flags, "-ferror-limit=0"], cwd=ROOT,
        capture_output=True, text=True, check=False,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"clang-tidy-19 {path} ended with {done.returncode}: {done.stderr}")
    return done.returncode == 0, done.stdout


def without_neighbours(text, batch):
    """The complaints but those about a private name of one file that another one shadows."""
    starts = [error.start() for error in ERROR.finditer(text)]
    kept = text[: starts[0]] if starts else text
    for start, end in zip(starts, starts[1:] + [len(text)]):
        complaint = text[start:end]
        files = {pathlib.Path(name) for name in ERROR.findall(complaint) + NOTE.findall(complaint)}
        if "[clang-diagnostic-shadow]" not in complaint or len(files) < 2 or files - set(batch):
            kept += complaint
    return kept


def suspects_of(text, batch):
    """Files of the batch that are complained about, as far as it is not about a header."""
    for place in ERROR, NOTE:  # what leads there, where the error is in a header of others
        named = {pathlib.Path(name) for name in place.findall(text)}
        if named & set(batch) or any(ROOT in path.parents for path in named):
            return named & set(batch)
    return set()


def write_unit(batch):
    """One file that is all of them."""
    unit = CACHE / (hashlib.sha256(str(batch).encode()).hexdigest()[:16] + ".cpp")
    lines = []
    for number, path in enumerate(batch):
        include = f'#include "{path}"\n'
        if MAIN.search(path.read_text()):
            include = f"#define main main_{number}  // NOLINT\n{include}#undef main\n"
        lines.append(include)
    unit.write_text("".join(lines))
    return unit


def check(batch, flags):
    """Returns the complaints about each file of the batch that has some."""
    together, apart, complaints = list(batch), [], {}
    while len(together) > 1:
        clean, text = tidy(write_unit(together), flags)
        if not clean and ERROR.search(text):
            text = without_neighbours(text, together)
            clean = not ERROR.search(text)
        suspects = suspects_of(text, together)
        if clean:
            for path in together:
                stamp_of(path).touch()
            together = []
        elif suspects:
            apart += sorted(suspects)
            together = [path for path in together if path not in suspects]
        else:  # it is about a header
            complaints[together[0]] = text
            together = []
    if 1 < len(apart) < len(batch):
        complaints |= check(apart, flags)
        apart = []
    for path in together + apart:
        clean, text = tidy(path, flags)
        if clean:
            stamp_of(path).touch()
        else:
            complaints[path] = text
    return complaints


def batches(files):
    """Groups of files of src, or of another folder; tests apart, they include GoogleTest."""
    def kind(path):
        folder = ROOT / "src" if ROOT / "src" in path.parents else path.parent
        return folder, path.name.endswith("_test.cpp")

    for _, group in itertools.groupby(sorted(files, key=lambda path: (kind(path), path)), kind):
        members = list(group)
        yield from (members[i : i + BATCH] for i in range(0, len(members), BATCH))


def flags_of_all(batch, flags):
    """What any of them needs is in nobody's way."""
    found = {}  # in order
    for path in batch:
        words = iter(flags[path])
        for word in words:
            found[(word, next(words)) if word == "-isystem" else (word,)] = None
    return [word for flag in found for word in flag]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--changed", action="store_true")
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    flags = compile_flags(options.build.resolve())
    files = sorted(flags)
    changed = changed_files() if options.changed else None
    if changed is not None:
        files = [file for file in files if file in changed or own_includes(file, set()) & changed]
    unclean = [file for file in files if not stamp_of(file).exists()]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [
            pool.submit(check, batch, flags_of_all(batch, flags)) for batch in batches(unclean)
        ]
        for done in concurrent.futures.as_completed(work):
            for path, complaints in done.result().items():
                failed += 1
                print(f"{path.relative_to(ROOT)}:\n{complaints}", flush=True)
    print(f"clang-tidy: {len(files)} files, {len(unclean)} to check, {failed} with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

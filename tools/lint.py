#!/usr/bin/python3
"""Runs clang-tidy on our .cpp files and remembers which ones were clean.

A file is checked again only when it, a header of ours that it includes, .clang-tidy or this script
changed; the memory is build/lint/. With --changed only files that differ from the merge base with
the main branch are looked at, as far as git knows that base.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def own_includes(path, seen):
    """Adds to `seen` every file of this project that `path` includes, directly or not."""
    for target in INCLUDE.findall(path.read_text()):
        for folder in (ROOT / "src", ROOT / "include", ROOT, path.parent):
            found = folder / target
            if found.is_file() and found not in seen:
                seen.add(found)
                own_includes(found, seen)
    return seen


def fingerprint(path):
    digest = hashlib.sha256()
    inputs = [ROOT / ".clang-tidy", pathlib.Path(__file__), path]
    for file in inputs + sorted(own_includes(path, set())):
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_files():
    """Paths that differ from the merge base, or None when there is no base to compare with."""
    base = git("merge-base", "HEAD", "origin/main") or git("merge-base", "HEAD", "main")
    if not base or base == git("rev-parse", "HEAD"):
        return None
    return {ROOT / name for name in git("diff", "--name-only", base).splitlines()}


def files_to_check(build, only_changed):
    entries = json.loads((build / "compile_commands.json").read_text())
    files = sorted({pathlib.Path(entry["file"]) for entry in entries})
    files = [file for file in files if ROOT in file.parents and build not in file.parents]
    changed = changed_files() if only_changed else None
    if changed is not None:
        files = [file for file in files if file in changed or own_includes(file, set()) & changed]
    return files


def check(build, path):
    """Returns (path, complaints); complaints is empty for a clean file."""
    stamp = CACHE / fingerprint(path)
    if stamp.exists():
        return path, ""
    done = subprocess.run(
        ["clang-tidy-19", "--quiet", "-p", build, path],
        capture_output=True, text=True, check=False,
    )
    if done.returncode == 0:
        stamp.touch()
        return path, ""
    return path, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--changed", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    CACHE.mkdir(parents=True, exist_ok=True)
    files = files_to_check(build, options.changed)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, complaints in pool.map(lambda file: check(build, file), files):
            if complaints:
                failed += 1
                print(f"{path.relative_to(ROOT)}:\n{complaints}", flush=True)
    print(f"clang-tidy: {len(files)} files, {failed} with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs the commands that README.md and docs/*.md show, so that they stay true.

A fenced block takes part when the line before it is one of these comments:

    <!-- run -->          the block is a piece of shell that must succeed; all blocks of one page
                          run in one shell, in order, in an empty folder, with `tranter` in PATH
    <!-- run: server -->  the same, with `tranter serve` on its usual ports for the whole page
    <!-- output -->       what the block before printed to stdout; `...` stands for anything
    <!-- file: NAME -->   becomes a file of the page's folder; a .toml or .conf file must pass
                          `tranter config check`

Each page has a network of its own where the kernel allows it, so that the usual ports are free.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^<!-- (run|run: server|output|file: [\w./-]+) -->\n+```[^\n]*\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MARK = "tranter-docs-block-ends"
START_SERVER = """
mkfifo .ready
tranter serve --ready-fd 9 9>.ready >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server' EXIT
read -r _ <.ready
"""


@dataclasses.dataclass
class Block:
    kind: str
    text: str
    line: int


def blocks_of(page):
    text = page.read_text()
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)
        for match in BLOCK.finditer(text)
    ]


def script_for(blocks):
    """One shell program for the page, with a mark after each block's output."""
    lines = ["set -euo pipefail"]
    if any(block.kind == "run: server" for block in blocks):
        lines.append(START_SERVER)
    for number, block in enumerate(blocks):
        if block.kind.startswith("run"):
            lines += [block.text, f"printf '%s\\n' '{MARK} {number}'"]
        elif block.kind.startswith("file: "):
            name = block.kind.removeprefix("file: ")
            lines.append(f"cat >'{name}' <<'{MARK}'\n{block.text}{MARK}")
            if name.endswith((".toml", ".conf")):
                lines.append(f"tranter config check '{name}' >&2")
    return "\n".join(lines)


def isolated(command):
    """The command in a network namespace with only a loopback device, if we may make one."""
    unshare = ["unshare", "--net", "--map-root-user"]
    up = 'ip link set lo up && exec "$@"'
    if shutil.which("ip") and subprocess.run(
        [*unshare, "sh", "-c", up, "-", "true"], capture_output=True, check=False
    ).returncode == 0:
        return [*unshare, "sh", "-c", up, "-", *command]
    return command


def matches(expected, actual):
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, actual.strip(), re.DOTALL) is not None


def check_page(page, environment):
    """Returns (number of blocks that ran, complaint or "")."""
    blocks = blocks_of(page)
    if not blocks:
        return 0, ""
    shown = page.relative_to(ROOT)
    with tempfile.TemporaryDirectory(prefix="tranter-docs-") as folder:
        done = subprocess.run(
            isolated(["bash", "-c", script_for(blocks)]),
            cwd=folder, env=environment | {"HOME": folder}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300, check=False,
        )
    outputs = re.split(rf"^{MARK} (\d+)\n", done.stdout, flags=re.MULTILINE)
    by_block = dict(zip(map(int, outputs[1::2]), outputs[0::2]))
    previous = None
    for number, block in enumerate(blocks):
        if block.kind.startswith("run"):
            if number not in by_block:
                return number, f"{shown}:{block.line}: the block failed\n{outputs[-1]}{done.stderr}"
            previous = by_block[number]
        elif block.kind == "output" and not matches(block.text, previous or ""):
            return number, f"{shown}:{block.line}: the output is now\n{previous}"
    if done.returncode:
        return len(blocks), f"{shown}: a file block failed\n{done.stderr}"
    return len(blocks), ""


def main():
    binary = os.environ.get("TRANTER_BIN", str(ROOT / "build/release/tranter"))
    path = f"{pathlib.Path(binary).parent}:{os.environ['PATH']}"
    environment = {
        "PATH": path,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LC_ALL": "C.UTF-8",
    }
    complaints = []
    total = 0
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        count, complaint = check_page(page, environment)
        total += count
        if complaint:
            complaints.append(complaint)
    print("\n".join(complaints + [f"{total} documentation blocks, {len(complaints)} pages wrong"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

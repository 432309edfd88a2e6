#!/usr/bin/python3
"""Runs the commands that README.md and docs/*.md show, so that they stay true.

A fenced block takes part when the line before it is one of these comments:

    <!-- run -->          the block is a piece of shell that must succeed; all blocks of one page
                          run in one shell, in order, in an empty folder, with `tranter` in PATH
    <!-- run: server -->  the same, with `tranter serve` on its usual ports for the whole page; the
                          store of schedules is in the folder
    <!-- run: postgres --> the same as `run`, with a new database of PostgreSQL for the whole page, which
                          DATABASE_URL names and psql uses
    <!-- output -->       what the block before printed to stdout; `...` stands for anything
    <!-- file: NAME -->   becomes a file of the page's folder; a .toml or .conf file must pass
                          `tranter config check`
    <!-- cpp -->          statements of a C++ program that is built against the installed package and
                          run before anything else; all blocks of a page are one program, each in a
                          scope of its own
    <!-- cpp: top -->     the same, in front of main: includes, types, functions

CMake finds the package of the build that `tranter` is from, as if it were installed. Each page has a network of its own where the kernel allows it, so that the usual ports are free.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from postgres_server import PostgresServer  # noqa: E402

BLOCK = re.compile(
    r"^<!-- (run|run: server|run: postgres|output|file: [\w./-]+|cpp|cpp: top) -->\n+```[^\n]*\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MARK = "tranter-docs-block-ends"
START_SERVER = """
mkfifo .ready
TRANTER_SCHEDULER_STORE=file:$PWD tranter serve --ready-fd 9 9>.ready >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server' EXIT
read -r _ <.ready
"""
CPP_PROJECT = """
mkdir -p .cpp
cat >.cpp/CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(page LANGUAGES CXX)
find_package(tranter REQUIRED)
add_executable(page main.cpp)
target_compile_options(page PRIVATE -Wall -Wextra -Werror)
target_link_libraries(page PRIVATE tranter::tranter)
EOF
{ cmake -S .cpp -B .cpp/build -G Ninja && cmake --build .cpp/build; } >.cpp/log || {
    cat .cpp/log >&2 && false
}
.cpp/build/page >&2
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


def cpp_program(blocks):
    """The C++ blocks of a page as one program; compilers name their lines on the page."""
    top = "".join(f'#line {b.line} "page.md"\n{b.text}' for b in blocks if b.kind == "cpp: top")
    scopes = [f'{{\n#line {b.line} "page.md"\n{b.text}}}\n' for b in blocks if b.kind == "cpp"]
    return f"{top}int main() {{\n{''.join(scopes)}}}\n"


def script_for(blocks):
    """One shell program for the page, with a mark after each block's output."""
    lines = ["set -euo pipefail"]
    if any(block.kind == "run: server" for block in blocks):
        lines.append(START_SERVER)
    if any(block.kind.startswith("cpp") for block in blocks):
        lines.append(f"mkdir -p .cpp\ncat >.cpp/main.cpp <<'{MARK}'\n{cpp_program(blocks)}{MARK}")
        lines.append(CPP_PROJECT)
    for number, block in enumerate(blocks):
        if block.kind.startswith("run"):
            # Not every output ends with a newline.
            lines += [block.text, f"printf '\\n%s\\n' '{MARK} {number}'"]
        elif block.kind.startswith("file: "):
            name = block.kind.removeprefix("file: ")
            lines.append(f"cat >'{name}' <<'{MARK}'\n{block.text}{MARK}")
            if name.endswith((".toml", ".conf")):
                lines.append(f"tranter config check '{name}' >&2")
    return "\n".join(lines)


def install_package(build, prefix):
    """Puts what a build ships under `prefix`, for pages with C++ or clients."""
    for component in ("development", "runtime"):
        subprocess.run(
            ["cmake", "--install", build, "--prefix", prefix, "--component", component],
            check=True, stdout=subprocess.DEVNULL,
        )


def isolated(command):
    """The command in a network namespace with only a loopback device, if we may make one."""
    unshare = ["unshare", "--net", "--map-root-user"]
    up = 'ip link set lo up && exec "$@"'
    if shutil.which("ip") and subprocess.run(
        [*unshare, "sh", "-c", up, "-", "true"], capture_output=True, check=False
    ).returncode == 0:
        return [*unshare, "sh", "-c", up, "-", *command]
    return command


@contextlib.contextmanager
def database_for(blocks):
    """Variables that name a new database, when the page needs one. Its server is none of the page's
    processes, since it refuses to be root's; its socket is a file, which any network can reach."""
    if not any(block.kind == "run: postgres" for block in blocks):
        yield {}
        return
    server = PostgresServer()
    try:
        server.directory.chmod(0o711)  # who is root in a network of his own is not root here
        # Its user is called as the schema of ours, where new tables would be otherwise.
        server.query("ALTER ROLE tranter SET search_path = public")
        url = server.new_database()
        name = url.removeprefix("postgres:///").partition("?")[0]
        yield {"DATABASE_URL": url, "PGHOST": str(server.directory), "PGDATABASE": name,
               "PGUSER": "tranter"}
    finally:
        server.end()


def matches(expected, actual):
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, actual.strip(), re.DOTALL) is not None


def check_page(page, environment):
    """Returns (number of blocks that ran, complaint or "")."""
    blocks = blocks_of(page)
    if not blocks:
        return 0, ""
    shown = page.relative_to(ROOT)
    with tempfile.TemporaryDirectory(prefix="tranter-docs-") as folder, \
            database_for(blocks) as database:
        done = subprocess.run(
            isolated(["bash", "-c", script_for(blocks)]),
            cwd=folder, env=environment | database | {"HOME": folder}, stdin=subprocess.DEVNULL,
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
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    if len(sys.argv) > 1:
        pages = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="tranter-prefix-") as prefix:
        install_package(str(pathlib.Path(binary).parent), prefix)
        environment["CMAKE_PREFIX_PATH"] = prefix
        environment["TRANTER_SHARE"] = f"{prefix}/share/tranter"
        for page in pages:
            count, complaint = check_page(page, environment)
            total += count
            if complaint:
                complaints.append(complaint)
    print("\n".join(complaints + [f"{total} documentation blocks, {len(complaints)} pages wrong"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs the benchmarks and prints their tables: ./dev bench [NAME...] [--write docs/benchmarks.md]

Needs the release build, the Debian packages of [bench] in tools/packages.txt and the npm packages of
bench/. Server and generator get a core each.
"""

import argparse
import re
import sys
from pathlib import Path

import benches
import machine
import settings


def parse_arguments():
    names = "\n".join(f"  {name:<15} {title}" for name, (_, title) in benches.ALL.items())
    names += "".join(f"\n  {name:<15} = {' '.join(group)}"
                     for name, group in benches.GROUPS.items())
    parser = argparse.ArgumentParser(
        description="Runs the benchmarks and prints their tables.", epilog="benchmarks:\n" + names,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all when left out")
    parser.add_argument("--write", type=Path, metavar="FILE",
                        help="also put the tables between the `<!-- NAME -->` marks of this file")
    parser.add_argument("--realtime", action="store_true",
                        help="run servers and generator at real-time priority (needs root), so that "
                             "what else runs on the machine costs them nothing but cache")
    parser.add_argument("--data-root", type=Path, default=settings.DATA_ROOT, metavar="DIR",
                        help="where durable servers keep their data; a real disk [%(default)s]")
    parser.add_argument("--messages", type=int, default=settings.BACKLOG_MESSAGES,
                        help="of backlog [%(default)s]")
    parser.add_argument("--log-bytes", type=float, default=settings.LOG_BYTES,
                        help="that disk_use writes [%(default)s]")
    arguments = parser.parse_args()
    arguments.names = [one for name in arguments.names for one in benches.GROUPS.get(name, [name])]
    unknown = [name for name in arguments.names if name not in benches.ALL]
    if unknown:
        known = ", ".join([*benches.ALL, *benches.GROUPS])
        parser.error(f"there is no benchmark `{unknown[0]}`; there are {known}")
    return arguments


def apply(arguments):
    settings.DATA_ROOT = arguments.data_root.resolve()
    settings.BACKLOG_MESSAGES = arguments.messages
    settings.LOG_BYTES = arguments.log_bytes
    if arguments.realtime:
        settings.PRIORITY += ["chrt", "--rr", "1"]


def write_section(path, name, lines):
    """Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`."""
    text = path.read_text()
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(text):
        raise SystemExit(f"{path} has no <!-- {name} --> ... <!-- /{name} --> to write into")
    section = "\n".join(lines)
    path.write_text(marks.sub(lambda match: f"{match[1]}{section}\n{match[2]}", text))


def main():
    arguments = parse_arguments()
    failed = False
    apply(arguments)
    about = machine.describe()
    print("\n".join(about) + "\n")
    if arguments.write:
        write_section(arguments.write, "machine", about)
    for name in arguments.names or benches.ALL:
        run, title = benches.ALL[name]
        print(f"## {title}\n", flush=True)
        try:
            lines = run()
        except (benches.Missing, RuntimeError) as error:
            print(f"{name}: {error}\n", file=sys.stderr)
            failed = True
            continue
        print("\n".join(lines) + "\n", flush=True)
        if arguments.write:
            write_section(arguments.write, name, lines)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

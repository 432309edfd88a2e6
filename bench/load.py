"""Runs the load generator and gives back what it measured."""

import json
import subprocess

import settings
from servers import LOAD_CORE, Server, binary

REPEATS = 3


def run_load(mode, port, api="sqs", pinned=True, command=(), **options):
    """`options` are those of tranter_load, with underscores; True for a flag. Returns its JSON as a
    dict."""
    words = [binary("tranter_load"), mode, "--port", str(port), "--api", api, "--json"]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), *([] if value is True else [str(value)])]
    if command:
        words += ["--", *command]
    if pinned:
        words = ["taskset", "-c", LOAD_CORE, *words]
    result = subprocess.run([*settings.PRIORITY, *words], stdout=subprocess.PIPE, text=True, check=False)
    if not result.stdout:
        raise RuntimeError(f"tranter_load {mode} failed with {result.returncode}")
    return json.loads(result.stdout)


def measure(server, mode, **options):
    """The same against a running server, with its CPU time. Errors void the number."""
    result = run_load(mode, server.port, server.api, pinned=server.pinned,
                      server_pid=server.process.pid, **options)
    if result.get("errors"):
        raise RuntimeError(f"{server.name}, {mode}: {result['errors']:.0f} errors, "
                           f"the first: {result['error']}")
    return result


def take_turns(names, mode, flags=(), **options):
    """{name: [result of each repeat]}, one fresh server per result."""
    results = {name: [] for name in names}
    for _ in range(REPEATS):
        for name in names:
            with Server(name, *(flags if name == "tranter" else ())) as server:
                results[name].append(measure(server, mode, **options))
    return results

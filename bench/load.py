"""Runs the load generator and gives back what it measured."""

import json
import subprocess

from servers import LOAD_CORE, PRIORITY, binary


def run_load(mode, port, api="sqs", pinned=True, command=(), **options):
    """`options` are those of tranter_load, with underscores. Returns its JSON as a dict."""
    words = [binary("tranter_load"), mode, "--port", str(port), "--api", api, "--json"]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    if command:
        words += ["--", *command]
    if pinned:
        words = ["taskset", "-c", LOAD_CORE, *words]
    result = subprocess.run([*PRIORITY, *words], stdout=subprocess.PIPE, text=True, check=False)
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

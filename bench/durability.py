"""Benchmarks of sending and receiving with a data directory, and of what others pay for the same.

Rates depend on how long the disk takes for a sync, so the bounds are measured in the same run on the
same disk, taking turns with the servers.
"""

import json
import subprocess

import settings
import storage
from load import REPEATS, measure, take_turns
from servers import SERVER_CORE, DataDirectory, Server, binary, installed
from tables import cost_table, median_of, spread_of, table, verdict, verdict_at_least

SECONDS = 2
OURS = ["bare responder", "bare responder, append + sync", "tranter", "tranter, os", "tranter, sync"]
PEERS = ["beanstalkd -f0", "Redis, appendfsync always", "RabbitMQ, quorum queue"]
LOOP = "append + sync, no server"
HANDOVER = "append + sync on a second thread, no server"
STORE = "tranter's store in a process, sync"


def run_in_process(program, place, clients, batch, last):
    """On the core that servers have."""
    with DataDirectory() as directory:
        command = [*settings.PRIORITY, "taskset", "-c", SERVER_CORE, binary(program),
                   str(directory / place), str(clients), str(batch), str(SECONDS), last]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(output)
    return {"server_us": found["cpu_us"], "rate": found["rate"],
            "send_p50_ms": found["p50_us"] / 1e3, "send_p99_ms": found["p99_us"] / 1e3,
            "per_commit": found["records_per_commit"]}


IN_PROCESS = {
    LOOP: lambda *shape: run_in_process("raw_commit", "records", *shape, "loop"),
    HANDOVER: lambda *shape: run_in_process("raw_commit", "records", *shape, "handover"),
    STORE: lambda *shape: run_in_process("store_bench", "data", *shape, "sync"),
}


def send_to(name, clients, batch):
    flags = ("--batch", str(batch)) if name.startswith("bare responder") else ()
    with Server(name, *flags) as server:
        result = measure(server, "send", connections=clients, batch=batch, seconds=SECONDS,
                         warmup=0.5)
        if name in ("tranter, os", "tranter, sync"):
            figures = server.metrics()
            result["per_commit"] = (figures["tranter_store_appended_records_total"] /
                                    figures["tranter_store_commits_total"])
    return result


def measure_shape(clients, batch):
    """{name: [result of each repeat]} of everything that can send, in turns."""
    runs = {name: lambda run=run: run(clients, batch) for name, run in IN_PROCESS.items()}
    for name in [*OURS, *installed(PEERS)]:
        runs[name] = lambda name=name: send_to(name, clients, batch)
    results = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            results[name].append(run())
    return results


def shape_table(results):
    head = ["", "CPU us/message", "in the kernel", "messages/s", "messages/commit", "p50 ms",
            "p99 ms"]
    rows = []
    for name, found in results.items():
        kernel = (f"{median_of(found, 'system_share') * 100:.0f} %"
                  if "system_share" in found[0] else "")
        together = f"{median_of(found, 'per_commit'):.0f}" if "per_commit" in found[0] else ""
        rows.append([name, spread_of(found, "server_us"), kernel, f"{median_of(found, 'rate'):,.0f}",
                     together, f"{median_of(found, 'send_p50_ms'):.2f}",
                     f"{median_of(found, 'send_p99_ms'):.2f}"])
    return table(head, rows)


def share(results, name, bound):
    return median_of(results[name], "rate") / median_of(results[bound], "rate") * 100


def added_us(results, durable, plain):
    return median_of(results[durable], "server_us") - median_of(results[plain], "server_us")


def verdicts_of(results, what):
    ours = added_us(results, "tranter, sync", "tranter")
    bound = added_us(results, "bare responder, append + sync", "bare responder")
    return [
        verdict_at_least(f"{what}, of the responder that appends and syncs",
                         share(results, "tranter, sync", "bare responder, append + sync"), 60, "%"),
        verdict_at_least(f"{what}, store without HTTP, of append + sync",
                         share(results, STORE, LOOP), 60, "%"),
        f"- {what}, store without HTTP, of append + sync on a second thread: "
        f"{share(results, STORE, HANDOVER):.0f} %",
        verdict(f"{what}, server CPU, sync / memory",
                median_of(results["tranter, sync"], "server_us") /
                median_of(results["tranter"], "server_us"), 1.3, "times", 2),
        f"- {what}, what durability adds to a message: {ours:.1f} us, to the bare responder's "
        f"{bound:.1f} us",
    ]


def durable_send():
    lines = []
    verdicts = []
    for what, clients, batch in [("64 connections", 64, 1),
                                 ("10 connections, batches of 10", 10, 10)]:
        results = measure_shape(clients, batch)
        lines += [f"{what}:", "", *shape_table(results), ""]
        verdicts += verdicts_of(results, what)
    alone = measure_shape(1, 1)
    lines += ["One connection:", "", *shape_table(alone), ""]
    ours = median_of(alone["tranter, sync"], "send_p50_ms")
    server = "bare responder, append + sync"
    verdicts += [
        verdict("one connection, p50 / append + sync",
                ours / median_of(alone[LOOP], "send_p50_ms"), 1.3, "times", 2),
        "- one connection, p50 / the responder that appends and syncs: "
        f"{ours / median_of(alone[server], 'send_p50_ms'):.2f} times",
    ]
    return [*lines, *verdicts]


def durable_receive():
    lines = []
    verdicts = []
    for what, batch, depth in [("one message per request", 1, 60_000), ("batches of 10", 10, 300_000)]:
        results = take_turns(["tranter", "tranter, os", "tranter, sync"], "receive", batch=batch,
                             depth=depth, warmup=0.3, seconds=SECONDS)
        lines += [f"Receive and delete, {what}:", "", *cost_table(results), ""]
        ratio = (median_of(results["tranter, sync"], "server_us") /
                 median_of(results["tranter"], "server_us"))
        verdicts.append(f"- {what}, server CPU, sync / memory: {ratio:.2f} times")
    return [*lines, *verdicts]


ALL = {
    "durable_send": (durable_send, "Durable sends"),
    "durable_receive": (durable_receive, "Durable receive and delete"),
    **storage.ALL,
}

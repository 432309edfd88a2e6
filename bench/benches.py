"""The benchmarks. Each function runs one and returns the lines of its Markdown section.

Servers are started afresh for every number and take turns (A B C A B C ...), so that a noisy moment of
the machine hits them alike; a table shows the median of the repeats.
"""

import json
import subprocess

import durability
import jobs
import postgres
import postgres_space
import schedules
import settings
import supervisors
import workers
from load import REPEATS, measure, run_load, take_turns
from servers import KINDS, LOAD_CORE, Missing, Server, binary, free_port
from tables import cost_table, median_of, spread_of, table, verdict

PEERS = ["beanstalkd", "fauxqs"]


def send():
    results = take_turns(["bare responder", "tranter", *PEERS], "send", seconds=2, warmup=0.7)
    ours = median_of(results["tranter"], "server_us")
    ratio = ours / median_of(results["bare responder"], "server_us")
    return [*cost_table(results), "",
            verdict("send", ours, 12, "us"),
            verdict("send / bare responder", ratio, 1.4, "times", 2)]


def receive():
    results = take_turns(["tranter", *PEERS], "receive", depth=90000, warmup=0.5, messages=50000,
                         seconds=3)
    ours = median_of(results["tranter"], "server_us")
    return [*cost_table(results), "", verdict("receive + delete", ours, 26, "us")]


def batch():
    sends = take_turns(["tranter", *PEERS], "send", batch=10, seconds=2, warmup=0.7)
    receives = take_turns(["tranter", *PEERS], "receive", batch=10, depth=300000, warmup=0.3,
                          messages=200000, seconds=3)
    return ["Send:", "", *cost_table(sends), "", "Receive and delete:", "", *cost_table(receives),
            "",
            verdict("send, batch of 10", median_of(sends["tranter"], "server_us"), 3, "us"),
            verdict("receive + delete, batch of 10",
                    median_of(receives["tranter"], "server_us"), 5, "us")]


def depth():
    """One server at a time: a garbage collector with a million objects would disturb the others."""
    names, depths = ["tranter", *PEERS], [1_000, 100_000, 1_000_000]
    cost = {}
    for name in names:
        with Server(name) as server:
            filled = 0
            for deep in depths:
                measure(server, "send", batch=10, messages=deep - filled)
                filled = deep
                cost[name, deep] = [measure(server, "mixed", seconds=1.5, warmup=0.3)
                                    for _ in range(REPEATS)]
    head = ["server", *(f"{deep:,} queued" for deep in depths), "deepest / shallowest"]
    rows = []
    for name in names:
        medians = [median_of(cost[name, deep], "server_us") for deep in depths]
        rates = [median_of(cost[name, deep], "rate") for deep in depths]
        cells = [f"{us:.1f} us, {rate:,.0f}/s" for us, rate in zip(medians, rates)]
        rows.append([name, *cells, f"{medians[-1] / medians[0]:.2f}"])
        if name == "tranter":
            growth = medians[-1] / medians[0]
    return ["Server CPU and rate of send + receive + delete of one message:", "",
            *table(head, rows), "",
            verdict("cost at 1,000,000 / at 1,000", growth, 1.15, "times", 2)]


def latency_row(name, found):
    valid = [result for result in found if not result["void"]]
    keys = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "lag_p99_ms")
    cells = [f"{median_of(valid, key):.3f}" if valid else "void" for key in keys]
    return [name, *cells, f"{len(found) - len(valid)} of {len(found)}"]


def latency():
    """A void run says nothing and is left out; when all are, there is no verdict."""
    results = take_turns(["tranter", *PEERS], "latency", rate=200, seconds=8, warmup=1)
    head = ["server", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "generator lag p99 ms",
            "void runs"]
    lines = [*table(head, [latency_row(name, found) for name, found in results.items()]), ""]
    valid = [result for result in results["tranter"] if not result["void"]]
    if not valid:
        return [*lines, "- no verdict: " + results["tranter"][0]["void"]]
    return [*lines,
            verdict("p50", median_of(valid, "p50_ms"), 0.3, "ms", 3),
            verdict("p99", median_of(valid, "p99_ms"), 2, "ms", 3)]


def start():
    rows, ours = [], None
    for name in ["tranter", *PEERS]:
        port = free_port()
        api = "beanstalk" if name == "beanstalkd" else "sqs"
        result = run_load("start", port, api, pinned=False, command=KINDS[name].command(port),
                          repeats=5 if name == "fauxqs" else 20)
        ours = ours or result
        rows.append([name, f"{result['p50_ms']:.1f}", f"{result['max_ms']:.1f}",
                     f"{result['rss'] / 1e6:.1f}"])
    return [*table(["server", "first answer ms (median)", "max ms", "idle RSS MB"], rows), "",
            verdict("exec to first answer", ours["p50_ms"], 20, "ms"),
            verdict("idle RSS", ours["rss"] / 1e6, 10, "MB")]


def memory():
    rows, ours = [], None
    for name in ["tranter", *PEERS]:
        with Server(name) as server:
            empty = measure(server, "send", messages=1)["rss"]
            full = measure(server, "send", batch=10, messages=1_000_000)["rss"]
        ours = ours or full
        rows.append([name, f"{empty / 1e6:.1f}", f"{full / 1e6:.0f}",
                     f"{(full - empty) / 1e6 - 256:.0f}"])
    return [*table(["server", "empty, RSS MB", "1,000,000 x 256 bytes, RSS MB",
                    "bytes/message besides the body"], rows), "",
            verdict("1,000,000 messages", ours / 1e6, 450, "MB", 0)]


def longpolls():
    rows, ours = [], None
    for name in ["tranter", "beanstalkd"]:
        with Server(name) as server:
            # 40 seconds: every poll of 20 seconds ends and is asked again twice
            result = measure(server, "idle", connections=10_000, seconds=40, wait=20)
        ours = ours or result
        rows.append([name, f"{result['cpu_percent']:.2f}", f"{result['rss'] / 1e6:.1f}",
                     f"{result['renewed']:,.0f}"])
    return [*table(["server", "CPU, % of a core", "RSS MB", "polls renewed in 40 s"], rows), "",
            verdict("10,000 idle long polls, CPU", ours["cpu_percent"], 1, "% of a core", 2),
            verdict("10,000 idle long polls, RSS", ours["rss"] / 1e6, 100, "MB")]


def threads():
    """Nothing is pinned here: server and generator share the cores."""
    results = {1: [], 2: []}
    for _ in range(REPEATS):
        for count in results:
            with Server("tranter", "--threads", str(count), pinned=False) as server:
                results[count].append(measure(server, "mixed", batch=10, seconds=2, warmup=0.3,
                                              connections=32))
    rows = [[str(count), f"{median_of(found, 'rate'):,.0f}", spread_of(found, "server_us")]
            for count, found in results.items()]
    growth = median_of(results[2], "rate") / median_of(results[1], "rate")
    return [*table(["I/O threads", "messages/s", "server CPU us/message"], rows), "",
            f"- two threads do {growth:.2f} times what one does, with the generator on the same "
            "two cores"]


def engine():
    output = subprocess.run([*settings.PRIORITY, "taskset", "-c", LOAD_CORE, binary("engine_bench")],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    result = json.loads(output)
    rows = [[name, f"{values['ns']:.0f}", f"{values['overhead_bytes']:.0f}"]
            for name, values in result.items()]
    plain = result["standard queue"]
    return [*table(["1,000,000 queued", "send + receive + delete ns",
                    "bytes/message besides body and attributes"], rows), "",
            verdict("standard queue, send + receive + delete", plain["ns"], 400, "ns", 0),
            verdict("standard queue, overhead", plain["overhead_bytes"], 160, "bytes", 0)]


ALL = {
    "engine": (engine, "The engine alone"),
    "send": (send, "Send"),
    "receive": (receive, "Receive and delete"),
    "batch": (batch, "Batches of 10"),
    "depth": (depth, "Depth"),
    "latency": (latency, "Latency through long polls at 200 messages/s"),
    "start": (start, "Start"),
    "memory": (memory, "Memory of a million messages"),
    "longpolls": (longpolls, "10,000 idle long polls"),
    "threads": (threads, "I/O threads"),
    **durability.ALL,
    **jobs.ALL,
    **workers.ALL,
    **schedules.ALL,
    **supervisors.ALL,
    **postgres.ALL,
    **postgres_space.ALL,
}
GROUPS = {"durable": list(durability.ALL), "jobs": list(jobs.ALL),
          "workers": list(workers.ALL), "schedules": list(schedules.ALL),
          "postgres": [*postgres.ALL, *postgres_space.ALL]}

__all__ = ["ALL", "GROUPS", "Missing"]

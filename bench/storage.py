"""Benchmarks of the data directory: opening it, its size, and more messages than fit into memory."""

import http.client
import os
import signal
import statistics
import threading
import time

import settings
from load import REPEATS, measure
from servers import DataDirectory, Server
from tables import table, verdict

RECOVERED_MESSAGES = 1_000_000
SEGMENT_BYTES = 64 << 20
PARKED_MESSAGES = 200_000
LIMIT_SHARE = 0.75  # of what a backlog takes when it may: what is left of a message is 176 bytes
CHUNK_SECONDS = 4
SAMPLE_SECONDS = 0.1


def drop_cached(directory):
    """Takes the files out of the page cache, as after a restart of the machine."""
    for file in directory.iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def ask(port):
    """One request, whatever the answer's status: it is the time that counts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/", "{}", {"X-Amz-Target": "AmazonSQS.ListQueues",
                                           "Content-Type": "application/x-amz-json-1.0"})
    connection.getresponse().read()
    connection.close()


def open_once(data):
    """Starts, asks and kills: the next start finds the same directory."""
    began = time.monotonic()
    server = Server("tranter, sync", data=data)
    try:
        ask(server.port)
        answered = time.monotonic() - began
        cpu = server.cpu_seconds()
        opened = server.metrics()["tranter_store_recovery_seconds"]
        return {"answer": answered, "opened": opened, "cpu": cpu, "peak": server.memory_peak()}
    finally:
        server.stop(signal.SIGKILL)


def recovery():
    found = {"after kill -9": [], "after kill -9, nothing of it cached": []}
    with DataDirectory() as parent:
        data = parent / "data"
        server = Server("tranter, os", data=data)  # faster to fill, the same bytes
        try:
            measure(server, "send", batch=10, connections=32, messages=RECOVERED_MESSAGES)
        finally:
            server.stop(signal.SIGKILL)
        log_bytes = sum(file.stat().st_size for file in data.iterdir())
        for _ in range(REPEATS):
            found["after kill -9"].append(open_once(data))
            drop_cached(data)
            found["after kill -9, nothing of it cached"].append(open_once(data))

    def median(results, key):
        return statistics.median(result[key] for result in results)

    rows = [[name, f"{median(results, 'answer'):.2f}", f"{median(results, 'opened'):.2f}",
             f"{median(results, 'cpu'):.2f}", f"{median(results, 'peak') / 1e6:.0f}"]
            for name, results in found.items()]
    head = [f"{RECOVERED_MESSAGES:,} x 256 bytes, log of {log_bytes / 1e6:.0f} MB",
            "exec to first answer s", "opening, as reported s", "CPU s", "peak RSS MB"]
    return [*table(head, rows), "",
            verdict("exec to first answer, median", median(found["after kill -9"], "answer"), 1.5,
                    "s", 2)]


class SizeWatch(threading.Thread):
    """Looks at the directory's size and at what is live, until stopped."""

    def __init__(self, server):
        super().__init__()
        self._server = server
        self._ended = threading.Event()
        self.largest = 0
        self.worst = 0.0  # share of what is allowed
        self.allowed = 0  # when it was worst

    def run(self):
        while not self._ended.wait(SAMPLE_SECONDS):
            live = self._server.metrics()["tranter_store_live_bytes"]
            size = directory_bytes(self._server.data)
            allowed = 3 * live + 2 * SEGMENT_BYTES
            self.largest = max(self.largest, size)
            if size / allowed > self.worst:
                self.worst, self.allowed = size / allowed, allowed

    def stop(self):
        self._ended.set()
        self.join()


def directory_bytes(directory):
    total = 0
    for file in directory.iterdir():
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:  # compacted just now
            pass
    return total


def churn(server):
    return measure(server, "mixed", batch=10, connections=16, seconds=CHUNK_SECONDS)


def answer_rows(chunks):
    return [f"{statistics.median(chunk[f'{op}_p999_ms'] for chunk in chunks):.1f} / "
            f"{max(chunk[f'{op}_max_ms'] for chunk in chunks):.1f}"
            for op in ("send", "receive", "delete")]


def disk_use():
    """Two servers take turns: one compacts, the other has segments so large that it never does."""
    whole = {"TRANTER_SEGMENT_SIZE": "1GiB"}
    chunks = {"without compaction": [], "with compaction": []}
    with Server("tranter, sync", variables=whole) as still, Server("tranter, sync") as busy:
        for server in (still, busy):
            measure(server, "send", queue="parked", batch=10, connections=32,
                    messages=PARKED_MESSAGES)
        watch = SizeWatch(busy)
        watch.start()
        try:
            while busy.metrics()["tranter_store_appended_bytes_total"] < settings.LOG_BYTES:
                if still.metrics()["tranter_store_wal_segments"] < 2:
                    chunks["without compaction"].append(churn(still))
                chunks["with compaction"].append(churn(busy))
        finally:
            watch.stop()
        written = busy.metrics()["tranter_store_appended_bytes_total"]
    rows = [[name, f"{statistics.median(chunk['rate'] for chunk in found):,.0f}",
             *answer_rows(found)] for name, found in chunks.items()]
    head = ["", "messages/s", "send p99.9 / max ms", "receive p99.9 / max ms",
            "delete p99.9 / max ms"]

    def slowest(name):
        return statistics.median(chunk["delete_p999_ms"] for chunk in chunks[name])

    sync_ms = statistics.median(chunk["send_p50_ms"] for chunk in chunks["without compaction"])
    return [*table(head, rows), "",
            f"- {written / 1e9:.1f} GB were written beside {PARKED_MESSAGES:,} messages that stay; "
            f"the directory had at most {watch.largest / 1e6:.0f} MB",
            verdict("size / (3 x live + two segments), at its worst, when that was "
                    f"{watch.allowed / 1e6:.0f} MB", watch.worst, 1, "times", 2),
            verdict("p99.9 of a delete, with compaction less without",
                    slowest("with compaction") - slowest("without compaction"), sync_ms, "ms", 2)]


def fill_and_drain(limit):
    """Peak memory, and how long draining took and how far messages were out of order."""
    variables = {"TRANTER_MEMORY_LIMIT": f"{limit}B"} if limit else {}
    messages = settings.BACKLOG_MESSAGES
    with Server("tranter, sync", variables=variables) as server:
        filled = measure(server, "send", batch=10, connections=64, messages=messages, number=True)
        drained = measure(server, "receive", batch=10, connections=16, messages=messages, number=True)
        if drained["messages"] < messages:
            raise RuntimeError(f"only {drained['messages']:.0f} of {messages} messages came back")
        return {"fill": filled["seconds"], "drain": drained["seconds"],
                "displaced": drained["displaced"], "peak": server.memory_peak()}


def backlog():
    runs = {"all in memory": fill_and_drain(0)}
    limit = int(runs["all in memory"]["peak"] * LIMIT_SHARE)
    runs[f"memory_limit {limit / 1e6:.0f} MB"] = fill_and_drain(limit)
    free, bounded = runs.values()
    rows = [[name, f"{run['fill']:.1f}", f"{run['drain']:.1f}", f"{run['peak'] / 1e6:.0f}",
             f"{run['displaced']:.0f}"] for name, run in runs.items()]
    head = [f"{settings.BACKLOG_MESSAGES:,} x 256 bytes", "fill s", "drain s", "peak RSS MB",
            "furthest out of order, requests"]
    return [*table(head, rows), "",
            verdict("peak RSS", bounded["peak"] / 1e6, round(limit / 1e6), "MB", 0),
            verdict("drain, limited / in memory", bounded["drain"] / free["drain"], 2, "times", 2),
            verdict("furthest out of order, limited less in memory",
                    bounded["displaced"] - free["displaced"], 1000, "requests", 0)]


ALL = {
    "recovery": (recovery, "Opening a data directory"),
    "disk_use": (disk_use, "Size of the data directory"),
    "backlog": (backlog, "More messages than memory"),
}

"""Commands that are hostile or broken, run by a real worker: the job gets an outcome, the worker goes
on, and nothing is left of them. Every item of handlers.jsonl with this surface has a test here."""

import json
import os
import pathlib
import re
import signal
import tempfile
from datetime import datetime

import pytest
from command_line import ok, tranter
from handler_items import inputs
from jobs import call
from server import Server
from waiting import eventually
from worker_process import WorkerProcess

ITEMS = inputs("exec-handler")
CANARY = "canary-3f2a9c"
SECRETS = {"AWS_SECRET_ACCESS_KEY": CANARY, "DATABASE_URL": f"postgres://u:{CANARY}@h/db"}
# A user that owns nothing else, so that a limit on processes binds: it does not bind root.
NOBODY = 54321 if os.getuid() == 0 else None
ONCE = {"retry": {"max_attempts": 1}}
PAYLOAD_BYTES = 1_000_000
HIDDEN = "env -i setsid sh -c 'echo $$; exec sleep 600 >/dev/null 2>&1' & sleep 0.2"
DETACHED = "setsid sh -c 'sleep 600 & exec sleep 600' </dev/null >/dev/null 2>&1 &"


def argv(name):
    return json.dumps(ITEMS[name]["argv"])


def tasks_of_user():
    """The limit on processes counts threads."""
    if NOBODY is not None:
        return 0
    found = [path for path in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*")]
    return sum(1 for path in found if path.exists() and path.stat().st_uid == os.getuid())


CONFIG = f"""
[handlers.read]
exec = ["/bin/sh", "-c", "cat"]
[handlers.env]
exec = {argv("EXEC-004")}
[handlers.descriptors]
exec = {argv("EXEC-005")}
[handlers.bomb]
exec = {argv("EXEC-006")}
timeout = "20s"
limits = {{ processes = {tasks_of_user() + 100} }}
[handlers.hog]
exec = {argv("EXEC-007")}
limits = {{ memory = "1GiB" }}
[handlers.deaf]
exec = ["sleep", "0.2"]
[handlers.stubborn]
exec = {argv("EXEC-010")}
timeout = "1s"
grace = "200ms"
[handlers.segfault]
exec = {argv("EXEC-013")}
[handlers.no-program]
exec = {argv("EXEC-016")}
[handlers.setuid]
exec = ["/bin/sh", "-c", "grep NoNewPrivs /proc/self/status && ! passwd -S root"]
[handlers.suspended]
exec = ["/bin/sh", "-c", "kill -STOP $$; exit 0"]
timeout = "1s"
grace = "200ms"
[handlers.quick]
exec = ["/bin/true"]
[handlers.false]
exec = {argv("EXEC-021")}
retry = {{ max_attempts = 3, base = "100ms", factor = 2.0, max = "1s", jitter_percent = 0 }}
[handlers.dies]
child = {argv("EXEC-021")}
retry = {{ max_attempts = 4, base = "1ms", max = "1ms" }}
[handlers.endless]
exec = ["yes"]
timeout = "1s"
grace = "200ms"
[handlers.noisy]
exec = ["/bin/sh", "-c", "yes 0123456789 | head -c 20000000 >&2"]
[handlers.group]
exec = ["/bin/sh", "-c", "sleep 600 & sleep 600 & exit 0"]
[handlers.detached]
exec = ["/bin/sh", "-c", {json.dumps(DETACHED)}]
[handlers.hidden]
exec = ["/bin/sh", "-c", {json.dumps(HIDDEN)}]
[handlers.daemon]
exec = ["python3", "-c", '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0), os.close(1), os.close(2)
        time.sleep(600)
''']
"""


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def worker(server):
    with tempfile.TemporaryDirectory(prefix="tranter-exec-") as folder:
        os.chmod(folder, 0o755)
        folder = pathlib.Path(folder)
        running = WorkerProcess(
            folder, server.admin_endpoint, CONFIG, "--queue", "hostile", "--concurrency", "4",
            env={**SECRETS, "LANG": "C.UTF-8"}, log_path=folder / "log", user=NOBODY,
        )
        running.log = lambda: (folder / "log").read_text(errors="replace")
        yield running
        code, _ = running.end()
        assert code == 0, running.log()


@pytest.fixture
def finished(server, worker):
    """What has come of a job, after which nothing of it is left and the worker is well."""

    def finished(job_type, payload=None, **options):
        job = {"type": job_type, "payload": payload, **options}
        made = call(server, "/v1/queues/hostile/jobs", [job])[0]["id"]
        record = call(server, f"/v1/jobs/{made}/wait?timeout=60s")
        assert "finished_at" in record, (record, worker.log())
        eventually(lambda: not processes_of(made), seconds=30)
        assert worker.process.poll() is None, worker.log()
        assert worker.get("/readyz")[0] == 200
        assert CANARY not in json.dumps(record) + worker.log()
        return record

    return finished


def processes_of(job):
    """Whoever was started for a job, wherever it went. Without those that only wait for their
    parent to take their exit code."""
    mark = f"TRANTER_JOB_ID={job}".encode()
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry.name, (entry / "cmdline").read_bytes()))
        except OSError:  # it has ended, or is not ours
            pass
    return found


def failure(record):
    assert record["state"] == "dead"
    return record["failures"][-1]["text"]


TESTED = set()


def item(name):
    """Marks the test of an item."""
    TESTED.add(name)
    return pytest.mark.parametrize("given", [pytest.param(ITEMS[name], id=name)])


@item("EXEC-002")
def test_a_payload_never_gets_into_a_command(given, finished, tmp_path):
    (tmp_path / "tranter.toml").write_text(f"[handlers.x]\nexec = {json.dumps(given['argv'])}\n")
    refused = tranter("work", "--config", str(tmp_path / "tranter.toml"))
    assert refused.code != 0 and "{payload}" in refused.err

    assert finished("read", given["payload"])["result"] == given["payload"]
    assert not os.path.exists("/tmp/pwn")


@item("EXEC-003")
def test_a_type_never_chooses_a_program(given, finished):
    record = finished(given["type"], **ONCE)
    assert "no handler for type" in failure(record)


@item("EXEC-004")
def test_the_environment_holds_nothing_of_the_worker(given, finished):
    names = {line.partition("=")[0] for line in finished("env")["result"].splitlines()}
    usual = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"}
    assert {name for name in names if not name.startswith("TRANTER_")} <= usual
    assert "TRANTER_URL" not in names


@item("EXEC-005")
def test_no_descriptor_is_inherited(given, finished):
    listing = finished("descriptors")["result"]
    numbers = re.findall(r" (\d+) -> (\S+)", listing)
    # ls has opened the directory that it lists.
    inherited = [number for number, target in numbers if not target.startswith("/proc/")]
    assert inherited == ["0", "1", "2"]


@item("EXEC-006")
def test_a_fork_bomb_ends_at_the_limit(given, finished):
    record = finished("bomb", **ONCE)
    assert record["state"] == "dead"


@item("EXEC-007")
def test_a_program_gets_no_more_memory_than_it_may(given, finished):
    assert "MemoryError" in failure(finished("hog", **ONCE))


@item("EXEC-009")
def test_a_program_need_not_read_its_payload(given, finished):
    assert given["payload_bytes"] <= PAYLOAD_BYTES
    assert finished("deaf", "x" * PAYLOAD_BYTES)["state"] == "completed"


@item("EXEC-010")
def test_a_program_that_ignores_the_request_to_end_is_killed(given, finished):
    record = finished("stubborn", **ONCE)
    assert record["failures"][-1]["type"] == "timeout"


@item("EXEC-013")
def test_an_end_by_a_signal_is_a_failure_that_names_it(given, finished):
    assert failure(finished("segfault", **ONCE)) == "killed by SIGSEGV"


@item("EXEC-016")
def test_a_file_that_is_no_program_says_so(given, finished):
    assert failure(finished("no-program", **ONCE)) == (
        "/etc/passwd cannot be started: Permission denied"
    )


@item("EXEC-017")
def test_a_set_user_id_program_gains_nothing(given, finished):
    record = finished("setuid", **ONCE)
    if NOBODY is None:
        pytest.skip("only root sees a difference")
    assert record["state"] == "completed", record
    assert record["result"] == "NoNewPrivs:\t1"


@item("EXEC-018")
def test_a_suspended_program_is_ended_by_its_timeout(given, finished):
    record = finished("suspended", **ONCE)
    assert record["failures"][-1]["type"] == "timeout"


@item("EXEC-020")
def test_many_short_programs_harm_no_bystander(given, finished, server, worker):
    bystanders = [worker.pid, server.pid]
    for _ in range(3):
        jobs = [{"type": "quick"} for _ in range(100)] + [{"type": "group"}]
        made = call(server, "/v1/queues/hostile/jobs", jobs)
        for job in made:
            assert call(server, f"/v1/jobs/{job['id']}/wait?timeout=60s")["state"] == "completed"
    for pid in bystanders:
        os.kill(pid, 0)
    finished("group")


@item("EXEC-021")
def test_a_crash_loop_rests_longer_and_longer_and_ends(given, finished):
    record = finished("false")
    assert record["state"] == "dead" and record["attempt"] == 3
    # 100 ms and then 200 ms, which begin when an attempt has ended.
    assert milliseconds_of(record) >= 300

    record = finished("dies")
    assert record["state"] == "dead" and record["attempt"] == 4
    assert {one["type"] for one in record["failures"]} == {"handler_died"}
    # After two that ended at once, 200 ms and 400 ms.
    assert milliseconds_of(record) >= 600


def milliseconds_of(record):
    begin, end = (datetime.fromisoformat(record[name]) for name in ("created_at", "finished_at"))
    return (end - begin).total_seconds() * 1000


@item("EXEC-024")
def test_a_signal_to_open_the_log_again_ends_no_worker(given, finished, worker):
    worker.process.send_signal(getattr(signal, f"SIG{given['signal']}"))
    assert finished("quick")["state"] == "completed"


@pytest.mark.parametrize("job_type", ["group", "detached", "daemon"])
def test_nothing_is_left_behind_whatever_it_does(finished, job_type):
    assert finished(job_type)["state"] == "completed"


def test_nothing_is_left_behind_that_hides_where_it_is_from(finished):
    hidden = finished("hidden")["result"]
    eventually(lambda: not os.path.exists(f"/proc/{hidden}"), seconds=30)


def test_output_without_an_end_is_bounded(finished, worker, server):
    before = resident_kibibytes(worker.pid)
    assert finished("endless", **ONCE)["failures"][-1]["type"] == "timeout"
    noisy = finished("noisy")
    assert noisy["state"] == "completed"
    log = ok("job", "logs", noisy["id"], env={"TRANTER_URL": server.admin_endpoint}).out
    assert 0 < len(log) < 3_000_000
    # Much less than was written; sanitizers keep what was freed for a while.
    assert resident_kibibytes(worker.pid) - before < 400_000


def resident_kibibytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def test_no_item_is_forgotten():
    assert TESTED == set(ITEMS)

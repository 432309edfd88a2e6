"""What /metrics, the health endpoints and the log say of jobs and workers, with real processes and
a parser of Prometheus' own."""

import json
import re
import shutil
import signal
import subprocess

import pytest
from command_line import check_failure, ok, tranter
from metrics import samples, scrape, value
from scheduler_process import SchedulerProcess
from server import REPO
from waiting import eventually
from worker_process import WorkerProcess

ALERTS = REPO / "deploy/prometheus"
TOKEN = "token-of-the-owner-4711"
SECRET = "aws/secret+key/of+the+owner/4711"

HANDLERS = """
[handlers.good]
exec = ["/bin/true"]
[handlers.bad]
exec = ["/bin/sh", "-c", "exit 1"]
[handlers.late]
exec = ["/bin/sleep", "600"]
timeout = "1s"
[handlers.killed]
exec = ["/bin/sh", "-c", "kill -9 $$"]
[handlers.long]
exec = ["/bin/sleep", "3"]
[handlers.endless]
exec = ["/bin/sleep", "600"]
grace = "1s"
[handlers.never]
exec = ["/bin/true"]
[handlers.leaky]
exec = ["/bin/sh", "-c", "echo http://ann:hunter2@host $LEAK Bearer abcdefghijklmnop >&2; exit 1"]
environment = { LEAK = "LEAKED" }
"""


def total(text, name, **labels):
    """The sum over all other labels."""
    wanted = set(labels.items())
    return sum(
        one for (key, has), one in samples(text).items()
        if key == f"tranter_{name}" and wanted <= set(has)
    )


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture
def env(server):
    return {"TRANTER_URL": server.admin_endpoint}


@pytest.fixture
def worker(tmp_path, server, queue):
    started = []

    def start(*flags, handlers=HANDLERS, **options):
        one = WorkerProcess(
            tmp_path, server.admin_endpoint, handlers, "--queue", queue, "--lease", "2s", *flags,
            **options,
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()


def enqueue(queue, job_type, env, *more):
    return ok("job", "enqueue", queue, job_type, *more, "-o", "json", env=env).json()["id"]


def ended(queue, job_type, env, *more):
    """Enqueues a job that has one attempt, and waits for its end."""
    job = enqueue(queue, job_type, env, "--max-attempts", "1", *more)
    outcome = tranter("job", "wait", job, "--timeout", "60s", env=env)
    return json.loads(outcome.out)


def metrics_once(worker, name, wanted, **labels):
    """The metrics, once that one is so much: a store knows the end before its worker counts it."""

    def look():
        text = worker.get("/metrics")[1]
        return text if total(text, name, **labels) >= wanted else None

    return eventually(look, seconds=30)


def test_what_is_known_is_there_from_the_start(worker, queue):
    text = worker().get("/metrics")[1]
    labels = {"queue": queue, "job_type": "never"}
    for name in ("completed", "retried", "dead", "released", "cancelled", "snoozed"):
        assert value(text, f"jobs_{name}_total", **labels) == 0
    for reason in ("error", "timeout", "crash", "lost_lease"):
        assert value(text, "jobs_failed_total", reason=reason, **labels) == 0
    assert value(text, "job_run_duration_seconds_count", **labels) == 0
    assert value(text, "jobs_running", **labels) == 0
    assert value(text, "worker_shutdown_duration_seconds") == 0
    assert re.search(r"^process_open_fds [1-9]", text, re.MULTILINE)


def test_the_ends_of_attempts_are_counted_by_reason(worker, queue, env):
    running = worker()
    for job_type in ("good", "bad", "late", "killed"):
        ended(queue, job_type, env)
    text = metrics_once(running, "worker_attempts_total", 4)
    for job_type, reason in (("bad", "error"), ("late", "timeout"), ("killed", "crash")):
        labels = {"queue": queue, "job_type": job_type}
        assert value(text, "jobs_failed_total", reason=reason, **labels) == 1
        assert total(text, "jobs_failed_total", **labels) == 1
        assert value(text, "jobs_dead_total", **labels) == 1
        assert value(text, "jobs_retried_total", **labels) == 0
    good = {"queue": queue, "job_type": "good"}
    assert value(text, "jobs_completed_total", **good) == 1
    assert value(text, "job_attempts_sum", **good) == 1
    late = {"queue": queue, "job_type": "late"}
    assert value(text, "job_run_duration_seconds_count", **late) == 1
    assert 1 <= value(text, "job_run_duration_seconds_sum", **late) < 30


def test_a_failed_attempt_that_is_tried_again(worker, queue, env):
    running = worker()
    enqueue(queue, "bad", env, "--max-attempts", "2", "--backoff-base", "1h")
    text = metrics_once(running, "jobs_retried_total", 1)
    assert total(text, "jobs_dead_total", queue=queue) == 0
    assert total(text, "job_total_duration_seconds_count", queue=queue) == 0


def test_the_wait_of_a_delayed_job_begins_when_it_is_due(worker, server, queue, env):
    running = worker()
    ended(queue, "good", env, "--delay", "3s")
    text = metrics_once(running, "jobs_completed_total", 1)
    labels = {"queue": queue, "job_type": "good"}
    assert value(text, "job_queue_latency_seconds_count", **labels) == 1
    assert value(text, "job_queue_latency_seconds_sum", **labels) < 2.5
    assert value(text, "job_total_duration_seconds_sum", **labels) >= 3
    of_server = scrape(server)
    assert value(of_server, "job_queue_latency_seconds_count", queue=queue) == 1
    assert value(of_server, "job_queue_latency_seconds_sum", queue=queue) < 2.5


def test_a_running_job_keeps_a_slot_busy_and_its_lease(worker, server, queue, env):
    running = worker("--concurrency", "2")
    ended_later = enqueue(queue, "long", env)
    text = metrics_once(running, "jobs_running", 1)
    assert value(text, "worker_slots", state="busy") == 1
    assert value(text, "worker_slots", state="idle") == 1
    assert value(text, "worker_saturation_ratio") == 0.5
    of_server = scrape(server)
    assert 0 < value(of_server, "queue_oldest_inflight_seconds", queue=queue) < 600
    ok("job", "wait", ended_later, "--timeout", "60s", env=env)
    text = metrics_once(running, "jobs_completed_total", 1)
    assert value(scrape(server), "queue_oldest_inflight_seconds", queue=queue) == 0
    assert value(text, "job_lease_extensions_total") >= 1
    assert value(text, "worker_poll_duration_seconds_count") >= 1
    assert value(text, "worker_last_heartbeat_timestamp_seconds") > 1.7e9
    assert total(text, "jobs_running", queue=queue) == 0


def test_the_server_counts_jobs_by_type_and_what_dead_workers_leave(worker, server, queue, env):
    doomed = worker()
    job = enqueue(queue, "endless", env)
    metrics_once(doomed, "jobs_running", 1)
    doomed.end(signal.SIGKILL)
    second = worker()
    metrics_once(second, "jobs_running", 1)
    ended(queue, "good", env)
    ended(queue, "bad", env)
    text = scrape(server)
    assert value(text, "job_stalled_total", queue=queue, job_type="endless") == 1
    assert value(text, "jobs_enqueued_total", queue=queue, job_type="endless") == 1
    assert value(text, "jobs_completed_total", queue=queue, job_type="good") == 1
    assert value(text, "jobs_dead_total", queue=queue, job_type="bad") == 1
    assert value(text, "jobs_failed_total", queue=queue, job_type="bad") == 1
    assert value(text, "queue_dead_messages", queue=f"{queue}-dlq") == 1
    ok("job", "cancel", job, env=env)
    text = metrics_once(second, "jobs_cancelled_total", 1)


def test_requests_are_measured(server, name):
    ok("queue", "create", name(), endpoint=server)
    text = scrape(server)
    assert value(text, "api_request_duration_seconds_count", action="CreateQueue") >= 1
    assert value(text, "api_requests_total", action="CreateQueue", code="OK") >= 1


def test_a_draining_worker_says_so_and_for_how_long(worker, queue, env):
    running = worker("--shutdown-timeout", "60s")
    enqueue(queue, "endless", env)
    metrics_once(running, "jobs_running", 1)
    running.process.send_signal(signal.SIGTERM)
    eventually(lambda: running.get("/readyz") == (503, "draining\n"))
    assert running.get("/livez") == (200, "ok\n")
    text = running.get("/metrics")[1]
    assert value(text, "worker_up") == 0
    assert value(text, "worker_shutdown_duration_seconds") > 0


def test_checks_have_names_and_can_be_left_out(worker):
    running = worker()
    status, text = eventually(
        lambda: (answer := running.get("/readyz?verbose"))[0] == 200 and answer, seconds=30
    )
    assert text.startswith("[+]working ok\n[+]fetch_loop ok\n[+]store ok")
    assert running.get("/readyz?verbose&exclude=store")[1].count("excluded") == 1
    health = json.loads(running.get("/health")[1])
    assert [one["name"] for one in health["checks"]] == ["working", "fetch_loop", "store"]


def test_health_asks_without_curl(worker, server):
    running = worker()
    assert ok("health", "--url", server.admin_endpoint).out == "ok\n"
    assert ok("health", "--url", f"{server.admin_endpoint}/readyz").out == "ok\n"
    assert ok("health", "--url", f"http://{running.health}/").out == "ok\n"
    missing = tranter("health", "--url", f"http://{running.health}/nothing")
    assert missing.code == 1 and "answers 404" in missing.err
    running.end()
    check_failure(tranter("health", "--url", f"http://{running.health}"), 6)
    check_failure(tranter("health", "--url", "file:///etc/passwd"), 2)


def test_a_worker_of_a_server_on_http_loads_no_libcurl(worker, queue, env):
    """It has thirty libraries behind it, a fifth of what an idle worker then takes."""
    running = worker()
    assert ended(queue, "good", env)["state"] == "completed"
    with open(f"/proc/{running.process.pid}/maps", encoding="ascii") as maps:
        assert "libcurl" not in maps.read()


def test_the_log_has_each_attempt(worker, queue, env):
    running = worker("--log-format", "json", "--log-level", "debug")
    good = ended(queue, "good", env)["id"]
    bad = ended(queue, "bad", env)["id"]
    metrics_once(running, "worker_attempts_total", 2)
    _, log = running.end()
    lines = [json.loads(line) for line in log.splitlines()]
    of_attempts = {line["job_id"]: line for line in lines if "outcome" in line}
    for job, level, outcome, error in (
        (good, "debug", "completed", ""), (bad, "error", "dead", "exit code 1")
    ):
        line = of_attempts[job]
        assert (line["level"], line["outcome"], line["error"]) == (level, outcome, error)
        assert (line["queue"], line["attempt"]) == (queue, 1)
        assert line["duration_ms"] > 0
        assert line["job_type"] in ("good", "bad")


def test_a_success_is_no_news(worker, queue, env):
    running = worker("--log-format", "logfmt")
    ended(queue, "good", env)
    metrics_once(running, "jobs_completed_total", 1)
    _, log = running.end()
    assert "outcome=" not in log


@pytest.mark.parametrize("log_format", ["json", "logfmt", "pretty"])
def test_no_secret_is_shown_anywhere(worker, queue, env, log_format):
    owners = {"TRANTER_TOKEN": TOKEN, "AWS_SECRET_ACCESS_KEY": SECRET}
    leak = f"{TOKEN} {SECRET} whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    running = worker(
        "--log-format", log_format, "--log-level", "debug",
        handlers=HANDLERS.replace("LEAKED", leak), env=owners,
    )
    ended(queue, "leaky", env)
    shown = metrics_once(running, "worker_attempts_total", 1)
    for path in ("/health", "/readyz?verbose"):
        shown += running.get(path)[1]
    _, log = running.end()
    assert "[redacted]" in log
    for secret in (TOKEN, SECRET, "hunter2", "whsec_Mf", "abcdefghijklmnop"):
        assert secret not in log + shown


def test_a_provider_with_a_password_does_not_show_it(tmp_path):
    config = tmp_path / "tranter.toml"
    config.write_text(HANDLERS)
    for url in ("http://ann:hunter2@127.0.0.1:1", "sqs:http://ann:hunter2@127.0.0.1:1/1/q"):
        outcome = tranter("work", "--config", str(config), "--provider", url)
        assert outcome.code != 0
        assert "hunter2" not in outcome.out + outcome.err


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus")
def test_prometheus_finds_nothing_wrong(worker, server, queue, env):
    running = worker()
    ended(queue, "good", env)
    texts = [metrics_once(running, "jobs_completed_total", 1), scrape(server)]
    for text in texts:
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=ALERTS, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def scheduler_metrics(server, folder):
    scheduler = SchedulerProcess(server.admin_endpoint, f"file:{folder}", "--timers")
    try:
        return scheduler.get("/metrics")[1]
    finally:
        scheduler.end()


def test_alerts_name_what_there_is(worker, own_server, tmp_path, queue, env):
    running = worker()
    ended(queue, "good", env)
    stored = own_server("--data", str(tmp_path / "data"))
    enqueue("mail", "good", {"TRANTER_URL": stored.admin_endpoint})
    shown = metrics_once(running, "jobs_completed_total", 1) + scrape(stored)
    shown += scheduler_metrics(stored, tmp_path)
    named = set(re.findall(r"^# TYPE (\S+)", shown, re.MULTILINE))
    series = named | {f"{one}{suffix}" for one in named for suffix in ("_bucket", "_sum", "_count")}
    rules = re.sub(r"^\s*summary:.*$", "", (ALERTS / "alerts.yml").read_text(), flags=re.MULTILINE)
    used = set(re.findall(r"\b(?:tranter|process)_[a-z_]+", rules))
    assert used and used <= series, used - series

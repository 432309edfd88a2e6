"""The clients of the child protocol: real workers, whose children are Node and Python programs that
use them."""

import json
import os
import signal

import child_programs
import pytest
from command_line import ok
from jobs import call
from waiting import eventually
from worker_process import WorkerProcess

MANY = 900  # the history of a queue in memory keeps 1,000


@pytest.fixture(params=child_programs.LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def queue(name):
    return name()


@pytest.fixture
def work(tmp_path, server, queue, language):
    """Starts workers with one process for handlers, or more."""
    file, text, command = child_programs.LANGUAGES[language]
    (tmp_path / file).write_text(text)
    started = []

    def start(*flags, processes=1, more=""):
        config = f"""
        [handlers."*"]
        child = {json.dumps([*command, file])}
        processes = {processes}
        {more}
        """
        words = ["--queue", queue, "--lease", "5s", "--concurrency", str(2 * processes), *flags]
        started.append(WorkerProcess(tmp_path, server.admin_endpoint, config, *words))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def enqueue(server, queue):
    def enqueue(job_type, payload=None, **options):
        job = {"type": job_type, "payload": payload, **options}
        return call(server, f"/v1/queues/{queue}/jobs", [job])[0]["id"]

    return enqueue


@pytest.fixture
def finished(server, enqueue):
    def finished(*words, **options):
        return call(server, f"/v1/jobs/{enqueue(*words, **options)}/wait?timeout=60s")

    return finished


def log_of(server, job):
    return ok("job", "logs", job, env={"TRANTER_URL": server.admin_endpoint}).out


def wait_for_begin(server, job):
    eventually(lambda: "begun" in log_of(server, job), seconds=60)


ONCE = {"retry": {"max_attempts": 1}}


def test_results_are_json_as_it_came(work, finished):
    work()
    for payload in (None, 0.5, "ä\n\u2028", [1, {"a": {}}], "x" * 200_000):
        job = finished("echo", payload)
        assert job["state"] == "completed"
        assert job.get("result") == payload


def test_what_is_printed_is_for_the_log_and_never_for_the_protocol(work, finished, server):
    work()
    job = finished("loud", 7)
    assert (job["state"], job["result"], job["progress"]) == ("completed", "ok", {"done": 3})
    log = log_of(server, job["id"])
    for line in ("printed", "written", "wrong", '"reason":"printed"', "logged 7"):
        assert line in log


def test_programs_that_share_its_input_and_output_do_not_disturb_it(work, finished):
    work()
    assert finished("partial")["result"] == "ok"
    assert finished("echo", 1)["result"] == 1


def test_values_that_no_json_has_break_nothing(work, finished, language):
    work()
    pid = finished("pid")["result"]
    numbers = finished("nan", **ONCE)
    if language == "node":  # as JSON.stringify() does
        assert numbers["result"] == [None, None]
    else:
        assert numbers["failures"][-1]["type"] == "ValueError"
    mark = {"node": "\ufffd", "python": "?"}[language]
    assert finished("half")["result"] == [f"half {mark}", "\\ud800"]
    assert finished("half.reason")["reason"] == f"half {mark}"
    assert finished("pid")["result"] == pid


def test_a_step_after_the_end_of_its_job_fails_and_disturbs_no_other_job(work, finished):
    work()
    finished("late.step")
    result = finished("late.result", timeout="30s")["result"]
    assert "not kept" in result and "the job is over" in result


def test_exceptions_decide_how_an_attempt_ends(work, finished, tmp_path):
    work()
    buried, unknown = finished("bury"), finished("unheard.of")
    assert (buried["state"], buried["reason"]) == ("dead", "buried")
    assert unknown["state"] == "dead" and "unheard.of" in unknown["reason"]
    failed = finished("fail", **ONCE)
    assert failed["state"] == "dead"
    last = failed["failures"][-1]
    assert (last["type"], last["text"]) == ("TypeError", "broken")
    assert finished("unwritable", **ONCE)["failures"][-1]["type"] == "TypeError"
    retried = finished("retry")
    assert retried["result"] == 2 and retried["failures"][0]["text"] == "busy"
    # A snooze costs no attempt.
    assert finished("snooze", str(tmp_path / "snoozed"))["result"] == 1


def test_a_step_is_done_once_in_all_attempts_whatever_ends_them(work, finished, tmp_path):
    work()
    done = tmp_path / "done"
    job = finished("step", str(done), retry={"max_attempts": 5, "base": "1ms", "max": "1ms"})
    assert job["result"] == [{"made": 1}, {"made": 1}, None]
    assert job["attempt"] == 3
    assert [failure["type"] for failure in job["failures"]] == ["handler_died", "Retry"]
    assert done.read_text() == "x"


def test_any_number_of_steps_may_be_begun_at_once(work, finished, language):
    if language == "python":
        pytest.skip("one step at a time")
    work()
    assert finished("many.steps", 5000, timeout="50s", **ONCE).get("result") == 5000


def test_a_step_that_cannot_be_kept_fails_the_attempt(work, finished):
    work()
    job = finished("refused", **ONCE)
    assert job["state"] == "dead"
    assert "128" in job["failures"][-1]["text"]


def test_a_process_goes_on_after_a_job_that_was_stopped(work, enqueue, finished, server):
    work()
    pid = finished("pid")["result"]

    cancelled = enqueue("wait")
    wait_for_begin(server, cancelled)
    call(server, f"/v1/jobs/{cancelled}/cancel", {})
    job = call(server, f"/v1/jobs/{cancelled}/wait?timeout=60s")
    assert job["state"] == "cancelled"

    late = finished("wait", timeout="100ms", **ONCE)
    assert (late["state"], late["failures"][-1]["type"]) == ("dead", "timeout")
    assert finished("pid")["result"] == pid


def test_a_job_goes_back_when_the_worker_stops_and_may_finish_before_that(work, enqueue, server):
    running = work("--shutdown-timeout", "0s", processes=2)
    interrupted, finishing = enqueue("wait"), enqueue("finish")
    for job in (interrupted, finishing):
        wait_for_begin(server, job)

    code, log = running.end()

    assert code == 0, log
    record = call(server, f"/v1/jobs/{interrupted}")
    assert (record["state"], record["attempt"]) == ("pending", 0)
    record = call(server, f"/v1/jobs/{finishing}")
    assert (record["state"], record["result"]) == ("completed", "shutdown")


@pytest.mark.parametrize("job_type", ["later", "rejected"])
def test_an_exception_that_nobody_handles_fails_the_job_and_no_other(work, finished, job_type):
    work()
    job = finished(job_type, **ONCE)
    assert job["state"] == "dead"
    assert job["failures"][-1]["type"] == "RangeError"
    assert job["failures"][-1]["text"] == "thrown later"
    assert finished("echo", 1)["result"] == 1


def test_a_process_that_ends_during_a_job_is_replaced(work, finished):
    work()
    first = finished("pid")["result"]
    job = finished("exit", **ONCE)
    assert job["failures"][-1]["type"] == "handler_died"
    assert "ended with code 3" in job["failures"][-1]["text"]
    assert finished("pid")["result"] != first


def test_a_process_is_replaced_when_it_is_due_and_ends_by_itself(work, finished):
    running = work("--log-level", "debug", more="max_jobs = 2\n        grace = '1m'")
    pids = [finished("pid")["result"] for _ in range(6)]
    assert len(set(pids)) == 3 and pids[0] == pids[1] and pids[2] == pids[3]
    code, log = running.end()
    assert code == 0 and "handler process killed" not in log


def test_a_stuck_process_is_killed_unless_it_says_that_it_is_not(work, finished, language):
    work(more='heartbeat_timeout = "400ms"')
    job = finished("wait", timeout="2s", **ONCE)
    # The event loop of Node turns while its handler waits.
    expected = {"node": "timeout", "python": "stuck"}[language]
    assert job["failures"][-1]["type"] == expected


def test_many_jobs_each_get_their_own_result(work, server, queue):
    work(processes=2)
    jobs = [{"type": "echo", "payload": number} for number in range(MANY)]
    ids = [
        job["id"]
        for begin in range(0, MANY, 500)
        for job in call(server, f"/v1/queues/{queue}/jobs", jobs[begin : begin + 500])
    ]
    for number in (0, MANY // 2, MANY - 1):
        assert call(server, f"/v1/jobs/{ids[number]}/wait?timeout=60s")["result"] == number
    eventually(
        lambda: call(server, f"/v1/queues/{queue}")["completed"] == MANY, seconds=60
    )


def test_nothing_is_left_of_the_children_of_a_worker_that_was_killed(work, finished):
    running = work()
    pid = finished("pid")["result"]
    running.end(signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), seconds=30)

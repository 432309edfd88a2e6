"""The commands about jobs, against the real server and a directory."""

import json
import signal
import subprocess

import pytest
from command_line import check_failure, clean_environment, ok, on_terminal, tranter
from jobs import call, receive
from server import binary

UNKNOWN = "7b0c4b1e-0000-4000-8000-000000000001"
SECRET = "hunter2-secret"


@pytest.fixture
def env(server):
    return {"TRANTER_URL": server.admin_endpoint}


@pytest.fixture
def queue(name):
    return name()


def enqueue(queue, *more, env):
    return ok("job", "enqueue", queue, "email.welcome", *more, env=env).json()["id"]


def show(job, env):
    return ok("job", "show", job, env=env).json()


# --- enqueue


def test_a_job_is_enqueued_with_every_option(server, queue, env):
    job = enqueue(
        *(queue, '{"n": 1.0, "big": 18446744073709551616}'),
        *("--delay", "5m", "--priority", "2", "--group", "acme", "--tag", "a", "--tag", "k=v"),
        *("--timeout", "30s", "--ttl", "1d", "--max-attempts", "3", "--backoff-base", "1s"),
        *("--backoff-factor", "1", "--backoff-max", "1m", "--backoff-jitter", "0"),
        *("--dedup", "once", "--dedup-mode", "throttle", "--dedup-ttl", "1h"),
        *("--runs", "4", "--max-parallel-runs", "2"),
        env=env,
    )

    outcome = ok("job", "show", job, env=env)

    shown = outcome.json()
    assert '"payload":{"n":1.0,"big":18446744073709551616}' in outcome.out
    assert shown["state"] == "scheduled" and shown["queue"] == queue
    assert shown["priority"] == 2 and shown["group"] == "acme" and shown["tags"] == ["a", "k=v"]
    assert shown["timeout"] == "30s" and shown["ttl"] in ("1d", "24h")
    assert shown["retry"] == {
        "max_attempts": 3, "base": "1s", "factor": 1, "max": "1m", "jitter": 0
    }
    assert shown["dedup"] == {"key": "once", "mode": "throttle", "ttl": "1h"}
    assert shown["runs"] == 4 and shown["max_parallel_runs"] == 2


def test_what_is_shown_is_what_the_jobs_api_says(server, queue, env):
    job = enqueue(queue, "[1]", env=env)
    (delivery,) = receive(server, queue)
    call(
        *(server, f"/v1/queues/{queue}/fail"),
        {"receipt": delivery["receipt"], "error": {"type": "E", "text": "no\nnet"}},
    )

    assert show(job, env) == call(server, f"/v1/jobs/{job}")


def test_payloads_come_from_the_argument_stdin_or_a_file(queue, env, tmp_path):
    file = tmp_path / "payload"
    file.write_text('{"from": "file"}\n')

    jobs = [
        enqueue(queue, env=env),
        enqueue(queue, f"@{file}", env=env),
        ok("job", "enqueue", queue, "t", "-", env=env, stdin=' {"from":\n"stdin"} ').json()["id"],
    ]

    payloads = [show(job, env)["payload"] for job in jobs]
    assert payloads == [None, {"from": "file"}, {"from": "stdin"}]


def test_lines_are_enqueued_in_bulk_and_those_that_are_wrong_are_named(queue, env):
    lines = [json.dumps({"type": "t", "payload": {"i": i}, "tags": ["bulk"]}) for i in range(2500)]
    lines[7] = '{"tpye": "t"}'
    lines[1999] = '{"type": "a b"}'
    lines[2000] = "[1"
    lines[2001] = ""

    outcome = tranter("job", "enqueue", queue, "--bulk", env=env, stdin="\n".join(lines))

    assert outcome.code == 7
    assert outcome.json() == {"enqueued": 2496, "duplicates": 0, "failed": 3}
    said = outcome.err.splitlines()
    assert said[0].startswith("tranter: line 8: ") and "did you mean type" in said[0], said
    assert said[1].startswith("tranter: line 2000: ") and '"a b"' in said[1], said
    assert said[2].startswith("tranter: line 2001: "), said
    listed = ok("job", "list", "--queue", queue, "--limit", "5000", "-o", "name", env=env)
    assert len(listed.out.splitlines()) == 2496


def test_lines_are_payloads_with_the_same_options(queue, env):
    done = ok(
        *("job", "enqueue", queue, "t", "--lines", "--rate", "1000", "--group", "g"),
        env=env, stdin='{"a":1}\n"two"\n3\n',
    )

    assert done.json() == {"enqueued": 3, "duplicates": 0, "failed": 0}
    listed = ok("job", "list", "--queue", queue, "-o", "ndjson", env=env).lines()
    assert [job["payload"] for job in listed] == [{"a": 1}, "two", 3]
    assert {job["group"] for job in listed} == {"g"}


def test_a_group_that_is_full_refuses_its_lines_alone(queue, env):
    ok("queue", "limits", queue, "--max-queued-per-group", "1", env=env)
    lines = [json.dumps({"type": "t", "group": group}) for group in "abcabc"]

    outcome = tranter("job", "enqueue", queue, "--bulk", env=env, stdin="\n".join(lines))

    assert outcome.code == 7
    assert outcome.json() == {"enqueued": 3, "duplicates": 0, "failed": 3}
    assert [line.split(":")[1] for line in outcome.err.splitlines()] == [
        " line 4", " line 5", " line 6"
    ]


# --- wait, logs


def test_waiting_prints_the_result(server, queue, env):
    command = ["job", "enqueue", queue, "t", "--wait", "30s", "-o", "json"]
    waiting = subprocess.Popen(
        [str(binary()), *command], stdout=subprocess.PIPE, env=clean_environment(**env)
    )
    (delivery,) = receive(server, queue, wait="20s")
    body = {"receipt": delivery["receipt"], "result": {"sent": 1}}
    call(server, f"/v1/queues/{queue}/complete", body)

    out, _ = waiting.communicate(timeout=30)

    job = json.loads(out)
    assert waiting.returncode == 0
    assert job["state"] == "completed" and job["result"] == {"sent": 1}


def test_a_job_that_ended_otherwise_is_exit_1_and_one_that_has_not_8(server, queue, env):
    dead, pending = enqueue(queue, env=env), enqueue(queue, env=env)
    (delivery,) = receive(server, queue)
    assert delivery["id"] == dead
    body = {"receipt": delivery["receipt"], "reason": "no such user"}
    call(server, f"/v1/queues/{queue}/dead", body)

    outcome = tranter("job", "wait", dead, "--timeout", "10s", env=env)

    assert outcome.code == 1 and outcome.json()["reason"] == "no such user"
    check_failure(tranter("job", "wait", pending, "--timeout", "10ms", env=env), 8)


def test_logs_are_followed_until_the_job_is_finished(server, queue, env):
    job = enqueue(queue, env=env)
    (delivery,) = receive(server, queue)
    following = subprocess.Popen(
        [str(binary()), "job", "logs", job, "--follow"],
        stdout=subprocess.PIPE, env=clean_environment(**env), text=True,
    )
    receipt = {"receipt": delivery["receipt"]}
    call(server, f"/v1/queues/{queue}/log", {**receipt, "lines": ["one", "two \x1b[31m"]})
    assert following.stdout.readline() == "one\n"
    call(server, f"/v1/queues/{queue}/log", {**receipt, "lines": ["three"]})
    call(server, f"/v1/queues/{queue}/complete", receipt)

    rest = following.stdout.read()

    assert (following.wait(30), rest) == (0, "two \\x1b[31m\nthree\n")
    assert ok("job", "logs", job, "-o", "ndjson", env=env).lines()[0] == {"line": "one"}


# --- list, change


def test_jobs_are_found_by_what_they_are_and_hold(server, queue, env):
    ids = [enqueue(queue, f'{{"user": {{"id": {i}}}}}', "--tag", f"n={i}", env=env) for i in (1, 2)]
    ok("job", "cancel", ids[1], env=env)

    def found(*terms):
        listed = ok("job", "list", "--queue", queue, *terms, "-o", "name", env=env)
        return listed.out.split()

    assert found() == ids
    assert found("--state", "pending") == [ids[0]]
    assert found("--state", "cancelled", "--since", "1h") == [ids[1]]
    assert found("--filter", "args.user.id:1") == [ids[0]]
    assert found("--tag", "n=2") == [ids[1]]
    assert found("--type", "other") == []


def test_a_long_list_goes_on_at_its_cursor(queue, env):
    lines = "\n".join(['{"type": "t"}'] * 5)
    ok("job", "enqueue", queue, "--bulk", env=env, stdin=lines)

    first = ok("job", "list", "--queue", queue, "--limit", "3", "-o", "name", env=env)
    assert first.err.startswith("tranter: there are more: --cursor ")
    cursor = first.err.split()[-1]
    rest = ok("job", "list", "--queue", queue, "--cursor", cursor, "-o", "name", env=env)

    assert len(first.out.split()) == 3 and len(rest.out.split()) == 2 and rest.err == ""
    assert not set(first.out.split()) & set(rest.out.split())


def test_a_terminal_gets_a_table_with_relative_times(server, queue, env):
    job = enqueue(queue, "--delay", "2h", env=env)

    code, shown = on_terminal("job", "list", "--queue", queue, endpoint=server, env=env)
    lines = shown.replace("\r", "").splitlines()
    assert code == 0 and lines[0].split() == ["ID", "QUEUE", "TYPE", "STATE", "ATTEMPT", "CREATED"]
    assert lines[1].startswith(job) and "scheduled" in lines[1] and lines[1].endswith(" ago")

    iso = ok("job", "list", "--queue", queue, "-o", "wide", "--time", "iso", env=env).out
    assert "PAYLOAD" in iso and " ago" not in iso


def test_many_jobs_are_changed_after_a_question(server, queue, env):
    jobs = [enqueue(queue, "--delay", "1h", env=env) for _ in range(3)]

    check_failure(tranter("job", "cancel", "--queue", queue, env=env), 2)
    dry = ok("job", "promote", "--queue", queue, "--dry-run", "-o", "ndjson", env=env).lines()
    assert [line["result"] for line in dry] == ["would promote"] * 3
    code, shown = on_terminal(
        *("job", "cancel", "--queue", queue), endpoint=server, env=env, typed="y\n", until="[y/N]"
    )
    assert code == 0 and "cancel 3 jobs" in shown and shown.count("cancelled") == 3
    assert {show(job, env)["state"] for job in jobs} == {"cancelled"}

    ok("job", "retry", *jobs, "--rate", "100", env=env)
    assert {show(job, env)["state"] for job in jobs} == {"pending"}


def test_of_several_jobs_those_that_cannot_be_changed_are_named(queue, env):
    job = enqueue(queue, env=env)

    outcome = tranter("job", "cancel", UNKNOWN, job, env=env)

    assert outcome.code == 7 and len(outcome.json()) == 1
    assert outcome.err.startswith(f"tranter: job {UNKNOWN}: ") and outcome.err.count("\n") == 1
    check_failure(tranter("job", "cancel", job, env=env), 4)


def test_a_running_job_is_asked_to_stop(server, queue, env):
    job = enqueue(queue, env=env)
    receive(server, queue)

    (answer,) = ok("job", "cancel", job, env=env).json()

    assert answer["result"] == "requested"
    assert show(job, env)["cancel_requested"] is True


# --- queues


def test_queues_are_paused_limited_and_resumed(server, queue, env):
    ok("queue", "pause", queue, env=env)
    enqueue(queue, env=env)
    assert receive(server, queue) == []

    stats = ok("queue", "limits", queue, "--max-in-flight", "1", env=env).json()
    assert stats["paused"] is True and stats["pending"] == 1
    assert stats["limits"]["max_in_flight"] == 1

    ok("queue", "resume", queue, env=env)
    assert len(receive(server, queue)) == 1


# --- stores


def test_a_directory_is_a_store_too(tmp_path):
    env = {"TRANTER_URL": f"file:{tmp_path}/jobs"}
    job = enqueue("mail", "--group", "g", env=env)

    assert show(job, env)["group"] == "g"
    ok("job", "cancel", job, env=env)
    assert ok("job", "list", "--state", "cancelled", "-o", "name", env=env).out == f"{job}\n"


def test_a_configuration_file_says_where_the_jobs_are(tmp_path):
    file = tmp_path / "tranter.toml"
    file.write_text(f'provider = "file:{tmp_path}/jobs"\n')
    job = ok("job", "enqueue", "mail", "t", "--config", str(file), "-o", "name").out

    assert ok("job", "list", "--config", str(file), "-o", "name").out == job
    file.write_text("provider = 3\n")
    check_failure(tranter("job", "list", "--config", str(file)), 2)


def test_what_sqs_cannot_do_is_exit_4_and_what_it_can_works(server, queue):
    env = {
        "TRANTER_URL": f"sqs:{server.endpoint}/000000000000",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
    }
    job = enqueue(queue, '{"n":1}', env=env)

    (delivery,) = receive(server, queue)
    assert delivery["type"] == "email.welcome" and delivery["payload"] == {"n": 1}
    check_failure(tranter("job", "show", job, env=env), 4)
    check_failure(tranter("job", "enqueue", queue, "t", "--priority", "1", env=env), 4)


def test_a_server_that_is_not_there_is_exit_6():
    env = {"TRANTER_URL": "http://127.0.0.1:1"}
    check_failure(tranter("job", "list", env=env), 6)
    check_failure(tranter("job", "cancel", UNKNOWN, env=env), 6)
    check_failure(tranter("job", "enqueue", "q", "--bulk", env=env, stdin='{"type":"t"}'), 6)


def test_a_token_is_sent_and_its_lack_is_exit_5(own_server):
    server = own_server(config='[admin]\ntoken = "abcdefghijklmnopqrstuvwxyz012345"\n')
    env = {"TRANTER_URL": server.admin_endpoint}
    check_failure(tranter("job", "list", env=env), 5)

    token = {"TRANTER_TOKEN": "abcdefghijklmnopqrstuvwxyz012345"}
    assert ok("job", "list", env={**env, **token}).json() == []


def test_jobs_are_benchmarked(server, env):
    figures = ok("bench", "jobs", "--jobs", "200", "--batch", "20", "--producers", "2", env=env)

    record = figures.json()
    assert record["provider"] == "http" and record["jobs"] == 200
    assert record["jobs_per_second"] > 0 and record["start_latency_us"]["p50"] > 0


# --- usage


@pytest.mark.parametrize(
    "words, says",
    [
        (["job", "enqueue", "q"], "TYPE is missing"),
        (["job", "enqueue", "q", "t", "hello"], "expected JSON"),
        (["job", "enqueue", "q", "t", "{}x"], "expected JSON"),
        (["job", "enqueue", "q", "t", "@/etc"], "it is a directory"),
        (["job", "enqueue", "q", "t", "@/nonexistent"], "/nonexistent"),
        (["job", "enqueue", "q", "t", "-"], "stdin"),
        (["job", "enqueue", "q", "t t"], "letters, digits"),
        (["job", "enqueue", "q", "__t"], "reserved"),
        (["job", "enqueue", "", "t"], "queue"),
        (["job", "enqueue", "a/b", "t"], "a/b"),
        (["job", "enqueue", "q", "t", "--delay", "5"], "--delay"),
        (["job", "enqueue", "q", "t", "--delay", "-5s"], "--delay"),
        (["job", "enqueue", "q", "t", "--delay", "99999d"], "delay"),
        (["job", "enqueue", "q", "t", "--run-at", "tomorrow"], "--run-at"),
        (["job", "enqueue", "q", "t", "--priority", "10"], "0 to 9"),
        (["job", "enqueue", "q", "t", "--max-attempts", "-1"], "--max-attempts"),
        (["job", "enqueue", "q", "t", "--backoff-factor", "nan"], "factor"),
        (["job", "enqueue", "q", "t", "--id", "meta"], "UUID"),
        (["job", "enqueue", "q", "t", "--dedup", "k" * 300], "300 bytes"),
        (["job", "enqueue", "q", "t", "--dedup-ttl", "1s"], "--dedup KEY"),
        (["job", "enqueue", "q", "t", "--retries", "3"], "--retries"),
        (["job", "enqueue", "q", "t", "--rate", "3"], "--bulk"),
        (["job", "enqueue", "q", "--bulk", "--lines"], "expected one"),
        (["job", "enqueue", "q", "t", "--bulk"], "TYPE cannot be given"),
        (["job", "enqueue", "q", "--bulk", "--priority", "1"], "--priority cannot be given"),
        (["job", "enqueue", "q", "t", "--lines", "--id", UNKNOWN], "--id cannot be given"),
        (["job", "list", "--filter", "stat:dead"], "stat"),
        (["job", "list", "--state", "gone"], "'gone'"),
        (["job", "list", "--limit", "0"], "at least 1"),
        (["job", "list", "--since", "yesterday"], "--since"),
        (["job", "list", "--cursor", "x"], "cursor"),
        (["job", "cancel"], "expected ids or a filter"),
        (["job", "cancel", UNKNOWN, "--queue", "q"], "expected one"),
        (["job", "wait", UNKNOWN, "--timeout", "5"], "--timeout"),
        (["job", "show"], "ID is missing"),
        (["job", "show", UNKNOWN, "-o", "yaml"], "'yaml'"),
        (["job", "list", "--provider", "ftp://x"], "ftp"),
        (["job", "list", "--provider", "nonsense"], "nonsense"),
        (["queue", "limits", "q", "--max-in-flight", "-1"], "--max-in-flight"),
        (["queue", "pause", "a/b"], "a/b"),
        (["bench", "jobs", "--jobs", "0"], "--jobs"),
        (["jobs"], "did you mean job"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_wrong_usage_is_exit_2(server, env, words, says):
    outcome = tranter(*words, env=env)

    assert outcome.code == 2 and outcome.out == "", outcome
    assert says in outcome.err and outcome.err.count("\n") == 1, outcome


@pytest.mark.parametrize(
    "title, words",
    [
        ("CLI-007 negative count", ["job", "list", "--limit", "-1"]),
        ("CLI-008 empty queue name", ["job", "enqueue", "", "t"]),
        ("CLI-011 change of many without --yes", ["job", "cancel", "--state", "pending"]),
        ("CLI-013 payload @directory", ["job", "enqueue", "q", "t", "@/etc"]),
        ("CLI-016 payload invalid UTF-8", ["job", "enqueue", "q", "t", b"\xff"]),
        ("CLI-016 payload with invalid UTF-8", ["job", "enqueue", "q", "t", b'"\xff"']),
        ("CLI-016 group invalid UTF-8", ["job", "enqueue", "q", "t", "--group", b"\xff"]),
        ("CLI-016 filter invalid UTF-8", ["job", "list", "--filter", b"\xff"]),
        ("CLI-020 credentials in the URL", ["job", "list", "--provider", f"http://u:{SECRET}@h"]),
        ("CLI-020 credentials elsewhere", ["job", "list", "--provider", f"redis://:{SECRET}@h/0"]),
        ("CLI-024 type 100 kB", ["job", "enqueue", "q", "t" * 100_000]),
        ("CLI-024 queue name 100 kB", ["job", "enqueue", "a/" * 50_000, "t"]),
        ("CLI-024 filter 100 kB", ["job", "list", "--filter", "tag:a " * 16_000]),
        ("CLI-027 token behind the command", ["job", "list", f"--token={SECRET}"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_refused(env, title, words):
    # So that the command would have something to change.
    enqueue("bad-input", env=env)

    outcome = tranter(*words, env=env)

    check_failure(outcome, 2)
    assert SECRET not in outcome.err


def test_a_closed_stdin_is_no_payload(env):
    done = subprocess.run(
        ["sh", "-c", '"$0" job enqueue q t - <&-', str(binary())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(**env), timeout=30,
    )

    assert done.returncode in (1, 2) and done.stdout == b"" and b"stdin" in done.stderr


def test_an_unknown_job_is_exit_3(env):
    for verb in ("show", "wait", "logs", "cancel", "retry", "promote"):
        check_failure(tranter("job", verb, UNKNOWN, env=env), 3)
    check_failure(tranter("queue", "limits", "nobody-made-this", env=env), 3)


def test_following_ends_with_an_interrupt(server, queue, env):
    job = enqueue(queue, env=env)
    following = subprocess.Popen(
        [str(binary()), "job", "wait", job],
        stdout=subprocess.PIPE,
        env=clean_environment(**env),
        # Whoever runs in the background may have been started with this signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    following.send_signal(signal.SIGINT)

    assert following.wait(30) == -signal.SIGINT

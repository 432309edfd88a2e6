"""What the command line says and how it exits when something is wrong, one class after another."""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading

import pytest
from command_line import check_failure, clean_environment, home_with, ok, tranter
from local_machine import free_port
from server import binary

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}
SECRET = "hunter2-hunter2"


@contextlib.contextmanager
def hanging_server():
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def web_server(answer):
    """answer(handler) -> (status, body); yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST

        def log_message(self, *_):
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# --- exit codes


@pytest.mark.parametrize(
    "words",
    [
        ["queue", "show", "nobody"],
        ["queue", "delete", "nobody", "-y"],
        ["message", "send", "nobody", "x"],
        ["message", "receive", "nobody"],
        ["dlq", "redrive", "nobody"],
        ["queue", "create", "someone", "--dlq", "nobody"],
    ],
    ids=" ".join,
)
def test_what_does_not_exist_is_exit_3(server, words):
    outcome = tranter(*words, endpoint=server)

    check_failure(outcome, 3)
    assert "nobody" in outcome.err and "NonExistentQueue" in outcome.err


def test_a_port_where_nobody_listens_is_exit_6():
    url = f"http://127.0.0.1:{free_port()}"

    outcome = tranter("queue", "list", endpoint=url)

    check_failure(outcome, 6)
    assert url in outcome.err


def test_a_name_that_does_not_resolve_is_exit_6():
    outcome = tranter("queue", "list", endpoint="http://nowhere.invalid", env=KEYS)

    check_failure(outcome, 6)


@pytest.mark.parametrize("option", ["2s", "200ms"])
def test_a_server_that_hangs_is_exit_8(option):
    with hanging_server() as url:
        outcome = tranter("queue", "list", "--timeout", option, endpoint=url, seconds=20)

    check_failure(outcome, 8)
    assert url in outcome.err


@pytest.mark.parametrize(
    "env",
    [{}, {**KEYS, "AWS_ACCESS_KEY_ID": "AKIDOTHER"}, {**KEYS, "AWS_SECRET_ACCESS_KEY": SECRET}],
    ids=["no credentials", "unknown key", "wrong secret"],
)
def test_credentials_that_the_server_refuses_are_exit_5(signed_server, env):
    outcome = tranter("queue", "list", endpoint=signed_server, env=env)

    check_failure(outcome, 5)
    assert SECRET not in outcome.err


def test_no_credentials_for_another_machine_are_exit_5_before_anything_is_sent():
    outcome = tranter(
        *("queue", "list", "--aws", "--region", "eu-west-1"),
        env={"AWS_EC2_METADATA_DISABLED": "true"},
    )

    check_failure(outcome, 5)
    assert "sqs.eu-west-1.amazonaws.com" in outcome.err


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"{", b"\xff\x00", b'"x"'])
def test_an_answer_that_is_not_that_of_sqs_is_exit_1(body):
    with web_server(lambda _: (200, body)) as url:
        outcome = tranter("queue", "list", endpoint=url)

    check_failure(outcome, 1)


def test_a_web_server_that_does_not_know_the_path_is_exit_3_and_says_what_it_is():
    with web_server(lambda _: (404, b"<html>not here</html>")) as url:
        outcome = tranter("queue", "list", endpoint=url)

    check_failure(outcome, 3)
    assert "not as an SQS endpoint does" in outcome.err


def test_a_throttled_request_is_repeated():
    answers = [(400, b'{"__type": "com.amazonaws.sqs#RequestThrottled"}'), (200, b"{}")]
    with web_server(lambda _: answers.pop(0)) as url:
        assert ok("queue", "list", endpoint=url).json() == []


def test_what_a_server_says_cannot_steer_a_terminal():
    text = json.dumps({"__type": "x#Y", "message": "\x1b]0;owned\x07 \u202e \u009b"}).encode()
    with web_server(lambda _: (400, text)) as url:
        outcome = tranter("queue", "list", endpoint=url)

    assert outcome.code == 2
    assert not set(outcome.err) & set("\x1b\x07\u202e\u009b")


def test_an_answer_that_is_nested_too_deeply_is_exit_1():
    nested = b'{"QueueUrls":' * 200 + b"1" + b"}" * 200
    with web_server(lambda _: (200, nested)) as url:
        check_failure(tranter("queue", "list", endpoint=url), 1)


@pytest.mark.parametrize(
    "words, says",
    [
        (["queue", "create", "q.fifo"], "expected --fifo"),
        (["queue", "create", "q", "--fifo"], "expected q.fifo"),
        (["queue", "create", "q", "--visibility-timeout", "30"], "visibility-timeout"),
        (["queue", "create", "q", "--visibility-timeout", "1500ms"], "whole seconds"),
        (["queue", "create", "q", "--visibility-timeout", "13h"], "VisibilityTimeout"),
        (["queue", "create", "q", "--max-receives", "3"], "--dlq"),
        (["queue", "create", "q", "--dlq", "d", "--max-receives", "0"], "1 to 1000"),
        (["queue", "create", "q", "--attribute", "nonsense"], "NAME=VALUE"),
        (["queue", "create", "q", "--attribute", "Nonsense=1"], "Nonsense"),
        (["queue", "set", "q"], "nothing to change"),
        (["queue", "set", "q", "vsibility-timeout=3s"], "did you mean visibility-timeout"),
        (["message", "send", "q"], "BODY is missing"),
        (["message", "send", "q", ""], "the body is empty"),
        (["message", "send", "q", "@/nonexistent"], "/nonexistent"),
        (["message", "send", "q", "x", "--lines"], "--lines"),
        (["message", "send", "q", "--lines", "--ndjson"], "expected one"),
        (["message", "send", "q", "--lines", "--dedup-id", "x"], "--dedup-id"),
        (["message", "send", "q", "x", "--attribute", "x"], "NAME=VALUE"),
        (["message", "receive", "q", "--max", "0"], "at least 1"),
        (["message", "receive", "q", "--wait", "-1s"], "--wait"),
        (["message", "receive", "q", "--visibility-timeout", "13h"], "12h"),
        (["message", "delete", "q"], "RECEIPT is missing"),
        (["message", "delete", "q", "garbage"], "ReceiptHandleIsInvalid"),
        (["message", "peek", "q", "--limit", "0"], "1 to 1000"),
        (["dlq", "redrive", "q", "--rate", "501"], "1 to 500"),
        (["queue", "purge", "q"], "--yes"),
        (["queue", "show", "a/b"], "'a/b'"),
        (["queue", "list", "--timeout", "0s"], "--timeout"),
        (["queue", "list", "--timeout", "5"], "--timeout"),
        (["queue", "list", "--aws", "--endpoint", "http://127.0.0.1:1"], "expected one"),
        (["queue", "list", "--aws"], "--region"),
        (["queue", "list", "--endpoint", "http://"], "names no host"),
        (["queue", "list", "--endpoint", "http://h:99999"], "1 to 65535"),
        (["queue", "list", "--profile", "nobody"], "'nobody'"),
        (["completion", "tcsh"], "bash or zsh or fish"),
        (["serve", "--limits", "none"], "strict or relaxed"),
        (["serve", "--threads", "0"], "--threads"),
        (["serve", "--config", "/nonexistent.toml"], "/nonexistent.toml"),
        (["config", "check", "/nonexistent.toml"], "/nonexistent.toml"),
        ([], "needs a command"),
        (["queue"], "needs a command"),
        (["queue", "lst"], "did you mean list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_exit_2(server, words, says):
    if words[:1] != ["completion"]:
        tranter("queue", "create", "q", endpoint=server)

    outcome = tranter(*words, endpoint=server)

    assert outcome.code == 2 and outcome.out == "", outcome
    assert says in outcome.err and outcome.err.count("\n") == 1, outcome


# --- credentials


def test_credentials_come_from_the_environment(signed_server):
    ok("queue", "list", endpoint=signed_server, env=KEYS)


def test_credentials_come_from_a_profile(signed_server):
    files = {
        ".aws/credentials": "[work]\naws_access_key_id = {AWS_ACCESS_KEY_ID}\n"
        "aws_secret_access_key = {AWS_SECRET_ACCESS_KEY}\n".format(**KEYS),
        ".aws/config": "[profile work]\nregion = eu-west-1\n",
    }
    with home_with(files) as home:
        env = {"HOME": home}
        ok("queue", "list", "--profile", "work", endpoint=signed_server, env=env)
        ok("queue", "list", endpoint=signed_server, env={**env, "AWS_PROFILE": "work"})
        assert tranter("queue", "list", endpoint=signed_server, env=env).code == 5


def test_credentials_come_from_a_container_endpoint(signed_server):
    asked = []

    def answer(handler):
        asked.append((handler.path, handler.headers["Authorization"]))
        document = {
            "AccessKeyId": KEYS["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": KEYS["AWS_SECRET_ACCESS_KEY"],
        }
        return 200, json.dumps(document).encode()

    with web_server(answer) as url:
        env = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
        }
        ok("queue", "list", endpoint=signed_server, env=env)

    assert asked == [("/credentials", "token")]


def test_the_session_token_is_sent_and_signed():
    seen = []

    def answer(handler):
        seen.append(dict(handler.headers))
        return 200, b"{}"

    with web_server(answer) as url:
        env = {**KEYS, "AWS_SESSION_TOKEN": "a session", "AWS_REGION": "eu-west-1"}
        ok("queue", "list", endpoint=url, env=env)

    (headers,) = seen
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["x-amz-security-token"] == "a session"
    assert "/eu-west-1/sqs/aws4_request" in lower["authorization"]
    assert "x-amz-security-token" in lower["authorization"]
    assert lower["x-amz-target"] == "AmazonSQS.ListQueues"


def test_the_endpoint_comes_from_flag_then_variables():
    with web_server(lambda _: (200, b"{}")) as url:
        nobody = f"http://127.0.0.1:{free_port()}"
        ok("queue", "list", "--endpoint", url, env={"TRANTER_SQS_URL": nobody})
        ok("queue", "list", env={"TRANTER_SQS_URL": url, "AWS_ENDPOINT_URL_SQS": nobody})
        ok("queue", "list", env={"AWS_ENDPOINT_URL_SQS": url, "AWS_ENDPOINT_URL": nobody})
        ok("queue", "list", env={"AWS_ENDPOINT_URL": url})


# --- bad input, by the numbers of the collection


def bad_words():
    """(id and title, words, options): commands that do not exist here became their nearest kin."""
    return [
        ("CLI-002 unknown command", ["frobnicate"]),
        ("CLI-006 port text", ["serve", "--port", "http"]),
        ("CLI-006 port text in an address", ["serve", "--sqs", "127.0.0.1:http"]),
        ("CLI-007 negative count", ["dlq", "redrive", "q1", "--rate", "-1"]),
        ("CLI-007 negative count", ["dlq", "peek", "q1", "--limit", "-1"]),
        ("CLI-008 empty queue name", ["queue", "create", ""]),
        ("CLI-009 queue name looks like a flag", ["queue", "create", "--", "-rf"]),
        ("CLI-011 delete without --yes on a tty-less stdin", ["queue", "delete", "q1"]),
        ("CLI-013 payload @directory", ["message", "send", "q1", "@/etc"]),
        ("CLI-016 payload invalid UTF-8 argv", ["message", "send", "q1", b"\xff"]),
        ("CLI-016 attribute invalid UTF-8", ["message", "send", "q1", "x", "--attribute", b"a=\xff"]),
        ("CLI-019 endpoint file://", ["queue", "list", "--endpoint", "file:///etc/passwd"]),
        (
            "CLI-020 endpoint with credentials in URL",
            ["queue", "list", "--endpoint", f"http://u:{SECRET}@127.0.0.1:1"],
        ),
        ("CLI-024 argument 1 MB", ["message", "a" * 100_000]),
        ("CLI-024 queue name 100 kB", ["queue", "create", "a/" * 50_000]),
        ("CLI-027 token on the command line", ["--token", SECRET, "queue", "list"]),
        ("CLI-027 token behind the command", ["queue", "list", f"--token={SECRET}"]),
        ("CLI-028 two conflicting outputs", ["queue", "list", "-o", "json", "-o", "table"]),
        ("CLI-028 two unknown outputs", ["queue", "list", "--json", "--table"]),
    ]


@pytest.mark.parametrize("title, words", bad_words(), ids=lambda v: v if isinstance(v, str) else "")
def test_bad_input_is_refused(server, title, words):
    outcome = tranter(*words, endpoint=server)

    check_failure(outcome, 2)
    assert SECRET not in outcome.err


def test_bad_input_cli_017_stdin_closed(server, name):
    queue = name()
    ok("queue", "create", queue, endpoint=server)
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" message send "$1" - <&-', str(binary()), queue],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(TRANTER_SQS_URL=server.endpoint),
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tranter: cannot read stdin: Bad file descriptor\n"


@pytest.mark.parametrize("words", [["queue", "list"], ["--help"], ["completion", "bash"]])
def test_bad_input_cli_018_stdout_gone(server, words):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [str(binary()), *words],
        stdout=write,
        stderr=subprocess.PIPE,
        env=clean_environment(TRANTER_SQS_URL=server.endpoint),
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("target", ["/dev/full", "&-"])
def test_output_that_cannot_be_written_is_exit_1(server, target):
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" queue list >{target}', str(binary())],
        stderr=subprocess.PIPE,
        env=clean_environment(TRANTER_SQS_URL=server.endpoint),
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("tranter: cannot write the output: ")


def test_bad_input_cli_023_server_hangs():
    with hanging_server() as url:
        outcome = tranter("queue", "list", "--endpoint", url, "--timeout", "2s", seconds=20)

    check_failure(outcome, 8)


def test_bad_input_cli_025_no_color_and_no_terminal(server):
    listed = ok("queue", "list", endpoint=server, env={"NO_COLOR": "1"})

    assert isinstance(listed.json(), list)
    assert "\x1b" not in listed.out and listed.err == ""


def test_bad_input_cli_026_terminal_escape_in_a_message_body(server, name):
    queue = name()
    ok("queue", "create", queue, endpoint=server)
    ok("message", "send", queue, "\u009b2J \u202e", endpoint=server)

    for output in ("table", "json", "ndjson"):
        shown = ok("dlq", "peek", queue, "-o", output, endpoint=server)
        assert not set(shown.out) & set("\x1b\u009b\u202e")
        assert "\\u009b2J" in shown.out

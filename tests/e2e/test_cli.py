"""The command line over the SQS API, against the real server."""

import json
import os
import subprocess

import pytest
from command_line import check_failure, clean_environment, ok, on_terminal, tranter
from server import binary
from wire import Api


@pytest.fixture
def queue(server, name):
    queue = name()
    ok("queue", "create", queue, endpoint=server)
    return queue


# --- queues


def test_a_queue_is_created_listed_shown_changed_and_deleted(server, name):
    queue, dlq = name(), name()
    made = ok("queue", "create", dlq, endpoint=server).json()
    assert made == {"name": dlq, "url": f"{server.endpoint}/000000000000/{dlq}"}

    ok(
        *("queue", "create", queue, "--dlq", dlq, "--max-receives", "2"),
        *("--visibility-timeout", "45s", "--delay", "0s", "--retention", "1d"),
        *("--attribute", "max-message-size=64KiB", "--tag", "team=a=b"),
        endpoint=server,
    )
    shown = ok("queue", "show", queue, endpoint=server).json()
    attributes = shown["attributes"]
    assert shown["dead_letter_queue"] == dlq and shown["visible"] == 0
    assert shown["tags"] == {"team": "a=b"}
    assert attributes["VisibilityTimeout"] == "45"
    assert attributes["MessageRetentionPeriod"] == "86400"
    assert attributes["MaximumMessageSize"] == "65536"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 2

    ok(
        *("queue", "set", queue, "visibility-timeout=1m", "ReceiveMessageWaitTimeSeconds=3"),
        *("--no-dlq", "--tag", "x=y", "--untag", "team"),
        endpoint=server,
    )
    shown = ok("queue", "show", queue, endpoint=server).json()
    assert shown["attributes"]["VisibilityTimeout"] == "60"
    assert shown["attributes"]["ReceiveMessageWaitTimeSeconds"] == "3"
    assert shown["dead_letter_queue"] is None and shown["tags"] == {"x": "y"}

    listed = ok("queue", "list", "--prefix", queue, "-l", "-o", "ndjson", endpoint=server).lines()
    assert [(q["name"], q["visible"], q["in_flight"]) for q in listed] == [(queue, 0, 0)]
    gone = ok("queue", "delete", queue, dlq, "--yes", endpoint=server).json()
    assert [q["result"] for q in gone] == ["deleted", "deleted"]
    assert tranter("queue", "show", queue, endpoint=server).code == 3


def test_creating_a_queue_again_is_fine_and_with_other_attributes_a_conflict(server, queue):
    ok("queue", "create", queue, endpoint=server)

    refused = tranter("queue", "create", queue, "--visibility-timeout", "1m", endpoint=server)

    check_failure(refused, 4)
    assert "QueueAlreadyExists" in refused.err and "VisibilityTimeout" in refused.err


def test_a_queue_is_named_by_name_url_or_arn(server, queue):
    shown = ok("queue", "show", queue, endpoint=server).json()

    # A URL says itself where to call.
    by_url = ok("queue", "show", shown["url"], endpoint="http://127.0.0.1:1").json()
    by_arn = ok("queue", "show", shown["attributes"]["QueueArn"], endpoint=server).json()

    assert by_url["url"] == by_arn["url"] == shown["url"]


def test_listing_goes_on_beyond_one_page(own_server):
    server = own_server()
    api = Api(server, "json")
    names = [f"many-{i:04}" for i in range(1005)]
    for one in names:
        api.create(one)

    listed = ok("queue", "list", "-o", "ndjson", endpoint=server).lines()

    assert sorted(q["name"] for q in listed) == names


def test_a_purge_removes_the_messages_and_keeps_the_queue(server, queue):
    ok("message", "send", queue, "x", endpoint=server)

    ok("queue", "purge", queue, "-y", endpoint=server)

    assert ok("queue", "show", queue, endpoint=server).json()["visible"] == 0


# --- messages


def test_a_message_is_sent_received_and_deleted(server, queue):
    sent = ok(
        *("message", "send", queue, "héllo", "--group", "g"),
        *("--attribute", "n=42:Number", "--attribute", "u=http://h:80"),
        *("--attribute", "b=AAE=:Binary"),
        endpoint=server,
    ).json()

    (received,) = ok("message", "receive", queue, endpoint=server).json()

    assert received["message_id"] == sent["message_id"]
    assert received["body"] == "héllo" and received["group"] == "g"
    assert received["receive_count"] == 1
    assert received["attributes"] == {
        "b": {"type": "Binary", "value": "AAE="},
        "n": {"type": "Number", "value": "42"},
        "u": {"type": "String", "value": "http://h:80"},
    }
    done = ok("message", "delete", queue, "--", received["receipt_handle"], endpoint=server).json()
    assert done == {"deleted": 1, "failed": 0}
    assert ok("queue", "show", queue, endpoint=server).json()["in_flight"] == 0


def test_bodies_come_from_the_argument_stdin_or_a_file(server, queue, tmp_path):
    file = tmp_path / "body"
    file.write_text("from a file\n")

    ok("message", "send", queue, "-", endpoint=server, stdin="from stdin\n")
    ok("message", "send", queue, f"@{file}", endpoint=server)
    ok("message", "send", queue, "[1,2]", endpoint=server)
    ok("message", "send", queue, "--", "--body", endpoint=server)

    received = ok("message", "receive", queue, "--max", "10", endpoint=server).json()
    bodies = {m["body"] for m in received}
    assert bodies == {"from stdin\n", "from a file\n", "[1,2]", "--body"}


def test_lines_are_sent_in_bulk_and_come_back_in_bulk(server, queue):
    bodies = [f"line {i}" for i in range(1234)]

    sent = ok(
        "message", "send", queue, "--lines", endpoint=server, stdin="\n".join(["", *bodies])
    ).json()
    got = ok(
        *("message", "receive", queue, "--max", "5000", "--delete", "-o", "ndjson"),
        endpoint=server,
    ).lines()

    assert sent == {"sent": 1234, "failed": 0}
    assert sorted(m["body"] for m in got) == sorted(bodies)
    shown = ok("queue", "show", queue, endpoint=server).json()
    assert (shown["visible"], shown["in_flight"]) == (0, 0)


def test_what_receive_prints_send_takes(server, queue, name):
    copy = name()
    ok("queue", "create", copy, endpoint=server)
    lines = [{"body": f"b{i}", "attributes": {"i": str(i)}, "group": "g"} for i in range(25)]
    lines[3]["attributes"] = {"i": {"type": "Number", "value": "3"}}
    text = "\n".join(json.dumps(line) for line in lines)
    ok("message", "send", queue, "-", "--ndjson", endpoint=server, stdin=text)

    got = ok("message", "receive", queue, "--max", "25", "-o", "ndjson", endpoint=server).out
    ok("message", "send", copy, "--ndjson", endpoint=server, stdin=got)

    copied = ok("message", "receive", copy, "--max", "30", "-o", "ndjson", endpoint=server).lines()
    assert {m["body"]: m["attributes"]["i"]["value"] for m in copied} == {
        f"b{i}": str(i) for i in range(25)
    }
    assert {m["attributes"]["i"]["type"] for m in copied} == {"String", "Number"}


def test_big_lines_are_split_into_batches_that_fit(server, queue):
    lines = "\n".join(str(i) + "x" * 200_000 for i in range(12))

    sent = ok("message", "send", queue, "--lines", endpoint=server, stdin=lines).json()

    assert sent == {"sent": 12, "failed": 0}


def test_a_refused_line_is_named_and_the_others_are_sent(server, queue):
    outcome = tranter(
        "message", "send", queue, "--lines", endpoint=server, stdin="one\ntwo\x01\nthree\n"
    )

    assert outcome.code == 1
    assert outcome.json() == {"sent": 2, "failed": 1}
    assert outcome.err.startswith("tranter: line 2: InvalidMessageContents")


def test_a_line_that_is_no_message_stops_and_says_how_far_it_came(server, queue):
    outcome = tranter(
        *("message", "send", queue, "--ndjson"),
        endpoint=server,
        stdin='{"body": "one"}\n{"bdoy": "two"}\n{"body": "three"}\n',
    )

    check_failure(outcome, 2)
    assert "line 2: unknown member 'bdoy' (did you mean body?)" in outcome.err
    assert "1 were sent before" in outcome.err


def test_fifo_order_and_deduplication(server, name):
    queue = name(".fifo")
    ok("queue", "create", queue, "--fifo", endpoint=server)
    for body in ("a", "b", "c"):
        ok(
            *("message", "send", queue, body, "--group", "g", "--dedup-id", body),
            endpoint=server,
        )
    ok("message", "send", queue, "again", "--group", "g", "--dedup-id", "a", endpoint=server)

    got = ok("message", "receive", queue, "--max", "10", endpoint=server).json()

    assert [m["body"] for m in got] == ["a", "b", "c"]
    assert [m["dedup_id"] for m in got] == ["a", "b", "c"]


def test_receive_waits_for_the_first_message_only(server, queue):
    waiting = subprocess.Popen(
        [str(binary()), "message", "receive", queue, "--wait", "5m", "--max", "3", "-o", "ndjson"],
        stdout=subprocess.PIPE,
        env=clean_environment(TRANTER_SQS_URL=server.endpoint),
    )
    ok("message", "send", queue, "x", endpoint=server)

    out, _ = waiting.communicate(timeout=30)

    assert waiting.returncode == 0 and json.loads(out)["body"] == "x"


def test_receiving_nothing_is_no_failure(server, queue):
    assert ok("message", "receive", queue, endpoint=server).json() == []
    assert ok("message", "receive", queue, "-o", "ndjson", endpoint=server).out == ""


def test_nothing_is_deleted_that_could_not_be_printed(server, queue):
    ok("message", "send", queue, "keep me", endpoint=server)
    read, write = os.pipe()
    os.close(read)

    outcome = subprocess.run(
        [str(binary()), "message", "receive", queue, "--delete"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=clean_environment(TRANTER_SQS_URL=server.endpoint),
    )
    os.close(write)

    assert (outcome.returncode, outcome.stderr) == (1, b"")
    assert ok("queue", "show", queue, endpoint=server).json()["in_flight"] == 1


def test_peeking_through_the_admin_port_is_no_receive(server, queue):
    ok("message", "send", queue, "x", endpoint=server)
    admin = {"TRANTER_ADMIN_URL": server.admin_endpoint}
    for _ in range(3):
        peeked = ok("message", "peek", queue, endpoint=server, env=admin)

    assert peeked.err == ""
    (message,) = peeked.json()
    assert message["body"] == "x" and message["receive_count"] == 0
    assert message["state"] == "visible"


def test_peeking_at_large_messages_takes_several_pages(server, queue):
    api = Api(server, "json")
    for number in range(7):
        api.send(queue, f"{number}" + "x" * 1_000_000)

    peeked = ok(
        "message", "peek", queue, "--limit", "6", endpoint=server,
        env={"TRANTER_ADMIN_URL": server.admin_endpoint},
    )

    assert [message["body"][0] for message in peeked.json()] == list("012345")


def test_peeking_elsewhere_says_that_it_counts_as_a_receive(server, queue):
    ok("message", "send", queue, "x", endpoint=server)

    peeked = ok("message", "peek", queue, endpoint=server)

    assert "counts as a receive" in peeked.err
    assert [m["body"] for m in peeked.json()] == ["x"]
    assert ok("queue", "show", queue, endpoint=server).json()["visible"] == 1


# --- dead letters


@pytest.fixture
def dead(server, name):
    """A queue, its dead-letter queue and two dead messages."""
    queue, dlq = name(), name()
    ok("queue", "create", dlq, endpoint=server)
    ok("queue", "create", queue, "--dlq", dlq, "--max-receives", "1", endpoint=server)
    ok("message", "send", queue, "--lines", endpoint=server, stdin="one\ntwo\n")
    receive = ("message", "receive", queue, "--max", "2", "--visibility-timeout", "0s")
    ok(*receive, endpoint=server)
    ok(*receive, endpoint=server)
    return queue, dlq


def test_dead_letters_are_listed_with_their_sources(server, dead):
    queue, dlq = dead

    listed = {q["name"]: q for q in ok("dlq", "list", endpoint=server).json()}

    assert listed[dlq]["depth"] == listed[dlq]["visible"] == 2
    assert listed[dlq]["sources"] == [{"queue": queue, "max_receives": 1}]
    assert queue not in listed


def test_dead_letters_can_be_looked_at(server, dead):
    queue, dlq = dead

    peeked = ok("dlq", "peek", dlq, endpoint=server).json()

    assert {m["body"] for m in peeked} == {"one", "two"}
    assert {m["queue"] for m in peeked} == {queue}
    assert ok("queue", "show", dlq, endpoint=server).json()["visible"] == 2


def test_dead_letters_go_back_to_where_they_came_from(server, dead):
    queue, dlq = dead

    done = ok("dlq", "redrive", dlq, "--wait", endpoint=server).json()

    assert (done["status"], done["moved"]) == ("COMPLETED", 2)
    assert ok("queue", "show", queue, endpoint=server).json()["visible"] == 2


def test_dead_letters_go_to_another_queue(server, dead, queue):
    _, dlq = dead

    ok("dlq", "redrive", dlq, "--to", queue, "--rate", "500", "--wait", endpoint=server)

    assert ok("queue", "show", queue, endpoint=server).json()["visible"] == 2


def test_a_second_move_at_the_same_time_is_a_conflict(server, dead):
    _, dlq = dead
    bodies = "\n".join("more" for _ in range(50))
    ok("message", "send", dlq, "--lines", endpoint=server, stdin=bodies)
    started = ok("dlq", "redrive", dlq, "--rate", "1", endpoint=server).json()

    second = tranter("dlq", "redrive", dlq, endpoint=server)

    assert started["status"] == "RUNNING"
    check_failure(second, 4)


def test_a_queue_that_is_no_dead_letter_queue_is_refused(server, queue):
    check_failure(tranter("dlq", "redrive", queue, endpoint=server), 2)


# --- on a terminal


def test_a_terminal_gets_a_table_that_fits(server, queue):
    ok("message", "send", queue, "x" * 300, endpoint=server)

    code, shown = on_terminal("message", "receive", queue, endpoint=server)

    heading, row = shown.splitlines()
    assert code == 0
    assert heading.split() == ["MESSAGE", "ID", "SENT", "RECEIVES", "GROUP", "BODY"]
    assert len(row) == 100 and row.endswith("x…")


def test_a_terminal_is_safe_from_what_stands_in_a_message(server, queue):
    body = "\u009b31mred \u202egnp.exe \u2066 \ufeff \t"
    ok("message", "send", queue, body, endpoint=server)
    admin = {"TRANTER_ADMIN_URL": server.admin_endpoint}

    for words in (["-o", "table"], ["-o", "json"], ["-o", "ndjson"]):
        code, shown = on_terminal("message", "peek", queue, *words, endpoint=server, env=admin)
        assert code == 0
        for steering in "\x1b\u009b\u202e\u2066\ufeff\t":
            assert steering not in shown
        assert "\\u0" in shown
        assert "table" in words or "\\u202egnp.exe" in shown


def test_a_terminal_is_asked_before_anything_is_deleted(server, queue):
    question = "? [y/N] "

    code, shown = on_terminal(
        "queue", "delete", queue, endpoint=server, typed="n\n", until=question
    )
    assert code == 1 and "nothing was changed" in shown
    ok("queue", "show", queue, endpoint=server)

    code, shown = on_terminal(
        "queue", "delete", queue, endpoint=server, typed="y\n", until=question
    )
    assert code == 0 and "deleted" in shown
    assert tranter("queue", "show", queue, endpoint=server).code == 3


def test_a_terminal_sees_progress_of_what_takes_long(server, queue):
    code, shown = on_terminal("message", "receive", queue, "--wait", "2s", endpoint=server)

    assert code == 0
    assert "\rreceiving, 1 s\x1b[K" in shown
    assert "\r\x1b[K" in shown


def test_a_terminal_sees_no_progress_of_what_is_quick(server, queue):
    _, shown = on_terminal("queue", "show", queue, endpoint=server)

    assert "\x1b[K" not in shown


# --- help and completion


def leaves(*path):
    """Every command that does something, by walking --help."""
    text = ok(*path, "--help").out
    if "\nCommands:\n" not in text:
        yield path, text
        return
    block = text.split("\nCommands:\n")[1].split("\n\n")[0]
    for line in block.splitlines():
        yield from leaves(*path, line.split()[0])


def test_every_command_has_help_with_examples():
    found = dict(leaves())

    assert ("queue", "create") in found and ("serve",) in found and len(found) >= 34
    for path, text in found.items():
        assert text.startswith(f"Usage: tranter {' '.join(path)}"), path
        assert "\nExamples:\n" in text, path
        assert max(map(len, text.splitlines())) <= 130, path


def complete_in_bash(line):
    script = """
        source <("$TRANTER" completion bash)
        COMP_LINE="$1"; read -ra COMP_WORDS <<< "$1"
        [[ "$1" == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _tranter
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-euc", script, "bash", line],
        stdout=subprocess.PIPE,
        env=clean_environment(TRANTER=str(binary())),
        check=True,
        text=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "line, expected",
    [
        ("tranter ", {"job", "queue", "message", "dlq", "data", "serve", "config", "completion"}),
        ("tranter qu", {"queue"}),
        ("tranter queue ", {"list", "create", "show", "set", "delete", "purge", "pause", "limits"}),
        ("tranter queue list --lo", {"--long"}),
        ("tranter queue list -o ", {"table", "wide", "json", "ndjson", "name"}),
        ("tranter job ", {"enqueue", "show", "list", "wait", "logs", "cancel", "retry", "promote"}),
        ("tranter job list --state d", {"dead"}),
        ("tranter job enqueue q t --dedup-mode ", {"simple", "throttle", "debounce", "keep_latest"}),
        ("tranter queue create q --dl", {"--dlq"}),
        ("tranter serve --limits ", {"strict", "relaxed"}),
        ("tranter serve --durability ", {"none", "os", "sync"}),
        ("tranter data ", {"verify", "dump", "stat", "compact", "backup", "repair"}),
        ("tranter data dump var --bo", {"--bodies"}),
        ("tranter completion z", {"zsh"}),
    ],
)
def test_bash_completes(line, expected):
    assert expected <= set(complete_in_bash(line))


@pytest.mark.parametrize(
    "shell, probe",
    [
        ("zsh", 'autoload -U compinit; compinit -D; source /dev/stdin; (( $+_comps[tranter] ))'),
        ("fish", 'source -; complete -C "tranter queue cr" | string match -q "create*"'),
    ],
)
def test_other_shells_take_their_script(shell, probe, tmp_path):
    script = ok("completion", shell).out

    done = subprocess.run(
        [shell, "-c", probe],
        input=script,
        stderr=subprocess.PIPE,
        env=clean_environment(HOME=str(tmp_path)),
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")

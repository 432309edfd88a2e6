"""A data directory from the outside: what survives, what is promised, what is refused."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from command_line import tranter
from metrics import scrape
from server import binary
from wire import Api


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def log_lines(server):
    return [json.loads(line) for line in server.log().splitlines()]


def said(server, text):
    """The one line of the log that starts with these words."""
    lines = [line for line in log_lines(server) if line["msg"].startswith(text)]
    assert len(lines) == 1, server.log()
    return lines[0]


def admin(server, path):
    try:
        with urllib.request.urlopen(server.admin_endpoint + path, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def bodies(messages):
    return [message["Body"] for message in messages]


@pytest.mark.parametrize("durability", ["sync", "os"])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_messages_survive_a_restart(own_server, data, durability, end):
    server = own_server("--data", str(data), "--durability", durability)
    api = Api(server, "json")
    queue = api.create("q", tags={"team": "shop"}, VisibilityTimeout=600)
    api.send(queue, "hello")
    getattr(server, end)()

    api = Api(own_server("--data", str(data)), "json")

    queue = api.call("GetQueueUrl", QueueName="q")["QueueUrl"]
    assert api.attributes(queue)["VisibilityTimeout"] == "600"
    assert api.call("ListQueueTags", QueueUrl=queue)["Tags"] == {"team": "shop"}
    assert bodies(api.receive(queue)) == ["hello"]


def test_a_receipt_handle_works_after_a_restart(own_server, data):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    queue = api.create("q")
    api.send(queue, "hello")
    (message,) = api.receive(queue, VisibilityTimeout=600)
    server.kill()

    server = own_server("--data", str(data))
    api = Api(server, "json")
    queue = api.call("GetQueueUrl", QueueName="q")["QueueUrl"]

    assert api.receive(queue) == []
    api.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    counters = api.attributes(queue)
    assert counters["ApproximateNumberOfMessages"] == "0"
    assert counters["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_without_a_directory_nothing_survives(own_server):
    server = own_server()
    Api(server, "json").create("q")
    server.stop()

    assert Api(own_server(), "json").call("ListQueues") == {}


def test_durability_none_says_that_the_directory_is_not_used(own_server, data):
    server = own_server("--data", str(data), "--durability", "none")

    assert not data.exists()
    assert said(server, "the data directory is not used")["level"] == "warn"
    assert said(server, "messages are kept in memory only")


@pytest.mark.parametrize(
    "flags, promise",
    [
        ([], "every acknowledged change is synced"),
        (["--durability", "os"], "every acknowledged change is written"),
    ],
)
def test_the_start_says_what_is_promised_and_what_was_restored(own_server, data, flags, promise):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    for name in ("a", "b"):
        api.send(api.create(name), "hello")
    server.stop()

    server = own_server("--data", str(data), *flags)

    line = said(server, promise)
    assert (line["data"], line["queues"], line["messages"]) == (str(data), 2, 2)
    assert line["opened_in_ms"] >= 0 and line["torn_tail"] == "none"
    assert "in memory only" not in server.log()


def newest_segment(directory):
    return max(directory.glob("*.seg"))


def test_the_start_says_which_tail_was_torn(own_server, data):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    api.send(api.create("q"), "hello")
    server.stop()
    with open(newest_segment(data), "ab") as segment:
        segment.write(b"torn" * 100)

    server = own_server("--data", str(data))

    assert newest_segment(data).name in said(server, "every acknowledged")["torn_tail"]
    assert bodies(Api(server, "json").receive(Api(server, "json").create("q"))) == ["hello"]


CONFIG = """
[server]
data = "{data}"
[queues.orders]
visibility_timeout = "{timeout}"
tags = {{ team = "shop" }}
[queues.dlq]
"""


def test_queues_of_the_configuration_keep_their_messages_and_follow_the_file(own_server, data):
    server = own_server(config=CONFIG.format(data=data, timeout="30s"))
    api = Api(server, "json")
    queue = api.create("orders")
    api.send(queue, "hello")
    api.call("TagQueue", QueueUrl=queue, Tags={"cost": "42"})
    api.call("SetQueueAttributes", QueueUrl=queue, Attributes={"DelaySeconds": "7"})
    api.create("made-by-hand")
    server.stop()

    server = own_server(config=CONFIG.format(data=data, timeout="45s"))

    api = Api(server, "json")
    queue = api.call("GetQueueUrl", QueueName="orders")["QueueUrl"]
    attributes = api.attributes(queue)
    # The file does not name the delay, so what the API set stays.
    assert (attributes["VisibilityTimeout"], attributes["DelaySeconds"]) == ("45", "7")
    assert api.call("ListQueueTags", QueueUrl=queue)["Tags"] == {"team": "shop", "cost": "42"}
    assert bodies(api.receive(queue)) == ["hello"]
    assert len(api.call("ListQueues")["QueueUrls"]) == 3
    # One of them changed, and only that one.
    line = said(server, "queue follows the configuration")
    assert (line["queue"], line["changed"]) == ("orders", "visibility_timeout")


def test_the_variables_say_the_same_as_the_flags(own_server, data):
    server = own_server(env={"TRANTER_DATA": str(data), "TRANTER_DURABILITY": "os"})

    assert said(server, "every acknowledged change is written")["data"] == str(data)


def test_quotas_refuse_what_would_exceed_them(own_server, data):
    config = '[server]\ndata_max = "2KiB"\n[queues.small]\nmax_bytes = "1KiB"\n[queues.other]\n'
    api = Api(own_server("--data", str(data), config=config), "json")
    small, other = api.create("small"), api.create("other")

    api.send(small, "x" * 1000)
    refused = api.error("SendMessage", QueueUrl=small, MessageBody="x" * 1000)
    api.send(other, "x" * 1000)
    full = api.error("SendMessage", QueueUrl=other, MessageBody="x" * 1000)

    assert refused.status in (400, 403) and "small" in refused.message
    assert full.status in (400, 403)


LITTLE_MEMORY = '[server]\nmemory_limit = "2MiB"\n'


def test_what_does_not_fit_into_memory_stays_in_the_directory(own_server, data):
    api = Api(own_server("--data", str(data), config=LITTLE_MEMORY), "json")
    queue = api.create("q")
    texts = [f"{number} " + "x" * 250_000 for number in range(40)]
    for text in texts:
        api.send(queue, text)

    received = []
    while messages := api.receive(queue, MaxNumberOfMessages=10, VisibilityTimeout=600):
        received += bodies(messages)

    assert sorted(received) == sorted(texts)


def test_what_does_not_fit_into_memory_is_refused_without_a_directory(own_server):
    api = Api(own_server(config=LITTLE_MEMORY), "json")
    queue = api.create("q")
    body = "x" * 250_000

    replies = [
        api.reply("SendMessage", {"QueueUrl": queue, "MessageBody": body}).status
        for _ in range(40)
    ]

    accepted = replies.count(200)
    assert 4 <= accepted <= 10 and set(replies[accepted:]) == {503}


def test_health_and_metrics_show_the_store(own_server, data):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    api.send(api.create("q"), "hello")

    status, text = admin(server, "/health")
    metrics = scrape(server)

    health = json.loads(text)
    assert (status, health["status"], health["durability"]) == (200, "ok", "sync")
    (check,) = [one for one in health["checks"] if one["name"] == "data"]
    assert (check["status"], check["oldest_segment"], check["newest_segment"]) == ("ok", 1, 1)
    for name in ("wal_bytes", "free_bytes", "commits_total", "appended_records_total"):
        assert f"\ntranter_store_{name} " in metrics
    assert '\ntranter_store_accepts{state="everything"} 1\n' in metrics
    assert admin(server, "/readyz") == (200, "ok\n")


# --- refusals


def refusal(*flags):
    done = subprocess.run(
        [binary(), "serve", "--sqs", "127.0.0.1:0", "--admin", "127.0.0.1:0", *flags],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def test_a_directory_in_use_is_refused(own_server, data):
    server = own_server("--data", str(data))

    code, text = refusal("--data", str(data))

    assert code == 1
    assert str(data) in text and str(server.pid) in text


def test_a_file_is_no_data_directory():
    code, text = refusal("--data", "/etc/passwd")

    assert code == 1 and "/etc/passwd" in text


def test_a_directory_that_all_users_share_is_refused():
    code, text = refusal("--data", "/tmp")

    assert code == 1 and "/tmp is shared by all users" in text


def test_a_directory_that_all_users_can_write_is_worth_a_warning(own_server, data):
    data.mkdir()
    data.chmod(0o777)

    server = own_server("--data", str(data))

    assert said(server, "the data directory can be written by every user")["level"] == "warn"


def test_a_newer_format_is_refused_without_offering_a_repair(own_server, data):
    own_server("--data", str(data)).stop()
    identity = bytearray((data / "store").read_bytes())
    identity[8] += 1
    (data / "store").write_bytes(identity)

    code, text = refusal("--data", str(data))

    assert code == 1 and "format 3" in text and "--repair" not in text


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--durability", "sync"], "--data"),
        (["--repair"], "--data"),
        (["--data", ""], "--data is empty"),
        (["--data", "x", "--durability", "fsync"], "none or os or sync"),
    ],
)
def test_flags_that_promise_what_they_cannot_keep_are_refused(flags, says):
    code, text = refusal(*flags)

    assert code == 2 and says in text


def damage(path):
    """Flips a bit of an early record, and gives its offset."""
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    return 200


def filled(own_server, data, messages=50):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    queue = api.create("q")
    for number in range(messages):
        api.send(queue, f"message {number}")
    server.stop()


def test_damage_is_refused_and_repaired_at_the_next_start(own_server, data):
    filled(own_server, data)
    damage(newest_segment(data))

    code, text = refusal("--data", str(data))
    server = own_server("--data", str(data), "--repair")

    assert code == 1
    assert newest_segment(data).name in text and "offset" in text and "--repair" in text
    assert said(server, "lost to damage")["file"] == newest_segment(data).name
    assert list(data.glob("*.damaged"))


def test_a_signal_while_requests_wait_for_the_disk_answers_them(own_server, data):
    server = own_server("--data", str(data))
    api = Api(server, "json")
    queue = api.create("q")
    sent = [api.send(queue, str(number))["MessageId"] for number in range(20)]

    server.signal(signal.SIGTERM)

    assert server.wait() == 0
    again = Api(own_server("--data", str(data)), "json")
    queue = again.create("q")
    found = set()
    while messages := again.receive(queue, MaxNumberOfMessages=10):
        found |= {message["MessageId"] for message in messages}
    assert found == set(sent)


def test_config_check_knows_the_keys(tmp_path):
    file = tmp_path / "tranter.toml"
    file.write_text('[server]\ndurability = "os"\n')
    refused = tranter("config", "check", str(file))
    file.write_text('[server]\ndata = "var"\ndurability = "os"\n')

    accepted = tranter("config", "check", str(file))

    assert refused.code == 2 and "server.data" in refused.err
    assert accepted.code == 0
    assert not os.path.exists("var")

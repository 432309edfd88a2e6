"""Schedules that nobody can have meant: each is refused with a reason, or does what is documented,
and nothing hangs. Every item of schedules.jsonl has a test here."""

import json
import re

import pytest
from command_line import check_failure, ok, tranter
from scheduler_process import SchedulerProcess
from server import REPO

LINES = (REPO / "tests/badinput/schedules.jsonl").read_text().splitlines()
ITEMS = {item["id"]: item for item in map(json.loads, LINES)}
SECONDS = 20  # for one that must not hang
MEBIBYTE = 1024 * 1024


def of_kind(*kinds):
    return [
        pytest.param(item, id=f"{name} {item['title']}")
        for name, item in ITEMS.items()
        if item["kind"] in kinds
    ]


def shown(text):
    """How a test is shown."""
    return ascii(text[:20])


def expand(text):
    """`{{rep:1,:5000}}` is "1," five thousand times."""
    return re.sub(r"\{\{rep:(.*?):(\d+)\}\}", lambda found: found[1] * int(found[2]), text)


@pytest.fixture
def store(tmp_path):
    return f"file:{tmp_path}"


def add(store, *words, **options):
    return tranter(
        *("schedule", "add", "x", "--type", "t", "--store", store), *words,
        seconds=SECONDS, **options,
    )


def previewed(*questions):
    text = "".join(json.dumps(one) + "\n" for one in questions)
    return ok("schedule", "preview", "--stdin", stdin=text, seconds=SECONDS).lines()


def assert_refused(outcome, code, *said):
    check_failure(outcome, code)
    for text in said:
        assert text in outcome.err, outcome


@pytest.mark.parametrize("item", of_kind("cron"))
def test_an_expression_is_refused_or_right_at_once(item, store):
    expression = expand(item["input"]["expr"])
    done = add(store, "--cron", expression)

    (answer,) = previewed({"expr": expression, "tz": "UTC", "from": "2026-01-01T00:00:00Z"})
    if item["expect"]["outcome"] == "reject":
        assert_refused(done, 2)
        assert ("error" in answer) or answer == {"fires": []}
        assert ok("schedule", "list", "--store", store).json() == []
    if item["expect"]["outcome"] == "accept":
        assert done.code == 0, done
        assert answer["fires"]
    if item["expect"]["outcome"] == "either":
        assert done.code == 0 or ("error" in answer), (done, answer)


@pytest.mark.parametrize("item", of_kind("cron-time"))
def test_a_time_that_is_none_or_twice_is_one_firing(item):
    asked = item["input"]
    (answer,) = previewed(
        {"expr": asked["expr"], "tz": asked["tz"], "from": asked["now"], "count": 2}
    )
    assert answer["fires"] == asked["fires"]


@pytest.mark.parametrize("item", of_kind("interval"))
def test_an_interval_that_is_too_short_is_refused(item, store):
    assert_refused(add(store, "--every", item["input"]["every"]), 2)


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "Europe", "x" * 5000, "UTC\n"],
    ids=shown,
)
def test_a_zone_that_is_none_is_refused(store, zone):
    refused = add(store, "--cron", "@daily", "--tz", zone)
    if zone == "":
        assert ok("schedule", "show", "x", "--store", store).json()["timezone"] in ("", "UTC")
        return
    assert_refused(refused, 2, "zone")
    assert "root:" not in refused.err


@pytest.mark.parametrize(
    "expression", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 29 2 * 2100", "0 0 9 1 1 * 1999"]
)
def test_what_never_fires_is_refused_unless_it_is_meant(store, expression):
    assert_refused(add(store, "--cron", expression), 2)

    assert add(store, "--cron", expression, "--force").code == 0
    shown = ok("schedule", "show", "x", "--store", store).json()
    assert shown["next_run_at"] is None


@pytest.mark.parametrize(
    "payload",
    ["{", "nope", "", "{'a': 1}", '{"a": 1}}', "[1,]", "\ufeff1", "NaN", "1 2"],
    ids=shown,
)
def test_a_payload_that_is_no_json_is_refused(store, payload):
    assert_refused(add(store, "--cron", "@daily", "--payload", payload), 2, "payload")


def test_a_payload_that_is_too_deep_or_too_large_is_refused(store):
    for text in ("[" * 100_000, '"' + "x" * (2 * MEBIBYTE) + '"'):
        assert_refused(add(store, "--cron", "@daily", "--payload", "-", stdin=text), 2)


def test_an_expression_of_a_mebibyte_is_refused(tmp_path, store):
    # No command line can hold one, but a file, a line of a preview and a crontab can.
    long = "1," * (MEBIBYTE // 2)

    answers = previewed(
        {"expr": f"{long}1 * * * *"}, {"expr": "*" * MEBIBYTE}, {"expr": " " * MEBIBYTE},
        {"expr": f"every {'9' * MEBIBYTE} minutes"}, {"expr": "* * * * *", "tz": "x" * MEBIBYTE},
    )
    assert [list(one) for one in answers] == [["error"]] * 5
    assert all(len(one["error"]) < 1000 for one in answers)

    config = tmp_path / "tranter.toml"
    # A file of more is refused for that.
    config.write_text(f'[schedules.a]\ncron = "{long[:MEBIBYTE // 2]}1 * * * *"\ntype = "t"\n')
    refused = SchedulerProcess("memory:", store, "--config", str(config))
    assert not refused.began
    code, said = refused.end()
    assert code == 2 and "schedules.a" in said and len(said) < 2000, said[:3000]

    crontab = tmp_path / "crontab"
    crontab.write_text(f"{long}1 * * * * backup\n@daily {'x' * MEBIBYTE}\n")
    refused = tranter("schedule", "import", str(crontab), "--store", store, seconds=SECONDS)
    assert refused.code != 0 and "line 1" in refused.err and len(refused.err) < 5000


def test_two_of_everything(tmp_path, store):
    assert_refused(add(store, "--cron", "@daily", "--cron", "@hourly"), 2, "--cron")
    assert_refused(add(store, "--cron", "@daily", "--every", "1h"), 2)
    zones = ["--tz", "UTC", "--tz", "Europe/Berlin"]
    assert_refused(add(store, "--cron", "@daily", *zones), 2, "--tz")
    assert_refused(tranter("schedule", "add", "x", "y", "--cron", "@daily", "--store", store), 2)
    assert_refused(add(store, "--cron", "CRON_TZ=UTC CRON_TZ=UTC @daily"), 2)
    assert_refused(add(store, "--cron", "@daily @daily"), 2)
    assert_refused(add(store, "--every", "1h 1h starting 2027-01-01 starting 2027-01-01"), 2)

    assert add(store, "--cron", "@daily").code == 0
    assert_refused(add(store, "--cron", "@hourly"), 4, '"x"')

    config = tmp_path / "tranter.toml"
    one = 'cron = "@daily"\ntype = "t"\n'
    for text in (
        f"[schedules.a]\n{one}[schedules.a]\n{one}",
        f'[schedules.a]\ncron = "@daily"\n{one}',
        f'[schedules.a]\n{one}every = "1h"\n',
    ):
        config.write_text(text)
        refused = SchedulerProcess("memory:", store, "--config", str(config))
        assert not refused.began
        code, said = refused.end()
        assert code == 2 and "tranter.toml" in said + str(config), said


def test_no_item_is_forgotten():
    assert {item["kind"] for item in ITEMS.values()} == {"cron", "cron-time", "interval"}

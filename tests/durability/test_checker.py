"""The checker flags every kind of misbehaviour in histories made by hand, and nothing else."""

import itertools

import pytest
from checker import check
from history import History


class Script:
    """Writes a history in which an operation takes from `start` to `start + 1`."""

    def __init__(self):
        self.history = History()
        self._clock = itertools.count(0, 10)

    def add(self, action, outcome="ok", at=None, lasts=1, result=None, **params):
        operation = self.history.begin(action, **params)
        operation.start = next(self._clock) if at is None else at
        operation.finish(outcome, **(result or {}))
        operation.end = operation.start + lasts
        return operation

    def send(self, key, number=None, outcome="ok", sequence=None, at=None, **params):
        params = {"queue": "q", "digest": f"digest of {key}", **params}
        result = {"id": number or f"id of {key}", "sequence": sequence} if outcome == "ok" else {}
        return self.add("send", outcome, at, key=key, result=result, **params)

    def receive(self, *messages, queue="q", visibility=0, at=None):
        result = {"messages": list(messages)}
        return self.add("receive", at=at, queue=queue, visibility=visibility, result=result)

    def delete(self, key, outcome="ok", queue="q", at=None):
        return self.add("delete", outcome, at, queue=queue, id=f"id of {key}")

    def rules(self):
        return [violation.rule for violation in check(self.history)]


def got(key, count=1, sequence=None, group=None, **other):
    usual = {"id": f"id of {key}", "digest": f"digest of {key}"}
    return {"key": key, "count": count, "sequence": sequence, "group": group, **usual, **other}


@pytest.fixture
def script():
    return Script()


def test_nothing_is_wrong_with_an_ordinary_life(script):
    script.send("a")
    script.receive(got("a"))
    script.add("kill")
    script.receive(got("a", count=2))
    script.delete("a")
    script.add("drained", queues=["q"])

    assert script.rules() == []


def test_lost(script):
    script.send("a")
    script.receive(got("a"))
    script.add("kill")
    script.add("drained", queues=["q"])

    assert script.rules() == ["lost"]


def test_not_lost_if_nobody_was_told_that_it_is_safe(script):
    script.send("a", outcome="unknown")
    script.send("b", outcome="fail")
    script.add("drained", queues=["q"])

    assert script.rules() == []


@pytest.mark.parametrize("outcome, rules", [("unknown", []), ("fail", ["lost"])])
def test_a_delete_without_an_answer_may_have_taken_it(script, outcome, rules):
    script.send("a")
    script.receive(got("a"))
    script.delete("a", outcome)
    script.add("drained", queues=["q"])

    assert script.rules() == rules


@pytest.mark.parametrize("at, rules", [(5, []), (-5, ["lost"])], ids=["after", "before"])
def test_a_purge_takes_what_was_sent_before_it(script, at, rules):
    script.send("a", at=0)
    script.add("purge", queue="q", at=at)
    script.add("drained", queues=["q"])

    assert script.rules() == rules


def test_delivered_after_its_delete_was_acknowledged(script):
    script.send("a")
    script.receive(got("a"))
    script.delete("a")
    script.add("kill")
    script.receive(got("a", count=2))

    assert script.rules() == ["deleted"]


def test_a_receive_that_began_before_the_delete_ended_may_deliver(script):
    script.send("a", at=0)
    script.receive(got("a"), at=2)
    script.delete("a", at=4)
    script.receive(got("a", count=2), at=4.5)

    assert script.rules() == []


def test_resurrected_after_a_purge(script):
    script.send("a")
    script.add("purge", queue="q")
    script.receive(got("a"))

    assert script.rules() == ["resurrected"]


def test_resurrected_where_it_was_moved_away_from(script):
    script.send("a")
    script.receive(got("a"), queue="dead")
    script.receive(got("a", count=2))

    assert script.rules() == ["resurrected"]


def test_a_redrive_brings_it_back(script):
    script.send("a")
    script.receive(got("a"), queue="dead")
    script.add("redrive", queue="dead")
    script.receive(got("a", count=2))

    assert script.rules() == []


def test_duplicated(script):
    script.send("a")
    script.receive(got("a"), got("a", id="another"))

    assert script.rules() == ["duplicated"]


def test_deduplicated_by_two_acknowledgements(script):
    script.send("a", "one", dedup="d")
    script.send("a", "two", dedup="d")

    assert "deduplicated" in script.rules()


def test_deduplicated_by_a_delivery_of_a_send_without_an_answer(script):
    script.send("a", outcome="unknown", dedup="d")
    script.send("a", "two", dedup="d")
    script.receive(got("a", id="one"))

    assert script.rules() == ["deduplicated"]


def test_two_keys_under_one_deduplication_id(script):
    script.send("a", dedup="d")
    script.send("b", dedup="d")

    assert script.rules() == ["deduplicated"]


def test_a_deduplication_id_is_free_again_after_its_window(script):
    script.send("a", dedup="d", at=0)
    script.send("b", dedup="d", at=301)

    assert script.rules() == []


def test_a_power_cut_may_take_an_unacknowledged_message_that_was_seen(script):
    script.send("a", outcome="unknown", dedup="d")
    script.receive(got("a", id="one"))
    script.add("power")
    script.send("a", "two", dedup="d")
    script.receive(got("a", id="two"))
    script.delete("a")

    assert script.rules() == []


def test_duplicated_by_a_redrive(script):
    script.send("a")
    script.add("redrive", queue="q")
    script.receive(got("a", id="new"), queue="target")
    script.receive(got("a", id="another"), queue="target")

    assert script.rules() == ["duplicated"]


def test_a_redrive_gives_a_new_id(script):
    script.send("a")
    script.add("redrive", queue="q")
    script.receive(got("a", id="new"), queue="target")

    assert script.rules() == []


def test_unexpected(script):
    script.receive(got("a"))

    assert script.rules() == ["unexpected"]


def test_corrupt(script):
    script.send("a")
    script.receive(got("a", digest="another"))

    assert script.rules() == ["corrupt"]


def fifo(script, *keys):
    for number, key in enumerate(keys, 1):
        script.send(key, sequence=number, group="g")


def test_reordered(script):
    fifo(script, "a", "b")
    script.receive(got("b", sequence=2, group="g"))

    assert script.rules() == ["reordered"]


def test_reordered_in_one_response(script):
    fifo(script, "a", "b")
    script.receive(got("b", sequence=2), got("a", sequence=1))

    assert script.rules() == ["reordered"]


def test_in_order(script):
    fifo(script, "a", "b", "c", "d")
    script.receive(got("a", sequence=1), got("b", sequence=2))
    script.receive(got("a", 2, sequence=1), got("b", 2, sequence=2))
    script.delete("a")
    script.delete("b", outcome="unknown")
    script.receive(got("c", sequence=3))
    script.receive(got("c", 2, sequence=3), queue="dead")
    script.receive(got("d", sequence=4))

    assert script.rules() == []


def test_sequence_against_the_order_of_sends(script):
    script.send("a", sequence=2, group="g")
    script.send("b", sequence=1, group="g")

    assert script.rules() == ["sequence"]


def test_sequence_given_twice(script):
    script.send("a", sequence=1, group="g")
    script.send("b", sequence=1, group="g")

    assert script.rules() == ["sequence"]


@pytest.mark.parametrize("event, rules", [("kill", ["count"]), ("power", [])])
def test_count_goes_back_only_by_a_power_cut(script, event, rules):
    script.send("a")
    script.receive(got("a", count=3))
    script.add(event)
    script.receive(got("a", count=3))

    assert script.rules() == rules


def test_early_for_its_delay(script):
    script.send("a", delay=15, at=0)
    script.receive(got("a"), at=10)

    assert script.rules() == ["early"]


@pytest.mark.parametrize("event, rules", [("kill", ["early"]), ("power", [])])
def test_early_for_its_lease_only_by_a_power_cut(script, event, rules):
    script.send("a")
    script.receive(got("a"), visibility=100)
    script.add(event)
    script.receive(got("a", count=2))

    assert script.rules() == rules


def test_of_two_receives_at_once_the_count_says_which_was_first(script):
    script.send("a", at=0)
    script.receive(got("a", count=2), visibility=100, at=5)
    script.receive(got("a", count=1), visibility=100, at=5.1)
    script.add("change", queue="q", id="id of a", at=5.5)

    assert script.rules() == []


def test_a_changed_lease_may_end_at_any_time(script):
    script.send("a")
    script.receive(got("a"), visibility=100)
    script.add("change", queue="q", id="id of a")
    script.receive(got("a", count=2))

    assert script.rules() == []


def set_and_get(script, *values, found, last="ok"):
    for value in values:
        outcome = last if value == values[-1] else "ok"
        script.add("set", outcome, queue="q", name="n", value=value)
    script.add("kill")
    script.add("get", queue="q", name="n", result={"value": found})


def test_setting_of_before(script):
    set_and_get(script, "1", "2", found="1")

    assert script.rules() == ["setting"]


@pytest.mark.parametrize("found", ["1", "2"])
def test_a_setting_without_an_answer_may_be_old_or_new(script, found):
    set_and_get(script, "1", "2", found=found, last="unknown")

    assert script.rules() == []

"""Reads a history and says what a durable broker may not have done.

    lost          acknowledged, never taken out, and not there in the end
    deleted       delivered after its deletion was acknowledged
    resurrected   delivered after an acknowledged purge, or again where it had been moved away from
    duplicated    one send, two messages
    deduplicated  two messages for one de-duplication id inside its window
    unexpected    delivered, but nobody sent it
    corrupt       delivered with another body or other attributes
    reordered     delivered past an earlier message of its group
    sequence      sequence numbers that contradict the order of the sends
    count         a receive count that went back
    early         delivered before its delay or its lease had ended
    setting       an acknowledged attribute or tag has an older value

A power cut, other than a kill, may end leases early and take back receive counts, and messages
that were never acknowledged may be delivered and then be gone; see docs/durability.md."""

import bisect
import itertools
from collections import defaultdict
from dataclasses import dataclass, field

DEDUPLICATION_SECONDS = 300
CLOCK_TOLERANCE = 0.02
FOREVER = float("inf")


@dataclass(frozen=True)
class Violation:
    rule: str
    text: str
    operations: tuple = ()

    def __str__(self):
        numbers = ", ".join(str(number) for number in self.operations)
        return f"{self.rule}: {self.text} (operations {numbers})"


@dataclass
class Delivery:
    operation: object
    place: int  # in its response
    message: dict

    @property
    def queue(self):
        return self.operation.queue


@dataclass
class Message:
    """All that happened to what was sent under one key."""

    key: str
    sends: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)
    deletes: list = field(default_factory=list)
    changes: list = field(default_factory=list)

    @property
    def acknowledged(self):
        return [send for send in self.sends if send.outcome == "ok"]

    @property
    def home(self):
        return self.sends[0].queue

    def name(self):
        return f"{self.key} in {self.home}"


class Checker:
    def __init__(self, history):
        self.by_action = defaultdict(list)
        for operation in history.operations:
            self.by_action[operation.action].append(operation)
        self.violations = []
        self.messages = {}
        self.powers = self.by_action["power"]
        self.drained = {queue for one in self.by_action["drained"] for queue in one.queues}
        self.purges = defaultdict(list)
        for purge in self.by_action["purge"] + self.by_action["delete_queue"]:
            if purge.effective:
                self.purges[purge.queue].append(purge)
        self._collect()

    def _collect(self):
        by_id = {}
        for send in self.by_action["send"]:
            message = self.messages.setdefault(send.key, Message(send.key))
            message.sends.append(send)
            if send.outcome == "ok":
                by_id[send.id] = message
        for operation in self.by_action["receive"]:
            for place, got in enumerate(operation.messages or []):
                message = self.messages.get(got["key"])
                if message is None:
                    self.report("unexpected", f"{got['key']!r} in {operation.queue}", operation)
                else:
                    by_id[got["id"]] = message
                    message.deliveries.append(Delivery(operation, place, got))
        for operation in self.by_action["delete"] + self.by_action["change"]:
            message = by_id.get(operation.id)
            if message is not None and operation.effective:
                target = message.deletes if operation.action == "delete" else message.changes
                target.append(operation)

    def report(self, rule, text, *operations):
        self.violations.append(Violation(rule, text, tuple(one.number for one in operations)))

    def power_between(self, first, second):
        return any(first.start <= cut.end and cut.start <= second.end for cut in self.powers)

    def check(self):
        for message in self.messages.values():
            self.check_loss(message)
            self.check_removal(message)
            self.check_identity(message)
            self.check_content(message)
            self.check_deliveries(message)
        self.check_deduplication()
        self.check_order()
        self.check_settings()
        return self.violations

    # One message.

    def purged_by(self, message):
        """Purges that may have taken it."""
        began = min(send.start for send in message.sends)
        return [one for one in self.purges[message.home] if (one.end or FOREVER) >= began]

    def check_loss(self, message):
        taken_out = message.deletes or self.purged_by(message)
        if message.acknowledged and message.home in self.drained and not taken_out:
            self.report("lost", message.name(), message.acknowledged[0])

    def check_removal(self, message):
        for delivery in message.deliveries:
            receive = delivery.operation
            for delete in message.deletes:
                same = (delete.queue, delete.id) == (delivery.queue, delivery.message["id"])
                if same and delete.outcome == "ok" and delete.end < receive.start:
                    self.report("deleted", message.name(), delete, receive)
            if delivery.queue == message.home:
                self.check_return(message, receive)

    def check_return(self, message, receive):
        """It may not be where it was purged from, or moved away from."""
        accepted = message.acknowledged[0].end if message.acknowledged else FOREVER
        for purge in self.purges[message.home]:
            if purge.outcome == "ok" and accepted < purge.start and purge.end < receive.start:
                self.report("resurrected", f"{message.name()}, purged", purge, receive)
        for other in message.deliveries:
            away = other.queue != message.home and other.operation.end < receive.start
            if away and not self.may_be_moved_back(other.queue):
                text = f"{message.name()}, was in {other.queue}"
                self.report("resurrected", text, other.operation, receive)

    def may_be_moved_back(self, queue):
        return any(one.queue == queue and one.effective for one in self.by_action["redrive"])

    def check_identity(self, message):
        """One id for all sends under one key: they carry the same de-duplication id, or are one.
        A redrive makes a new one of it in another queue."""
        acknowledged = {send.id: send for send in message.acknowledged}
        seen = {message.home: dict(acknowledged)}
        for delivery in message.deliveries:
            number = delivery.message["id"]
            if number in acknowledged or not self.was_lost_unacknowledged(message, number):
                queue = delivery.queue if self.by_action["redrive"] else message.home
                seen.setdefault(queue, {}).setdefault(number, delivery.operation)
        for queue, copies in seen.items():
            if len(copies) > 1 and self.within_window(message.sends):
                rule = "deduplicated" if message.sends[0].dedup else "duplicated"
                text = f"{message.name()} became {sorted(copies)} in {queue}"
                self.report(rule, text, *copies.values())

    def was_lost_unacknowledged(self, message, number):
        last = max(
            one.operation.start for one in message.deliveries if one.message["id"] == number
        )
        return any(cut.end > last for cut in self.powers)

    @staticmethod
    def within_window(sends):
        last = max(send.end or send.start for send in sends)
        return last - sends[0].start < DEDUPLICATION_SECONDS

    def check_content(self, message):
        for delivery in message.deliveries:
            if delivery.message["digest"] != message.sends[0].digest:
                self.report("corrupt", message.name(), message.sends[0], delivery.operation)

    def check_deliveries(self, message):
        self.check_delay(message)
        by_copy = defaultdict(list)
        for delivery in message.deliveries:
            by_copy[delivery.queue, delivery.message["id"]].append(delivery)
        for deliveries in by_copy.values():
            deliveries.sort(key=lambda one: one.operation.start)
            for first, second in zip(deliveries, deliveries[1:]):
                if self.power_between(first.operation, second.operation):
                    continue
                self.check_count(message, first, second)
                self.check_lease(message, first, second)

    def check_delay(self, message):
        for delivery in message.deliveries:
            waits = min(send.start + (send.delay or 0) for send in message.sends)
            if delivery.operation.end < waits - CLOCK_TOLERANCE:
                self.report("early", f"{message.name()}, delayed", delivery.operation)

    def check_count(self, message, first, second):
        in_order = first.operation.end <= second.operation.start
        if in_order and second.message["count"] <= first.message["count"]:
            text = f"{message.name()}: {first.message['count']}, then {second.message['count']}"
            self.report("count", text, first.operation, second.operation)

    def check_lease(self, message, first, second):
        if second.operation.start < first.operation.end:  # at once: the count says who was first
            first, second = sorted((first, second), key=lambda one: one.message["count"])
        lease = first.operation.visibility
        ends = first.operation.start + (lease or 0) - CLOCK_TOLERANCE
        changed = any(
            (one.end or FOREVER) > first.operation.start and one.start < second.operation.end
            for one in message.changes
        )
        if lease is not None and not changed and second.operation.end < ends:
            self.report("early", f"{message.name()}, leased", first.operation, second.operation)

    # Many messages.

    def check_deduplication(self):
        accepted = {}
        for send in self.by_action["send"]:
            if send.outcome != "ok" or not send.dedup:
                continue
            first = accepted.setdefault((send.queue, send.dedup), send)
            if send.start - first.start >= DEDUPLICATION_SECONDS:
                accepted[send.queue, send.dedup] = send
            elif send.id != first.id and send.key != first.key:
                self.report("deduplicated", f"{send.dedup} in {send.queue}", first, send)

    def check_order(self):
        groups = defaultdict(list)
        for message in self.messages.values():
            if message.acknowledged and message.sends[0].group:
                sequence = int(message.acknowledged[0].sequence)
                groups[message.home, message.sends[0].group].append((sequence, message))
        for members in groups.values():
            members.sort(key=lambda one: one[0])
            self.check_sequences(members)
            self.check_group(members)

    def check_sequences(self, members):
        """Ascending numbers may not belong to sends of which a later one ended first."""
        earliest_end = FOREVER
        for sequence, message in reversed(members):
            first, last = message.sends[0], message.acknowledged[0]
            if first.start > earliest_end:
                self.report("sequence", f"{message.name()} has {sequence}", first, last)
            earliest_end = min(earliest_end, last.end)
        for (one, first), (other, second) in zip(members, members[1:]):
            if one == other:
                text = f"{first.name()} and {second.name()} have {one}"
                self.report("sequence", text, first.sends[0], second.sends[0])

    def check_group(self, members):
        """When one is delivered, everything before it is gone or delivered along with it."""
        sequences = [sequence for sequence, _ in members]
        gone_from = [self.gone_from(message) for _, message in members]
        last_gone = list(itertools.accumulate(gone_from, max))
        for _, message in members:
            for delivery in message.deliveries:
                before = bisect.bisect_left(sequences, int(delivery.message["sequence"]))
                at_home = delivery.queue == message.home
                if not at_home or not before or last_gone[before - 1] <= delivery.operation.end:
                    continue
                for (_, earlier), gone in zip(members[:before], gone_from):
                    if gone > delivery.operation.end and not precedes(earlier, delivery):
                        text = f"{message.name()} before {earlier.key}"
                        self.report("reordered", text, earlier.sends[0], delivery.operation)

    def gone_from(self, message):
        """Since when it may not have been in its queue any more."""
        moves = [one.operation for one in message.deliveries if one.queue != message.home]
        if moves:
            return 0.0
        removals = message.deletes + self.purged_by(message)
        return min((one.start for one in removals), default=FOREVER)

    def check_settings(self):
        changes = defaultdict(list)
        for change in self.by_action["set"]:
            if change.effective:
                changes[change.queue, change.name].append(change)
        for get in self.by_action["get"]:
            sets = [one for one in changes[get.queue, get.name] if one.start < (get.end or 0)]
            sure = [one for one in sets if one.outcome == "ok" and one.end < get.start]
            if get.outcome != "ok" or not sure:
                continue
            base = max(one.start for one in sure)
            allowed = {one.value for one in sets if (one.end or FOREVER) >= base}
            if get.value not in allowed:
                text = f"{get.name} of {get.queue} is {get.value}, set were {sorted(allowed)}"
                self.report("setting", text, sure[-1], get)


def precedes(message, delivery):
    """Delivered in the same response, in an earlier place."""
    return any(
        other.operation is delivery.operation and other.place < delivery.place
        for other in message.deliveries
    )


def check(history):
    """Everything wrong with it, in no particular order."""
    return Checker(history).check()

"""Plants bugs in copies of the engine and requires that the simulation finds each of them.

A simulation that finds nothing may be looking at nothing, so the checker is itself checked: every
row below is a mistake that somebody could make, with the invariant that must notice it. A row whose
text is no longer in the engine exactly once is an error: change the row with the engine.
"""

import argparse
import fcntl
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "src" / "engine"
BUILD_LOCK = "/tmp/tranter-build.lock"  # shared with ./dev: one build at a time
JOBS = 2
SEEDS = 2000
RUN_SECONDS_MAX = 60  # a mutant that hangs is found, too


@dataclass(frozen=True)
class Edit:
    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Mutant:
    name: str
    expected: tuple[str, ...]  # invariants, any of which may be the first to notice
    edits: tuple[Edit, ...]


def mutant(name, expected, *edits):
    return Mutant(name, tuple(expected.split()), tuple(Edit(*edit) for edit in edits))


MUTANTS = [
    mutant(
        "redelivery goes to the tail of its FIFO group",
        "fifo_order nothing_lost",
        (
            "queue.cpp",
            "    if (fifo()) {\n        fifo_.refresh(message.group);\n    } else if (!held) {",
            "    if (fifo()) {\n"
            "        groups_[message.group].line.remove(slab_, slot);\n"
            "        groups_[message.group].line.push_back(slab_, slot);\n"
            "        fifo_.refresh(message.group);\n    } else if (!held) {",
        ),
    ),
    mutant(
        "no group lock",
        "group_lock",
        (
            "queue_delivery.cpp",
            "    while (slot != no_slot && slab_[slot].state == State::visible) {\n",
            "    while (slot != no_slot) {\n"
            "        if (slab_[slot].state != State::visible) {\n"
            "            slot = Line::next(slab_, slot);\n"
            "            continue;\n"
            "        }\n",
        ),
    ),
    mutant(
        "dead letter one delivery too late",
        "dead_letter",
        (
            "queue_delivery.cpp",
            "message.receive_count >= policy_.max_receives",
            "message.receive_count > policy_.max_receives",
        ),
    ),
    mutant(
        "dead letter one delivery too early",
        "dead_letter",
        (
            "queue_delivery.cpp",
            "message.receive_count >= policy_.max_receives",
            "message.receive_count + 1 >= policy_.max_receives",
        ),
    ),
    mutant(
        "delay ends a microsecond early",
        "delay counters",
        (
            "queue.cpp",
            "delay > Duration::zero() ? later(now, delay) : now",
            "delay > Duration::zero() ? later(now, delay - Duration(1)) : now",
        ),
    ),
    mutant(
        "timers fire a microsecond early",
        "delay lease counters",
        (
            "timing_wheel.cpp",
            "if (slab[slot].due() <= now) {",
            "if (slab[slot].due() <= now + Duration(1)) {",
        ),
    ),
    mutant(
        "long leases end early",
        "lease counters",
        (
            "queue_delivery.cpp",
            "start_timer(slot, State::in_flight, later(now, timeout));\n        join",
            "start_timer(slot, State::in_flight, now + std::min<Duration>(timeout, "
            "std::chrono::minutes(3)));\n        join",
        ),
    ),
    mutant(
        "newest first",
        "visible_order fairness",
        (
            "standard_lines.cpp",
            "line_of(group).push_back(slab_, slot, aging_);",
            "line_of(group).push_front(slab_, slot, aging_);",
        ),
    ),
    mutant(
        "what was taken back goes to the end of the line",
        "visible_order fairness",
        (
            "queue_delivery.cpp",
            "standard_.push_front(receipt.slot);",
            "standard_.push_back(receipt.slot, now);",
        ),
    ),
    mutant(
        "a move that goes on passes an unfinished message of its group",
        "visible_order",
        (
            "queue_view.cpp",
            "if (fifo()) progress.blocked.emplace(group);",
            "if (fifo() && move.max > 1) progress.blocked.emplace(group);",
        ),
    ),
    mutant(
        "a move takes what has come since it began",
        "visible_order answers",
        (
            "queue_view.cpp",
            "        if (sequence > progress.until) break;\n",
            "",
        ),
    ),
    mutant(
        "a move that goes on begins at the oldest again",
        "visible_order answers",
        (
            "queue_view.cpp",
            "        progress.looked_at = sequence;\n",
            "",
        ),
    ),
    mutant(
        "a receive that may take no more dead letters delivers them",
        "dead_letter",
        (
            "queue_delivery.cpp",
            "            if (!take_dead(slot, options, received)) break;\n            continue;\n",
            "            if (take_dead(slot, options, received)) continue;\n"
            "            if (!received.dead_left) break;\n",
        ),
    ),
    mutant(
        "dead letters that came later are handed on, too",
        "dead_letter answers",
        (
            "queue_delivery.cpp",
            "    if (until != 0 && slab_[slot].sequence > until) return false;\n",
            "",
        ),
    ),
    mutant(
        "what is alive beside dead letters is not told",
        "answers",
        ("queue_delivery.cpp", "            received.alive_left = true;\n", ""),
    ),
    mutant(
        "what is given back goes to the end of its group",
        "fifo_order nothing_lost",
        ("queue.cpp", "        fifo_.insert(slot);", "        fifo_.append(slot);"),
    ),
    mutant(
        "what is given back forgets its deliveries",
        "receipts answers settling",
        ("queue.cpp", "    message.deliveries = transfer.deliveries;\n", ""),
    ),
    mutant(
        "a lost answer ends the lease of the retry that has the same messages",
        "lease attempt_id counters receive_count",
        (
            "queue_delivery.cpp",
            "if (message->taken_back || attempts_.is_elsewhere(receipt)) return;",
            "if (message->taken_back) return;",
        ),
    ),
    mutant(
        "a FIFO queue's new delay holds for what was put back without counting",
        "delay counters",
        (
            "queue_time.cpp",
            "if (message.deliveries > 0 || message.state == State::in_flight) continue;",
            "if (message.receive_count > 0 || message.state == State::in_flight) continue;",
        ),
    ),
    mutant(
        "what came from another queue does not expire once there is a retention",
        "retention links next_event",
        (
            "queue_time.cpp",
            "    if (ages() != (before.retention > Duration::zero())) {",
            "    if (!ages() && before.retention > Duration::zero()) {",
        ),
    ),
    mutant(
        "a duplicate send renews the window",
        "deduplication",
        (
            "deduplication.hpp",
            "    void clear();",
            "    void clear();\n"
            "    void renew(std::string_view key, Instant now) {\n"
            "        for (Accepted& accepted : order_)\n"
            "            if (accepted.key == key) accepted.at = now;\n"
            "    }",
        ),
        (
            "queue.cpp",
            "            ++counters_.deduplicated;\n            return Sent{",
            "            ++counters_.deduplicated;\n            deduplication_.renew(key, now);\n"
            "            return Sent{",
        ),
    ),
    mutant(
        "deleting forgets the de-duplication ids",
        "deduplication",
        (
            "queue_delivery.cpp",
            "    ++counters_.deleted;",
            "    ++counters_.deleted;\n    deduplication_.clear();",
        ),
    ),
    mutant(
        "purge keeps the de-duplication memory",
        "deduplication",
        ("queue.cpp", "    std::swap(debris->deduplication, deduplication_);\n", ""),
    ),
    mutant(
        "de-duplication ids of a group count in every group",
        "deduplication uniqueness",
        (
            "queue_restore.cpp",
            "Deduplication::key(per_group ? group : std::string_view(), id)",
            "Deduplication::key(per_group ? std::string_view() : std::string_view(), id)",
        ),
    ),
    mutant(
        "stale FIFO receipt deletes a message in flight",
        "receipts",
        (
            "queue_delivery.cpp",
            "if (fifo() && !current) {",
            "if (fifo() && !current && message->state != State::in_flight) {",
        ),
    ),
    mutant(
        "a receipt's slot is enough",
        "receipts answers lookup",
        (
            "slab.hpp",
            "        if (!exists(slot) || (*this)[slot].sequence != sequence || sequence == 0) "
            "return nullptr;",
            "        if (!exists(slot) || (*this)[slot].sequence == 0 || sequence == 0) "
            "return nullptr;",
        ),
    ),
    mutant(
        "receive count stays at one",
        "receive_count",
        (
            "queue_delivery.cpp",
            "    ++message.receive_count;",
            "    if (message.receive_count == 0) ++message.receive_count;",
        ),
    ),
    mutant(
        "a delivery taken back still counts",
        "receive_count payload_intact",
        (
            "queue_delivery.cpp",
            "if (--message->receive_count == 0)",
            "if (message->receive_count == 0)",
        ),
    ),
    mutant(
        "the delayed counter drifts",
        "counters links",
        ("queue.cpp", "        if (state == State::delayed) --counters_.delayed;\n", ""),
    ),
    mutant(
        "no retention while in flight",
        "retention counters",
        (
            "queue_time.cpp",
            "    while (!sent_.empty() && slab_",
            "    while (!sent_.empty() && slab_[sent_.head()].state != State::in_flight && slab_",
        ),
    ),
    mutant(
        "the age of a moved message starts anew",
        "retention next_event",
        (
            "queue_time.cpp",
            "return fifo() ? moved_times_.at(message.sequence) : message.sent_at;",
            "return moved_times_.at(message.sequence);",
        ),
    ),
    mutant(
        "the next event leaves out retention",
        "next_event",
        (
            "queue_time.cpp",
            "    if (ages() && !sent_.empty()) "
            "consider(later(slab_[sent_.head()].sent_at, policy_.retention));\n",
            "",
        ),
    ),
    mutant(
        "groups do not take turns",
        "fairness",
        (
            "standard_lines.cpp",
            "    if (!groups_[index].in_ring) return;\n",
            "    if (index != no_slot) return;\n",
        ),
    ),
    mutant(
        "no group is ever noisy",
        "fairness",
        (
            "standard_lines.cpp",
            "    if (now >= group.last_sent + noisy_silence) return false;\n",
            "    if (now >= group.last_sent) return false;\n",
        ),
    ),
    mutant(
        "one more in flight than the limit",
        "limits answers",
        (
            "queue_delivery.cpp",
            "counters_.in_flight >= policy_.max_in_flight;",
            "counters_.in_flight > policy_.max_in_flight;",
        ),
    ),
    mutant(
        "a repeated receive request ignores changed visibility",
        "attempt_id",
        (
            "queue_delivery.cpp",
            " &&\n                               message->due() == one.visible_at;",
            ";",
        ),
    ),
    mutant(
        "a move forgets the group",
        "payload_intact",
        ("queue.cpp", "        .group = std::string(group_key(message)),\n", ""),
    ),
    mutant(
        "priorities count for nothing",
        "priority",
        ("priority_line.hpp", "place + message.priority * aging,", "place,"),
    ),
    mutant(
        "priorities count for more than any waiting",
        "priority visible_order fairness",
        (
            "priority_line.hpp",
            "std::clamp(aging, Duration::zero(), most).count();",
            "aging > Duration::zero() ? most.count() : 0;",
        ),
    ),
    mutant(
        "what was taken back yields to the urgent",
        "priority visible_order fairness links",
        ("priority_line.hpp", ".place = place < 0 ? place : place +", ".place = place +"),
    ),
    mutant(
        "an urgent message comes later than its line knows",
        "priority links",
        (
            "priority_line.hpp",
            "        lane_for(slab[slot].priority).push_back(slab, slot);\n"
            "        update(slab, aging);",
            "        const bool made = lanes_ == nullptr;\n"
            "        lane_for(slab[slot].priority).push_back(slab, slot);\n"
            "        if (made || lanes_->head == no_slot) update(slab, aging);",
        ),
    ),
    mutant(
        "other aging counts only for what comes",
        "priority links",
        (
            "queue_time.cpp",
            "policy_.groups != before.groups || policy_.priority_aging != before.priority_aging;",
            "policy_.groups != before.groups;",
        ),
    ),
    mutant(
        "what is put back goes to the end of the line",
        "visible_order priority fairness",
        ("queue_jobs.cpp", "standard_.put_back(slot, place);", "standard_.push_back(slot, now);"),
    ),
    mutant(
        "what is put back goes before all others",
        "visible_order priority fairness",
        ("queue_jobs.cpp", "standard_.put_back(slot, place);", "standard_.push_front(slot);"),
    ),
    mutant(
        "what is put back with a delay keeps its slot",
        "counters limits links",
        (
            "queue_jobs.cpp",
            "    leave_flight(slot);",
            "    if (settle.delay == Duration::zero()) leave_flight(slot);",
        ),
    ),
    mutant(
        "a release counts as an attempt",
        "receive_count dead_letter",
        ("queue_jobs.cpp", "if (--message.receive_count == 0)", "if (message.receive_count == 0)"),
    ),
    mutant(
        "an earlier delivery settles a later one",
        "settling",
        (
            "queue_jobs.cpp",
            "message->state != State::in_flight || message->deliveries != receipt.delivery",
            "message->state != State::in_flight",
        ),
    ),
    mutant(
        "a paused queue hands out",
        "paused",
        ("queue_delivery.cpp", "if (policy_.paused) {", "if (now < Instant{}) {"),
    ),
    mutant(
        "own receive limits come one delivery too late",
        "dead_letter",
        (
            "queue_delivery.cpp",
            "return message.receive_count >= own;",
            "return message.receive_count > own;",
        ),
    ),
    mutant(
        "retention of zero ends everything",
        "retention counters",
        ("queue_time.cpp", "    if (!ages()) return;\n", ""),
    ),
    mutant(
        "deadlines do not count while delayed",
        "deadline",
        (
            "queue_time.cpp",
            "message->state == State::in_flight) continue;",
            "message->state != State::visible) continue;",
        ),
    ),
    mutant(
        "a deadline that passes in flight is forgotten",
        "deadline",
        (
            "queue_jobs.cpp",
            "    if (deadline != Instant{} && deadline <= now) return Ended::Why::expired;\n",
            "",
        ),
    ),
    mutant(
        "the next event leaves out deadlines",
        "next_event",
        (
            "queue_time.cpp",
            "    if (const auto deadline = deadlines_.next()) consider(*deadline);\n",
            "",
        ),
    ),
    mutant(
        "dead letters keep their deadline",
        "notes",
        ("queue.cpp", "    transfer.traits.deadline = {};\n", ""),
    ),
    mutant(
        "a cancelled message comes back",
        "cancel visible_order counters",
        (
            "queue_jobs.cpp",
            "    if (slab_[slot].cancel_requested) return Ended::Why::cancelled;\n",
            "",
        ),
    ),
    mutant(
        "a key is free while its message is in flight",
        "uniqueness",
        (
            "queue_extras.cpp",
            "const Slot slot = unique_.newest(traits.unique_key);",
            "const Slot slot = newest_waiting(traits.unique_key);",
        ),
    ),
    mutant(
        "a throttle ends with its message",
        "uniqueness",
        (
            "queue_extras.cpp",
            "        if (throttle == nullptr) return std::nullopt;\n"
            "        const Deduplication::Entry& first = throttle->first;\n",
            "        if (throttle == nullptr) return std::nullopt;\n"
            "        const Deduplication::Entry& first = throttle->first;\n"
            "        if (!slab_.find(first.slot, first.sequence)) return std::nullopt;\n",
        ),
    ),
    mutant(
        "every send debounces for the whole time again",
        "delay counters",
        (
            "queue_extras.cpp",
            "later(extras_.at(slot).unique_since, traits.unique_for)",
            "later(now, traits.unique_for)",
        ),
    ),
    mutant(
        "a replaced message loses its place",
        "visible_order priority fairness",
        (
            "queue_extras.cpp",
            "const bool stays = !fifo() &&",
            "const bool stays = now < Instant{} && !fifo() &&",
        ),
    ),
    mutant(
        "what takes a place keeps its own id",
        "uniqueness lookup payload_intact",
        (
            "queue_extras.cpp",
            "const MessageId id = message.payload.id();",
            "const MessageId id = payload.id();",
        ),
    ),
    mutant(
        "what takes a place inherits receives",
        "receive_count",
        ("queue_extras.cpp", "    message.receive_count = 0;\n", ""),
    ),
    mutant(
        "duplicates run into the limit of their group",
        "limits uniqueness links",
        (
            "queue.cpp",
            "    if (unique) {\n        if (auto",
            "    const Slot theirs = groups_.find(options.group);\n"
            "    const std::uint32_t most = policy_.groups.max_queued_per_group;\n"
            "    const bool fits = most == 0 || theirs == no_slot || "
            "groups_[theirs].queued() < most;\n"
            "    if (unique && fits) {\n        if (auto",
        ),
    ),
    mutant(
        "the index keeps ids of messages that are gone",
        "lookup no_ghosts links",
        ("queue.cpp", "    if (index_.built()) index_.remove(slab_, slot);\n", ""),
    ),
    mutant(
        "the index misses what came from another queue",
        "lookup links",
        (
            "queue.cpp",
            "    if (index_.built()) index_.add(slab_, slot);\n    return slot;",
            "    if (index_.built() && !moved_in) index_.add(slab_, slot);\n    return slot;",
        ),
    ),
    mutant(
        "lists leave out what came from another queue",
        "lookup counters",
        (
            "queue_view.cpp",
            "at->moved_in ? next : first_after(moved_, after);",
            "at->moved_in ? next : no_slot;",
        ),
    ),
    mutant(
        "a move forgets the note",
        "notes",
        (
            "queue.cpp",
            ".note = message.has_extras ? extras_.at(slot).note : std::string(),\n"
            "        .deliveries",
            ".note = {},\n        .deliveries",
        ),
    ),
    mutant(
        "a restart forgets who was asked to stop",
        "cancel restart",
        ("queue_restore.cpp", "    message.cancel_requested = delivery.cancel_requested;\n", ""),
    ),
    mutant(
        "a restart forgets throttles",
        "uniqueness next_event",
        ("queue_restore.cpp", "    unique_.append_to(all);\n", ""),
    ),
    mutant(
        "a restart counts debouncing from the last send",
        "delay counters",
        (
            "queue_restore.cpp",
            "const Instant since = known ? stored.unique_since : stored.sent_at;",
            "const Instant since = stored.sent_at;",
        ),
    ),
    mutant(
        "a second one of a key begins beside the first",
        "uniqueness links",
        ("queue_extras.cpp", "    if (key.in_flight == 0) return false;\n", "    return false;\n"),
    ),
    mutant(
        "who stands in line already is not held back",
        "uniqueness links",
        (
            "queue_delivery.cpp",
            "        join_flight(slot);\n        if (message.has_extras) hold_back_others(slot);\n",
            "        join_flight(slot);\n",
        ),
    ),
    mutant(
        "a replacement begins beside the one that is in flight",
        "uniqueness links visible_order",
        ("queue_extras.cpp", "!delayed_until && !yields &&", "!delayed_until &&"),
    ),
    mutant(
        "who was held back stays so when the lease ends",
        "nothing_lost links visible_order fairness drains",
        (
            "queue.cpp",
            "    let_go(since);\n",
            "",
        ),
    ),
    mutant(
        "who was held back stays so when the other is removed",
        "nothing_lost links visible_order fairness drains",
        ("queue.cpp", "    if (had_extras) let_go(now_);\n", ""),
    ),
    mutant(
        "who was held back stays so when the other is put back",
        "nothing_lost links visible_order fairness drains",
        (
            "queue_jobs.cpp",
            "fifo_.refresh(message.group);\n    let_go(now);\n",
            "fifo_.refresh(message.group);\n",
        ),
    ),
    mutant(
        "who was held back goes before the one that comes back",
        "visible_order priority fairness",
        (
            "queue.cpp",
            "        leave_flight(slot);\n    }\n    message.state = State::visible;",
            "        leave_flight(slot);\n        let_go(since);\n    }\n"
            "    message.state = State::visible;",
        ),
    ),
    mutant(
        "what its delay makes visible is not held back",
        "uniqueness links",
        ("queue.cpp", "const bool held = hold_back(slot, since);", "const bool held = false;"),
    ),
    mutant(
        "one in flight that ends lets everybody go",
        "uniqueness links visible_order priority fairness",
        (
            "queue_extras.cpp",
            "if (--key.in_flight > 0 || key.held == 0) return;",
            "--key.in_flight;\n    if (key.held == 0) return;",
        ),
    ),
    mutant(
        "dead letters wait for each other",
        "nothing_lost links visible_order fairness",
        ("queue_extras.cpp", " &&\n                    message.source_queue == 0;", ";"),
    ),
    mutant(
        "what is cancelled while it is held back is still counted",
        "links nothing_lost",
        ("queue.cpp", "        --counters_.visible;\n        end_hold(slot);\n",
         "        --counters_.visible;\n"),
    ),
    mutant(
        "a restart forgets who was held back",
        "uniqueness links restart",
        (
            "queue_restore.cpp",
            "if (yields && !waits) yielding",
            "if (yields && !waits && now < Instant{}) yielding",
        ),
    ),
]


def plant(one, folder):
    """Copies the engine and applies the edits. Returns the names of the files that changed."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(ENGINE, folder / "engine", ignore=shutil.ignore_patterns("*_test.cpp"))
    for edit in one.edits:
        path = folder / "engine" / edit.file
        text = path.read_text()
        if text.count(edit.find) != 1:
            sys.exit(
                f"mutation '{one.name}': its text is {text.count(edit.find)} times in "
                f"src/engine/{edit.file}, not once:\n{edit.find}"
            )
        path.write_text(text.replace(edit.find, edit.replace))
    return {edit.file for edit in one.edits}


def affected(sources, changed):
    """The sources that see one of the changed files, through any chain of includes."""
    texts = {path.name: path.read_text() for path in ENGINE.glob("*.[ch]pp")}
    reached = set(changed)
    grown = True
    while grown:
        users = {
            name
            for name, text in texts.items()
            if any(f'"engine/{header}"' in text for header in reached)
        }
        grown = not users <= reached
        reached |= users
    return [source for source in sources if source in reached]


class Builder:
    def __init__(self, compiler, parts, build):
        self.compile_command = [compiler, "-std=c++23", "-O1"]
        if shutil.which("ccache"):
            self.compile_command.insert(0, "ccache")
        self.link_command = [compiler]
        if shutil.which("ld.mold"):
            self.link_command.append("-fuse-ld=mold")
        self.parts = parts
        self.build = build
        self.sources = sorted(
            path.name for path in ENGINE.glob("*.cpp") if not path.name.endswith("_test.cpp")
        )

    def compile(self, folder, source):
        """Headers and sources of `folder` hide those of src."""
        target = folder / (source + ".o")
        subprocess.run(
            [*self.compile_command, f"-I{folder}", f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}"]
            + ["-c", str(folder / "engine" / source), "-o", str(target)],
            check=True,
        )
        return target

    def compile_sound(self):
        """The objects that mutants do not change."""
        folder = self.build / "sound"
        plant(Mutant("none", (), ()), folder)
        with ThreadPoolExecutor(JOBS) as pool:
            objects = pool.map(lambda source: self.compile(folder, source), self.sources)
            return dict(zip(self.sources, objects))

    def build_mutant(self, one, sound):
        folder = self.build / re.sub(r"\W+", "_", one.name)
        objects = dict(sound)
        for source in affected(self.sources, plant(one, folder)):
            objects[source] = self.compile(folder, source)
        program = folder / "sim"
        subprocess.run(
            [*self.link_command, *map(str, objects.values()), str(self.parts), "-o", str(program)],
            check=True,
        )
        return program


def judge(one, program):
    """What the simulation said, and whether that is what the row demands."""
    command = [str(program), "--seeds", f"1..{SEEDS}", "--no-history"]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=RUN_SECONDS_MAX, check=False, text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return "hangs", True
    found = re.search(r"seed (\d+).*?: (\w+): (.*)", done.stdout)
    if found:
        seed, invariant, text = found.groups()
        return f"seed {seed:>4}  {invariant}: {text}", invariant in one.expected
    if done.returncode < 0:
        return f"crashes: {done.stdout.strip()}", True
    return "SURVIVES", False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--parts", type=Path, required=True, help="libtranter_sim_parts.a")
    parser.add_argument("--build", type=Path, required=True, help="where the mutants are built")
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    options = parser.parse_args()

    builder = Builder(options.compiler, options.parts, options.build)
    chosen = [one for one in MUTANTS if options.only in one.name]
    with open(BUILD_LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sound = builder.compile_sound()
        with ThreadPoolExecutor(JOBS) as pool:
            programs = list(pool.map(lambda one: builder.build_mutant(one, sound), chosen))

    with ThreadPoolExecutor(JOBS) as pool:
        verdicts = list(pool.map(judge, chosen, programs))
    missed = 0
    for one, (verdict, good) in zip(chosen, verdicts):
        missed += not good
        note = "" if good else f"  <-- expected {' or '.join(one.expected)}"
        print(f"{one.name:<55} {verdict}{note}")
    print(f"{len(chosen) - missed} of {len(chosen)} planted bugs found as expected")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

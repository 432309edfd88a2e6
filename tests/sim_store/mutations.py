"""Plants bugs in copies of the store's rooms and requires that the simulation finds each.

A simulation that finds nothing may be looking at nothing, so the checker is itself checked: every
row below is a mistake that somebody could make. A row whose text is no longer in its file exactly
once is an error: change the row with the code.

A row changes one source or two, which are compiled anew; everything else comes from the libraries
of the build.
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
SRC = ROOT / "src"
BUILD_LOCK = "/tmp/tranter-build.lock"  # shared with ./dev: one build at a time
JOBS = 2
SEEDS = 4000
RUN_SECONDS_MAX = 40  # a mutant that hangs is found, too
LIBRARIES = ["-lfmt", "-lspdlog", "-lsimdjson", "-lcrypto", "-pthread"]


@dataclass(frozen=True)
class Mutant:
    name: str
    edits: tuple[tuple[str, str, str], ...]  # file, what stands there, what shall
    arguments: tuple[str, ...] = ("--seeds", f"1..{SEEDS}", "--no-history")


def mutant(name, file, *edits):
    """Edits are in `file`, or in one that they name themselves."""
    return Mutant(name, tuple(edit if len(edit) == 3 else (file, *edit) for edit in edits))


def leak(name, file, *edits):
    """A slot that never comes back, or one too many."""
    return Mutant(name, mutant(name, file, *edits).edits, ("--slots", "--seeds", "1..20"))


MUTANTS = [
    # what is acknowledged, and when
    mutant(
        "acknowledged when written, not when synced",
        "log/log_commit.cpp",
        (
            "    if (options.durability == Durability::os) {\n        durable_end",
            "    {\n        durable_end",
        ),
    ),
    mutant(
        "a failed sync is taken for a good one",
        "log/log_commit.cpp",
        ("        note_failure(error, false);\n        throw;\n", "        (void)error;\n"),
    ),
    mutant(
        "a failed write is taken for a good one",
        "log/log_commit.cpp",
        (
            "            impl_->note_failure(error, error.full());\n",
            "            if (error.full()) impl_->note_failure(error, true);\n"
            "            else impl_->publish_written();\n",
        ),
    ),
    mutant(
        "a delete does not wait",
        "broker/messages.cpp",
        (
            "        result.position = impl_->journal.append(record::MessageDeleted{",
            "        impl_->journal.append(record::MessageDeleted{",
        ),
    ),
    mutant(
        "a duplicate send does not wait for the first",
        "broker/sends.cpp",
        (
            "accepted->sent.duplicate) {\n            result.position = impl_->journal.end();",
            "accepted->sent.duplicate) {\n            result.position = 0;",
        ),
    ),
    mutant(
        "a delete of what is gone does not wait for the first",
        "broker/messages.cpp",
        (
            "as safe.\n            result.position = impl_->journal.end();",
            "as safe.\n            result.position = 0;",
        ),
    ),
    # the disk
    mutant(
        "no directory sync when a segment begins",
        "log/log_commit.cpp",
        (
            "    Segment segment{.file = disk.create(name)};\n    disk.sync_directory();\n",
            "    Segment segment{.file = disk.create(name)};\n",
        ),
    ),
    mutant(
        "a closed segment is not synced",
        "log/log_commit.cpp",
        ("    sync_file(*before);\n", ""),
    ),
    mutant(
        "what found no space is left out",
        "log/log_commit.cpp",
        (
            "        if (in_flight.empty()) in_flight.swap(pending);\n",
            "        if (!in_flight.empty()) in_flight.clear();\n"
            "        in_flight.swap(pending);\n",
        ),
    ),
    mutant(
        "what found no space is written behind its place",
        "log/log_commit.cpp",
        (
            "        segment.file->write(chunk.offset, chunk.bytes);\n"
            "        segment.grown = chunk",
            "        segment.file->write(chunk.offset + 8, chunk.bytes);\n"
            "        segment.grown = chunk",
        ),
    ),
    mutant(
        "a segment goes before what was kept of it is durable",
        "log/compaction.cpp",
        ("} else if (!log_.is_durable(waiting_for_)) {", "} else if (offset_ == 1) {"),
        (
            "log/log_commit.cpp",
            "    sync();\n    SegmentNumber number = 0;\n",
            "    SegmentNumber number = 0;\n",
        ),
    ),
    mutant(
        "without waiting for the disk a segment goes before the kernel has written",
        "log/log_commit.cpp",
        ("    sync();\n    SegmentNumber number = 0;\n", "    SegmentNumber number = 0;\n"),
    ),
    mutant(
        "a segment is compacted before its last commit is known",
        "log/log.cpp",
        (
            "    figures.newest_segment = segment_of(impl_->written_end);\n",
            "    figures.newest_segment = impl_->segments.rbegin()->first;\n",
        ),
    ),
    # reading it again
    mutant(
        "no checksums",
        "log/format.cpp",
        (
            "    if (get<std::uint64_t>(bytes, 8) != frame_checksum(store, at, bytes)) "
            "return std::nullopt;\n",
            "    if (get<std::uint64_t>(bytes, 8) == 0) return std::nullopt;\n",
        ),
    ),
    mutant(
        "checksums do not depend on the place",
        "log/format.cpp",
        ("(store ^ (at * spread))", "(store ^ (0 * at))"),
    ),
    mutant(
        "damage is taken for a torn tail",
        "log/scan.cpp",
        (
            "const bool torn = options_.newest && !was_synced(offset);",
            "const bool torn = options_.newest;",
        ),
    ),
    mutant(
        "commits that were not synced are taken for damage",
        "log/scan.cpp",
        ("decode_batch(frame->body).synced > offset", "decode_batch(frame->body).bytes > 0"),
    ),
    mutant(
        "a torn tail is cut before what was read of it",
        "log/scan.cpp",
        ("        result_.end = static_cast<std::uint32_t>(next);\n", ""),
    ),
    mutant(
        "a torn tail is not cut",
        "log/log_open.cpp",
        (
            "        const auto wanted = std::min<std::uint64_t>(got, scan.end - offset);",
            "        const auto wanted = got;",
        ),
    ),
    mutant(
        "the rest of a torn commit is not made a commit",
        "log/log_open.cpp",
        (
            "if (scan.open_batch != 0 && scan.open_batch < scan.end) {",
            "if (scan.records == ~0ULL) {",
        ),
    ),
    mutant(
        "the newest segment is trusted as it is read",
        "log/log_open.cpp",
        (
            "    copy->sync();\n    disk.rename(unfinished, name);\n    disk.sync_directory();\n",
            "    disk.rename(unfinished, name);\n    disk.sync_directory();\n",
        ),
    ),
    # what the broker writes
    mutant(
        "leases are not written",
        "broker/service.cpp",
        ("    if (!now_is) return 0;\n", "    if (now_is) return 0;\n"),
    ),
    mutant(
        "a purge is not written",
        "broker/broker.cpp",
        (
            "    return impl_->journal.append("
            "record::QueuePurged{.queue = queue->id(), .at = now});",
            "    return impl_->journal.end();",
        ),
    ),
    mutant(
        "no image of a queue in a new segment",
        "broker/durable_journal.cpp",
        (
            "if (found->second.segment != segment) append_queue_image(queue, found->second);",
            "if (found->second.segment == 0) append_queue_image(queue, found->second);",
        ),
    ),
    # what it makes of it
    mutant(
        "de-duplication ids are not restored",
        "broker/queue_replay.cpp",
        ("    if (!fifo() || id.empty()) return;\n", "    if (!fifo() || !id.empty()) return;\n"),
    ),
    mutant(
        "the last number is not restored",
        "broker/queue_replay.cpp",
        (
            "    queue_.last_sequence = std::max(queue_.last_sequence, image.last_sequence);\n",
            "",
        ),
    ),
    mutant(
        "an image forgets how often its message was received",
        "broker/queue_replay.cpp",
        (
            "    message = std::move(stored);\n",
            "    message = std::move(stored);\n    message.delivery.receive_count /= 2;\n",
        ),
    ),
    mutant(
        "a moved message stays where it was, too",
        "broker/queue_replay.cpp",
        ("    erase(moved.from_slot, moved.from_sequence);\n", "    (void)moved;\n"),
    ),
    mutant(
        "a longer retention brings back what had expired",
        "broker/queue_replay.cpp",
        (
            "    if (other_times) expire(change.at);\n    queue_.settings",
            "    queue_.settings",
        ),
    ),
    # what compaction keeps
    mutant(
        "compaction forgets ids whose message is gone",
        "broker/keeper.cpp",
        ("    if (!entry.key.empty()) keep_deduplication(state, std::move(entry));\n", ""),
    ),
    mutant(
        "compaction forgets ids that were kept before",
        "broker/keeper.cpp",
        ("        keep_deduplication(queue->state(), std::move(decoded_.deduplication));\n", ""),
    ),
    mutant(
        "compaction forgets queues in which nothing happens",
        "broker/keeper.cpp",
        ("        journal_.renew_queue_image(image->queue, going);\n", ""),
    ),
    mutant(
        "compaction forgets running move tasks",
        "broker/keeper.cpp",
        ("task.position <= at) impl.log_task(task);", "task.position < at) impl.log_task(task);"),
    ),
    mutant(
        "compaction forgets where it put a body that is only in the log",
        "broker/keeper.cpp",
        (
            "    if (elsewhere) state.engine.move_bytes(key.slot, key.sequence, position);\n",
            "    (void)position;\n",
        ),
    ),
    mutant(
        "compaction goes round for ever over ids",
        "broker/keeper.cpp",
        ("        if (ids <= messages) continue;\n", "        if (ids < ~0UL) continue;\n"),
    ),
    # jobs
    mutant(
        "a settlement does not wait",
        "broker/job_messages.cpp",
        (
            "    return note_deleted(state, receipt.slot, receipt.sequence);\n",
            "    note_deleted(state, receipt.slot, receipt.sequence);\n    return 0;\n",
        ),
    ),
    mutant(
        "who gives up a cancelled delivery does not wait for its end",
        "broker/job_messages.cpp",
        (
            "        result.position = std::max(result.position, "
            "impl_->note_ended(state, aftermath));\n",
            "        impl_->note_ended(state, aftermath);\n",
        ),
    ),
    mutant(
        "a cancellation does not wait",
        "broker/job_messages.cpp",
        (
            "            outcome.position = impl_->note_deleted(state,",
            "            impl_->note_deleted(state,",
        ),
    ),
    mutant(
        "a request to cancel is forgotten in a crash",
        "broker/record_parts.cpp",
        ("bit_if(state.cancel_requested, cancel", "bit_if(false, cancel"),
    ),
    mutant(
        "a longer lease is not written",
        "broker/job_messages.cpp",
        (
            "            if (extended) result.position = impl_->note_lease(state, receipt);\n",
            "            if (extended) result.position = impl_->journal.end();\n",
        ),
    ),
    mutant(
        "a promoted message is delayed again after a crash",
        "broker/job_messages.cpp",
        (
            "            position =\n                impl_->note_lease(state, "
            "{.slot = message->slot, .sequence = message->sequence});\n",
            "            position = impl_->journal.end();\n",
        ),
    ),
    mutant(
        "notes are not restored",
        "broker/queue_replay.cpp",
        (
            "    if (Stored* message = find(noted.slot, noted.sequence)) "
            "message->note = noted.note;\n",
            "    (void)noted;\n",
        ),
    ),
    mutant(
        "of two copies of a message the newer one is not kept either",
        "broker/keeper.cpp",
        ("    if (at < newest->second) return true;\n", "    return true;\n"),
    ),
    mutant(
        "an image has no note",
        "broker/keeper.cpp",
        (
            "    const std::string_view id = message.payload.deduplication_id();\n",
            "    message.note.clear();\n"
            "    const std::string_view id = message.payload.deduplication_id();\n",
        ),
    ),
    mutant(
        "a note stays behind when its message moves",
        "broker/queue_replay.cpp",
        ("    message.note = std::move(transfer.note);\n", ""),
    ),
    mutant(
        "a moved message has no traits after a crash",
        "broker/queue_replay.cpp",
        ("    message.traits = std::move(transfer.traits);\n", ""),
    ),
    mutant(
        "half a batch is there after a crash",
        "broker/queue_replay.cpp",
        ("    if (!batch.member) {\n", "    if (batch.left + 1 > 0) {\n"),
    ),
    mutant(
        "half a batch comes back with the second crash",
        "broker/store.cpp",
        ("        drop_open_batches(restored);\n", ""),
    ),
    mutant(
        "a batch goes on without those that are refused",
        "broker/sends.cpp",
        (
            "        if (auto fits = count.add(request); !fits) return fits;\n",
            "        (void)count.add(request);\n",
        ),
        (
            "        if (!accepted) throw std::logic_error("
            "\"part of a batch: \" + accepted.error().message());\n",
            "        if (!accepted) { sent.push_back({.duplicate = true}); continue; }\n",
        ),
    ),
    mutant(
        "whose place was taken is there again after a crash",
        "broker/queue_replay.cpp",
        ("        erase(begun.replaced->slot, begun.replaced->sequence);\n", ""),
    ),
    mutant(
        "a message that took a place forgets the first send",
        "broker/record_parts.cpp",
        (
            "message.unique_since = unique ? in.time() :",
            "if (unique) in.time(); message.unique_since =",
        ),
    ),
    mutant(
        "throttles are not restored",
        "broker/queue_replay.cpp",
        ("    remember_throttle(message);\n", ""),
    ),
    mutant(
        "compaction forgets the throttles of messages that are there",
        "broker/keeper.cpp",
        (
            "    if (type != record_type<record::MessageSent>) return;\n",
            "    if (type != 0) return;\n",
        ),
    ),
    mutant(
        "compaction forgets the throttles of messages that are gone",
        "broker/keeper.cpp",
        (
            "        if (sent->traits != nullptr) {\n",
            "        if (sent->traits == &decoded_.traits + 1) {\n",
        ),
    ),
    mutant(
        "a paused queue goes on after a crash",
        "broker/record_parts.cpp",
        ("    policy.paused = in.flag();\n", "    in.flag();\n"),
    ),
    mutant(
        "a restart forgets who was held back",
        "engine/queue_restore.cpp",
        ("if (yields && !waits) yielding", "if (yields && !waits && now < Instant{}) yielding"),
    ),
    # limits
    leak(
        "a group does not know what it had in flight before a restart",
        "engine/queue_restore.cpp",
        ("    join_flight(slot);\n", "    ++counters_.in_flight;\n"),
    ),
    leak(
        "a lease that ended while nobody was there keeps its slot",
        "engine/queue_restore.cpp",
        (
            "        message.state = State::visible;\n",
            "        message.state = State::visible;\n"
            "        if (state.state == DeliveryState::State::in_flight) ++counters_.in_flight;\n",
        ),
    ),
]


def plant(one, folder):
    """Writes the changed sources into the folder."""
    texts = {file: (SRC / file).read_text() for file, _, _ in one.edits}
    for file, find, replace in one.edits:
        if texts[file].count(find) != 1:
            sys.exit(
                f"mutation '{one.name}': its text is {texts[file].count(find)} times in "
                f"src/{file}, not once:\n{find}"
            )
        texts[file] = texts[file].replace(find, replace)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = []
    for file, text in texts.items():
        sources.append(folder / Path(file).name)
        sources[-1].write_text(text)
    return sources


class Builder:
    def __init__(self, options, flags, libraries):
        self.compile_command = [options.compiler, "-std=c++23", *flags]
        self.compile_command += [f"-I{SRC}", f"-I{ROOT}/include"]
        if shutil.which("ccache"):
            self.compile_command.insert(0, "ccache")
        # Not mold, which takes members out of an archive although nothing needs them any more.
        self.link_command = [options.compiler]
        self.archives = [str(path) for path in [*options.parts, *options.rooms]]
        self.libraries = libraries
        self.build = options.build

    def build_mutant(self, one):
        folder = self.build / re.sub(r"\W+", "_", one.name)
        targets = []
        for source in plant(one, folder):
            targets.append(str(source.with_suffix(".o")))
            subprocess.run(
                [*self.compile_command, "-c", str(source), "-o", targets[-1]],
                check=True,
            )
        # Changed objects come first, so their libraries have nothing left to add.
        program = folder / "mutant"
        subprocess.run(
            [*self.link_command, *targets, *self.archives, *self.libraries, "-o", str(program)],
            check=True,
        )
        return program


def violation(output):
    """What the simulation found."""
    found = re.search(r"seed (\d+).*?: (\w+): (.*)", output)
    if found is None:
        return None
    seed, invariant, text = found.groups()
    return f"seed {seed:>4}  {invariant}: {text[:90]}"


def judge(one, program, find=violation):
    """What the program said, and whether it found anything."""
    command = [str(program), *one.arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=RUN_SECONDS_MAX, check=False, text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return "hangs", True
    if said := find(done.stdout):
        return said, True
    if done.returncode < 0:
        return f"crashes: {done.stdout.strip()}", True
    return "SURVIVES", False


def main(mutants, find, flags, libraries, sound=()):
    """`find` reads what a mutant printed; every one of them has to be found. In the `sound` ones
    nothing is planted, so that nothing may be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="what tests them")
    parser.add_argument("--rooms", type=Path, nargs="+", required=True, help="libraries, top first")
    parser.add_argument("--build", type=Path, required=True, help="where the mutants are built")
    parser.add_argument("--only", default="", help="mutants whose name matches this")
    options = parser.parse_args()

    builder = Builder(options, flags, libraries)
    chosen = list(sound) + [one for one in mutants if re.search(options.only, one.name)]
    with open(BUILD_LOCK, "a") as lock, ThreadPoolExecutor(JOBS) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        programs = list(pool.map(builder.build_mutant, chosen))

    with ThreadPoolExecutor(JOBS) as pool:
        verdicts = list(pool.map(judge, chosen, programs, [find] * len(chosen)))
    missed = 0
    for one, (verdict, found) in zip(chosen, verdicts):
        missed += found != bool(one.edits)
        print(f"{one.name:<54} {verdict}")
    print(f"{len(chosen) - missed} of {len(chosen)} as they should be")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(MUTANTS, violation, ["-O1"], LIBRARIES))

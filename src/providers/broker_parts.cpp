#include "providers/broker_parts.hpp"

#include "base/log_text.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <array>

namespace tranter::providers {
namespace {

constexpr std::size_t shown_receipt_bytes_max = 64;

/// Attempts that failed are counted when they are settled: some of them end the job.
void count_ended(JobQueue& queue, const FinishedJobs& ended) {
    std::array<std::uint64_t, history::all_states.size()> counts{};
    for (std::size_t i = 0; i < ended.entries(); ++i)
        ++counts[static_cast<std::size_t>(ended.job(i).state)];
    const auto add = [&counts](std::atomic<std::uint64_t>& figure, history::State state) {
        const std::uint64_t count = counts[static_cast<std::size_t>(state)];
        if (count > 0) figure.fetch_add(count, std::memory_order_relaxed);
    };
    add(queue.completed, history::State::completed);
    add(queue.dead, history::State::dead);
    add(queue.cancelled, history::State::cancelled);
}

void count_by_type(JobQueue& queue, const FinishedJobs& ended) {
    JobTypeTable::Access types(queue.types);
    for (std::size_t i = 0; i < ended.entries(); ++i) {
        const FinishedJob job = ended.job(i);
        const engine::Payload& payload = job.payload;
        if (!payload.has_bytes()) continue;  // the disk failed
        JobTypeCounts& counts = types.of(type_of(payload, ended.settings()));
        switch (job.state) {
            case history::State::completed:
                ++counts.completed;
                break;
            case history::State::cancelled:
                ++counts.cancelled;
                break;
            case history::State::dead:
                ++counts.dead;
                ++counts.failed;
                break;
            case history::State::failed:
                ++counts.failed;
                break;
        }
    }
}

JobEvent event_of(
    const FinishedJob& job, const JobQueue& queue, const broker::QueueSettings& settings
) {
    return {
        .at = to_time_point(job.at),
        .id = format_uuid(job.payload.id()),
        .queue = queue.handle->name(),
        .type = read_shape(job.payload, job.group, settings).type,
        .state = state_of(job.state),
        .attempt = job.receive_count};
}

void add_ended_by_itself(
    BrokerParts& parts,
    const broker::Broker::Ending& ending,
    std::string_view worker,
    FinishedJobs& ended
) {
    using Why = broker::Broker::Ending::Why;
    const engine::MessageView& message = ending.message;
    const bool exhausted = ending.why == Why::exhausted;
    FinishedJob job = finished_job(
        message, exhausted ? history::State::dead : history::State::cancelled, parts.broker.now()
    );
    job.worker = worker;
    job.notes = parts.running.take(message.payload.id());
    if (!exhausted) {
        job.reason = ending.why == Why::expired ? "expired" : "cancelled";
        return ended.add(job);
    }
    jobs::JobNote note = jobs::parse_note(message.note);
    note.add_lost_leases(message.receive_count + 1, to_time_point(job.at));
    const std::string note_text = jobs::format_note(note);
    job.note = note_text;
    std::uint32_t attempts = message.max_receives;
    if (attempts == 0) attempts = ended.settings().engine.max_receives;
    const std::string reason =
        fmt::format("attempt {} of {} failed: its lease ended", message.receive_count, attempts);
    job.reason = reason;
    ended.add(job);
}

}  // namespace

std::uint64_t next_random(BrokerParts& parts) {
    // SplitMix64 (Steele, Lea, Flood 2014): one atomic addition, and no two callers get the same.
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
    std::uint64_t bits = parts.random.fetch_add(golden, std::memory_order_relaxed) + golden;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
    return bits ^ bits >> 31;
}

Result<> check_open(const BrokerParts& parts) {
    if (!parts.closed.load(std::memory_order_relaxed)) return {};
    return fail(Errc::unavailable, "the store of jobs is closed");
}

Result<engine::Receipt> read_receipt(
    const BrokerParts& parts, const JobQueue& queue, std::string_view receipt
) {
    const auto decoded = parts.broker.receipts().decode(receipt);
    if (decoded && decoded->queue == queue.handle->id()) return decoded->receipt;
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "receipt \"{}\" is none that queue {} gave",
            one_line(receipt.substr(0, shown_receipt_bytes_max)),
            queue.handle->name()
        )
    );
}

Error not_durable(const BrokerParts& parts) {
    return {
        Errc::unavailable, "the change could not be stored: " + parts.broker.journal().trouble()};
}

std::shared_ptr<FinishedJobs> finished_in(const JobQueue& queue) {
    return std::make_shared<FinishedJobs>(queue.handle->name(), queue.handle->settings());
}

void tell_ended(
    BrokerParts& parts, JobQueue& queue, const std::shared_ptr<const FinishedJobs>& ended
) {
    if (!ended || ended->empty()) return;
    count_ended(queue, *ended);
    count_by_type(queue, *ended);
    if (parts.history != nullptr) parts.history->add(ended);
    const broker::QueueSettings& settings = ended->settings();
    const bool told = parts.events.has_listeners();
    std::vector<JobEvent> events;
    for (std::size_t i = 0; i < ended->entries(); ++i) {
        const FinishedJob job = ended->job(i);
        if (!job.payload.has_bytes()) continue;  // the disk failed
        if (told) events.push_back(event_of(job, queue, settings));
        if (job.state == history::State::failed) continue;
        const Uuid& id = job.payload.id();
        if (!parts.waits.has(id)) continue;
        parts.waits.finished(id, record_of(entry_of(job, queue.handle->name(), settings)));
    }
    if (!events.empty()) parts.events.publish(std::move(events));
}

void look_for_endings(BrokerParts& parts) {
    // Taking back nothing changes nothing, but lets the time of a queue pass.
    for (const broker::QueueHandle& queue : parts.queues.all())
        parts.broker.take_back(queue, {});
}

void tell_endings(
    BrokerParts& parts,
    const broker::QueueHandle& queue,
    std::vector<broker::Broker::Ending> endings
) {
    const JobQueuePtr jobs_of = parts.queues.of(queue);
    const auto ended = finished_in(*jobs_of);
    ended->reserve(endings.size());
    for (const broker::Broker::Ending& ending : endings) {
        const engine::MessageView& message = ending.message;
        // What is dead stays so in the history, also when its deadline passes.
        if (message.source_queue != 0) continue;
        const WorkerTable::Access workers(jobs_of->workers);
        add_ended_by_itself(parts, ending, workers.name_of(message.slot, message.sequence), *ended);
    }
    tell_ended(parts, *jobs_of, ended);
}

}  // namespace tranter::providers

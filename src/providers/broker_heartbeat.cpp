#include "jobs/call_checks.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

/// What a worker says about jobs while they run.
namespace tranter::providers {
namespace {

struct HeldJob {
    JobQueuePtr queue{};
    engine::Receipt receipt{};
    engine::MessageView message{};
};

Result<HeldJob> find_held(
    BrokerParts& parts, std::string_view queue_name, std::string_view receipt_text
) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    auto queue = parts.queues.get(queue_name);
    if (!queue) return std::unexpected(queue.error());
    const auto receipt = read_receipt(parts, **queue, receipt_text);
    if (!receipt) return std::unexpected(receipt.error());
    const std::array receipts{*receipt};
    auto held = parts.broker.held((*queue)->handle, receipts);
    if (!held.front()) return std::unexpected(held.front().error());
    return HeldJob{
        .queue = std::move(*queue), .receipt = *receipt, .message = std::move(*held.front())};
}

/// Whoever renews leases is alive.
void hear_workers(
    BrokerParts& parts,
    JobQueue& queue,
    std::span<const engine::Receipt> receipts,
    const std::vector<Result<bool>>& extended
) {
    std::vector<std::string> names;
    {
        const WorkerTable::Access workers(queue.workers);
        for (std::size_t k = 0; k < extended.size(); ++k) {
            if (!extended[k]) continue;
            const std::string& name = workers.name_of(receipts[k].slot, receipts[k].sequence);
            if (!name.empty() && (names.empty() || names.back() != name)) names.push_back(name);
        }
    }
    for (const std::string& name : names)
        parts.workers.heard(name, parts.broker.now());
}

/// `then(bool)` like when_durable(), for what need only survive the end of this process.
template <class Then>
void when_written(broker::Broker& broker, broker::Position position, Then then) {
    if (broker.journal().is_written(position)) return then(true);
    broker.journal().when_written(position, std::move(then));
}

}  // namespace

void extend_leases(
    BrokerParts& parts,
    std::string_view queue_name,
    std::span<const std::string> receipts,
    Milliseconds lease,
    Done<std::vector<Result<Extended>>> done
) {
    if (auto open = check_open(parts); !open) return done(std::unexpected(open.error()));
    if (auto good = jobs::check_lease(lease); !good) return done(std::unexpected(good.error()));
    const auto queue = parts.queues.get(queue_name);
    if (!queue) return done(std::unexpected(queue.error()));
    std::vector<Result<Extended>> results(receipts.size(), Extended{});
    std::vector<engine::Receipt> read;
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        if (const auto receipt = read_receipt(parts, **queue, receipts[i])) {
            read.push_back(*receipt);
            index.push_back(i);
        } else {
            results[i] = std::unexpected(receipt.error());
        }
    }
    const TimePoint until = to_time_point(parts.broker.now() + lease);
    const auto extended = parts.broker.extend((*queue)->handle, read, lease);
    hear_workers(parts, **queue, read, extended.cancel_requested);
    for (std::size_t k = 0; k < index.size(); ++k) {
        const Result<bool>& asked = extended.cancel_requested[k];
        if (asked) {
            results[index[k]] = Extended{.lease_until = until, .cancel_requested = *asked};
        } else {
            results[index[k]] = std::unexpected(asked.error());
        }
    }
    when_written(
        parts.broker,
        extended.position,
        [&parts, results = std::move(results), done = std::move(done)](bool written) mutable {
            if (!written) return done(std::unexpected(not_durable(parts)));
            done(std::move(results));
        }
    );
}

Result<> set_job_progress(
    BrokerParts& parts, std::string_view queue, std::string_view receipt, std::string_view json
) {
    if (auto good = jobs::check_progress(json); !good) return good;
    const auto held = find_held(parts, queue, receipt);
    if (!held) return std::unexpected(held.error());
    parts.running.set_progress(held->message.payload.id(), json);
    return {};
}

Result<> append_job_log(
    BrokerParts& parts,
    std::string_view queue,
    std::string_view receipt,
    std::span<const std::string> lines
) {
    if (auto good = jobs::check_log_lines(lines.size()); !good) return good;
    const auto held = find_held(parts, queue, receipt);
    if (!held) return std::unexpected(held.error());
    parts.running.append_log(held->message.payload.id(), lines);
    return {};
}

void save_job_step(
    BrokerParts& parts,
    std::string_view queue,
    std::string_view receipt,
    const Step& step,
    Done<bool> done
) {
    const auto refuse = [&done](Error error) {
        done(std::unexpected(std::move(error)));
    };
    if (auto good = jobs::check_step(step); !good) return refuse(good.error());
    const auto held = find_held(parts, queue, receipt);
    if (!held) return refuse(held.error());
    jobs::JobNote note = jobs::parse_note(held->message.note);
    note.put(step);
    if (auto good = jobs::check_step_bytes(step, note.step_bytes()); !good) {
        return refuse(good.error());
    }
    std::string text = jobs::format_note(note);
    if (text.empty()) return refuse({Errc::invalid_argument, "name of a step is not UTF-8"});
    const auto kept = parts.broker.set_note(held->queue->handle, held->receipt, std::move(text));
    if (!kept) return refuse(kept.error());
    when_durable(parts.broker, *kept, [&parts, done = std::move(done)](bool durable) mutable {
        if (!durable) return done(std::unexpected(not_durable(parts)));
        done(true);
    });
}

}  // namespace tranter::providers

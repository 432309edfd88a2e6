#include "providers/broker_calls.hpp"

#include <fmt/format.h>

#include <mutex>

/// Forgetting what is finished.
namespace tranter::providers {
namespace {

std::unexpected<Error> not_finished(std::string_view id, std::string_view why) {
    return fail(Errc::conflict, fmt::format("job {} is not finished, {}", id, why));
}

}  // namespace

Result<broker::Position> take_out_finished(BrokerParts& parts, std::string_view id) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    // So that nobody who retries it at the same time is told that it lives again.
    const std::lock_guard lock(parts.chosen_ids);
    if (parts.removing.contains(*uuid)) return no_such_job(id);
    const auto live = find_live(parts, *uuid);
    if (!live) {
        const auto entry = get_ended(parts, *uuid);
        if (!entry) return std::unexpected(entry.error());
        parts.removing.insert(*uuid);
        return parts.broker.journal().end();
    }
    if (live->dead_from.empty()) return not_finished(id, "it can be cancelled");
    if (live->message.state == engine::MessageView::State::in_flight) {
        return not_finished(id, "somebody has received it from its dead-letter queue");
    }
    const auto cancelled = parts.broker.cancel(live->queue, *uuid);
    if (!cancelled.done) return std::unexpected(cancelled.done.error());
    // Received just now: it ends with its lease.
    if (*cancelled.done == engine::CancelResult::requested) {
        return not_finished(id, "somebody has received it from its dead-letter queue");
    }
    parts.removing.insert(*uuid);
    return cancelled.position;
}

Result<> forget_finished(BrokerParts& parts, std::string_view id) {
    const auto uuid = read_job_id(id);
    if (!uuid) return std::unexpected(uuid.error());
    if (parts.history == nullptr) return {};
    return parts.history->remove(format_uuid(*uuid));
}

void end_removal(BrokerParts& parts, std::string_view id) {
    const auto uuid = read_job_id(id);
    if (!uuid) return;
    const std::lock_guard lock(parts.chosen_ids);
    parts.removing.erase(*uuid);
}

}  // namespace tranter::providers

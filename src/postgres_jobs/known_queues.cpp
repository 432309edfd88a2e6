#include "postgres_jobs/known_queues.hpp"

#include "jobs/queue_name.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr std::chrono::milliseconds pass_interval(200);

constexpr postgres::Statement look_up_queue("SELECT id FROM tranter.queues WHERE name = $1");
constexpr postgres::Statement make_queue("SELECT tranter.queue_of($1)");

Result<KnownQueue*> known_by(
    Store& store, std::string_view name, const postgres::Statement& statement
) {
    if (KnownQueue* known = store.queues.find(name)) return known;
    if (auto good = jobs::check_queue_name(name); !good) return std::unexpected(good.error());
    const std::array<postgres::Parameter, 1> parameters = {std::string(name)};
    auto id = store.pool.read([&](postgres::Connection& connection) -> Result<std::int32_t> {
        const postgres::Rows rows = connection.execute(statement, parameters);
        if (rows.empty()) {
            return fail(Errc::not_found, fmt::format("queue {} does not exist", name));
        }
        return static_cast<std::int32_t>(rows.integer(0, 0));
    });
    if (!id) return std::unexpected(std::move(id.error()));
    return store.queues.add(name, *id);
}

}  // namespace

bool KnownQueue::is_time_to_pass(Clock::time_point now) {
    Clock::rep next = passes_next_.load(std::memory_order_relaxed);
    const Clock::rep ticks = now.time_since_epoch().count();
    if (ticks < next) return false;
    const Clock::rep later = (now + pass_interval).time_since_epoch().count();
    return passes_next_.compare_exchange_strong(next, later, std::memory_order_relaxed);
}

KnownQueue* KnownQueues::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(name);
    return found == queues_.end() ? nullptr : found->second.get();
}

KnownQueue* KnownQueues::add(std::string_view name, std::int32_t id) {
    const std::lock_guard lock(mutex_);
    auto& known = queues_[std::string(name)];
    if (!known) known = std::make_unique<KnownQueue>(id);
    return known.get();
}

Result<KnownQueue*> find_queue(Store& store, std::string_view name) {
    return known_by(store, name, look_up_queue);
}

Result<KnownQueue*> find_or_make_queue(Store& store, std::string_view name) {
    return known_by(store, name, make_queue);
}

}  // namespace tranter::postgres_jobs

#include "postgres_jobs/events.hpp"

#include "base/log.hpp"
#include "jobs/wire_json.hpp"

#include <algorithm>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

// As long as three ticks, so that one may be late.
constexpr postgres::Statement ask_for_events(
    "INSERT INTO tranter.job_settings(name, value) "
    "VALUES('observed_until', (clock_timestamp() + interval '60 s')::text) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
);

constexpr std::chrono::seconds listening_patience(30);

}  // namespace

EventHub::EventHub(postgres::Pool& pool, const postgres::Target& target)
    : pool_(pool), notifications_(target) {
    notifications_.set_handler(
        Channel::events,
        {.heard = [this](std::string_view payload) { hear(payload); },
         .listens =
             [this] {
                 if (std::exchange(has_listened_, true)) hub_.miss();
             },
         .tick =
             [this] {
                 renew();
             }}
    );
}

Result<std::shared_ptr<void>> EventHub::subscribe(Provider::Listener listener) {
    notifications_.use(Channel::events);
    if (auto asked = ask(); !asked) return std::unexpected(asked.error());
    if (notifications_.wait_for_session(Channel::events, listening_patience) == 0) {
        if (!notifications_.is_deaf())
            return fail(Errc::unavailable, "the database cannot be heard");
        return fail(
            Errc::unsupported,
            "postgres: has no events through a pooler that gives each transaction another session; "
            "connect to the database itself"
        );
    }
    auto subscription = hub_.subscribe(std::move(listener));
    const std::lock_guard lock(mutex_);
    subscriptions_.push_back(subscription);
    return subscription;
}

Result<> EventHub::ask() {
    return pool_.read([](postgres::Connection& connection) -> Result<> {
        connection.execute(ask_for_events);
        return {};
    });
}

void EventHub::renew() {
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(subscriptions_, [](const auto& each) { return each.expired(); });
        if (subscriptions_.empty()) return;
    }
    if (const auto asked = ask(); !asked) {
        log_warn("postgres", "events may be missed", {{"error", asked.error().message()}});
    }
}

void EventHub::hear(std::string_view payload) {
    std::vector<JobEvent> events;
    while (!payload.empty()) {
        const std::string_view line = payload.substr(0, payload.find('\n'));
        payload.remove_prefix(std::min(line.size() + 1, payload.size()));
        if (auto event = jobs::read_job_event(line)) events.push_back(*std::move(event));
    }
    hub_.publish(std::move(events));
}

}  // namespace tranter::postgres_jobs

#include "providers/later_provider.hpp"

#include "base/uuid.hpp"
#include "history/matcher.hpp"
#include "history/query.hpp"
#include "history/record_match.hpp"
#include "jobs/job_of_request.hpp"
#include "providers/later_jobs.hpp"
#include "schedule/later.hpp"
#include "schedule/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tranter::providers {

namespace {

constexpr std::size_t later_page = 500;
/// Looked at in one call, so that a filter that nothing matches does not take for ever.
constexpr std::size_t later_looked_at_max = 10'000;
/// In front of cursors: the place of the last job of the page, or one of the store behind.
constexpr std::string_view later_cursor = "later:";
constexpr std::string_view inner_cursor = "inner:";

TimePoint later_now() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

bool wants_scheduled(const history::JobQuery& query) {
    if (query.filter.finished_from || query.filter.finished_before) return false;
    if (query.filter.states.empty() && query.open_states.empty()) return true;
    return std::ranges::find(query.open_states, history::OpenState::scheduled) !=
           query.open_states.end();
}

bool wants_others(const history::JobQuery& query) {
    constexpr std::array only_scheduled = {history::OpenState::scheduled};
    return !query.filter.states.empty() || !std::ranges::equal(query.open_states, only_scheduled);
}

class LaterProvider final : public Provider {
  public:
    LaterProvider(std::shared_ptr<Provider> jobs, std::shared_ptr<schedule::ScheduleStore> store)
        : jobs_(std::move(jobs)), store_(std::move(store)), can_(jobs_->capabilities()) {
        can_.delay_max = {};
        can_.fifo_delays = true;
    }

    std::string_view name() const override { return jobs_->name(); }
    const Capabilities& capabilities() const override { return can_; }

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> jobs)
        override {
        const TimePoint now = later_now();
        const auto sorted = sort_out(queue, jobs, now);
        if (!sorted) return std::unexpected(sorted.error());
        if (sorted->now.size() == jobs.size()) return jobs_->enqueue(queue, jobs);
        std::vector<ScheduledJob> kept;
        for (const std::size_t place : sorted->late) {
            auto job = job_to_keep(*jobs_, queue, jobs[place], now);
            if (!job) return std::unexpected(about_one(place, jobs.size(), job.error()));
            kept.push_back(std::move(*job));
        }
        auto answers = enqueue_now(queue, jobs, sorted->now);
        if (!answers) return answers;
        for (const std::size_t place : sorted->known) {
            const std::string id = jobs::normal_id(jobs[place].id);
            (*answers)[place] = {.id = id, .duplicate_of = id};
        }
        const auto added = add(kept);
        if (!added) return std::unexpected(added.error());
        for (std::size_t i = 0; i < kept.size(); ++i)
            (*answers)[sorted->late[i]] = (*added)[i];
        return answers;
    }
    /// Those of one call that are for now are one call of the store behind.
    std::vector<Result<Enqueued>> enqueue_each(std::string_view queue, std::span<const NewJob> jobs)
        override {
        const TimePoint now = later_now();
        const auto sorted = sort_out(queue, jobs, now);
        if (!sorted) return {jobs.size(), Result<Enqueued>(std::unexpected(sorted.error()))};
        if (sorted->now.size() == jobs.size()) return jobs_->enqueue_each(queue, jobs);
        std::vector<Result<Enqueued>> answers;
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            auto one = enqueue(queue, jobs.subspan(i, 1));
            answers.push_back(
                one ? Result<Enqueued>(std::move(one->front())) : std::unexpected(one.error())
            );
        }
        return answers;
    }

    Result<std::vector<ReceivedJob>> receive(const ReceiveRequest& request) override {
        return jobs_->receive(request);
    }
    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override {
        return jobs_->settle(queue, settlements);
    }
    Result<std::vector<Result<Extended>>> extend(
        std::string_view queue, std::span<const std::string> receipts, Milliseconds lease
    ) override {
        return jobs_->extend(queue, receipts, lease);
    }
    Result<> set_progress(std::string_view queue, std::string_view receipt, std::string_view json)
        override {
        return jobs_->set_progress(queue, receipt, json);
    }
    Result<> append_log(
        std::string_view queue, std::string_view receipt, std::span<const std::string> lines
    ) override {
        return jobs_->append_log(queue, receipt, lines);
    }
    Result<> save_step(std::string_view queue, std::string_view receipt, const Step& step)
        override {
        return jobs_->save_step(queue, receipt, step);
    }

    Result<JobRecord> find(std::string_view id) override {
        const auto job = kept_job(id);
        if (!job) return std::unexpected(job.error());
        if (*job && (*job)->state != ScheduledState::enqueued) return record_of_later(**job);
        return jobs_->find(id);
    }
    Result<LogPage> log_of(std::string_view id) override { return jobs_->log_of(id); }
    Result<JobPage> list(const ListRequest& request) override {
        if (!request.dead_letter_queue.empty()) return jobs_->list(request);
        if (request.cursor.starts_with(inner_cursor)) {
            return list_others(request, request.cursor.substr(inner_cursor.size()));
        }
        auto query =
            history::parse_job_query(request.filter, Instant(later_now().time_since_epoch()));
        if (!query) return std::unexpected(query.error());
        if (!wants_scheduled(*query)) return list_others(request, request.cursor);
        const bool others = wants_others(*query);
        if (others && !can_.list) {
            return fail(
                Errc::unsupported,
                fmt::format(
                    "the {}: store cannot list its jobs; those that wait in the store of schedules "
                    "are listed by state:scheduled",
                    name()
                )
            );
        }
        return list_kept(request, *query, others);
    }
    Result<Cancelled> cancel(std::string_view id) override {
        const auto gone = store_->cancel_job(jobs::normal_id(id), later_now());
        if (gone) return Cancelled::removed;
        if (is_elsewhere(id, gone.error())) return jobs_->cancel(id);
        return std::unexpected(gone.error());
    }
    Result<> retry(std::string_view id) override { return jobs_->retry(id); }
    Result<> promote(std::string_view id) override {
        const TimePoint now = later_now();
        auto moved = store_->reschedule_job(jobs::normal_id(id), now, now);
        if (moved || !is_elsewhere(id, moved.error())) return moved;
        return jobs_->promote(id);
    }
    Result<> remove(std::string_view id) override { return jobs_->remove(id); }
    Result<JobRecord> wait(std::string_view id, Milliseconds timeout) override {
        return jobs_->wait(id, timeout);
    }

    Result<std::vector<QueueStats>> queues() override { return jobs_->queues(); }
    Result<QueueStats> stats(std::string_view queue) override { return jobs_->stats(queue); }
    Result<std::vector<WorkerInfo>> workers() override { return jobs_->workers(); }
    Result<> set_paused(std::string_view queue, bool paused) override {
        return jobs_->set_paused(queue, paused);
    }
    Result<> set_limits(std::string_view queue, const QueueLimits& limits) override {
        return jobs_->set_limits(queue, limits);
    }
    Result<std::shared_ptr<void>> subscribe(Listener listener) override {
        return jobs_->subscribe(std::move(listener));
    }
    std::optional<ConnectionMetrics> connections() const override { return jobs_->connections(); }
    void close() override { jobs_->close(); }

  private:
    bool is_too_late(std::string_view queue, const NewJob& job, TimePoint now) const {
        const Capabilities& can = jobs_->capabilities();
        const bool fixed = !can.fifo_delays && queue.ends_with(".fifo");
        if (!fixed && can.delay_max.count() == 0) return false;
        const Milliseconds most = fixed ? Milliseconds::zero() : can.delay_max;
        return job.run_at ? *job.run_at > now + most : job.delay > most;
    }

    /// Places of jobs in a call.
    struct Sorted {
        std::vector<std::size_t> late{};   // they will wait in the store of schedules
        std::vector<std::size_t> known{};  // they wait there already, or will by this very call
        std::vector<std::size_t> now{};    // all others
    };

    Result<Sorted> sort_out(std::string_view queue, std::span<const NewJob> jobs, TimePoint now)
        const {
        Sorted sorted;
        std::vector<std::string> ids;  // of those that may be known
        std::vector<std::size_t> places;
        std::set<std::string> late_ids;
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const bool has_id = parse_uuid(jobs[i].id).has_value();
            if (is_too_late(queue, jobs[i], now)) {
                sorted.late.push_back(i);
                if (has_id) late_ids.insert(jobs::normal_id(jobs[i].id));
            } else if (has_id) {
                ids.push_back(jobs::normal_id(jobs[i].id));
                places.push_back(i);
            } else {
                sorted.now.push_back(i);
            }
        }
        const auto known = store_->known_jobs(ids);
        if (!known) return std::unexpected(known.error());
        for (std::size_t i = 0; i < places.size(); ++i) {
            const auto& job = (*known)[i];
            // What somebody holds is on its way here.
            const bool waits = job && job->state == ScheduledState::waiting && !job->held;
            (waits || late_ids.contains(ids[i]) ? sorted.known : sorted.now).push_back(places[i]);
        }
        std::ranges::sort(sorted.now);
        return sorted;
    }

    static Error about_one(std::size_t place, std::size_t count, const Error& error) {
        if (count == 1) return error;
        return {error.code(), fmt::format("jobs[{}]: {}", place, error.message())};
    }

    /// Answers for all, those of the others empty.
    Result<std::vector<Enqueued>> enqueue_now(
        std::string_view queue, std::span<const NewJob> jobs, std::span<const std::size_t> places
    ) {
        std::vector<Enqueued> answers(jobs.size());
        std::vector<NewJob> others;
        for (const std::size_t place : places)
            others.push_back(jobs[place]);
        if (others.empty()) return answers;
        auto enqueued = jobs_->enqueue(queue, others);
        if (!enqueued) return enqueued;
        for (std::size_t i = 0; i < places.size(); ++i)
            answers[places[i]] = std::move((*enqueued)[i]);
        return answers;
    }

    Result<std::vector<Enqueued>> add(std::span<const ScheduledJob> kept) {
        std::vector<Enqueued> answers;
        if (auto all = store_->add_jobs(kept); all) {
            for (const ScheduledJob& job : kept)
                answers.push_back({.id = job.id});
            return answers;
        } else if (all.error().code() != Errc::already_exists) {
            return std::unexpected(all.error());
        }
        for (const ScheduledJob& job : kept) {
            const auto one = store_->add_jobs(std::span(&job, 1));
            if (!one && one.error().code() != Errc::already_exists) {
                return std::unexpected(one.error());
            }
            answers.push_back({.id = job.id, .duplicate_of = one ? std::string() : job.id});
        }
        return answers;
    }

    /// Nothing when it is not known there.
    Result<std::optional<ScheduledJob>> kept_job(std::string_view id) {
        auto job = store_->find_job(jobs::normal_id(id));
        if (job) return std::move(*job);
        if (job.error().code() == Errc::not_found) return std::nullopt;
        return std::unexpected(job.error());
    }

    /// Whether it has never been in the store of schedules, or was handed over.
    bool is_elsewhere(std::string_view id, const Error& error) {
        if (error.code() == Errc::not_found) return true;
        if (error.code() != Errc::conflict) return false;
        const auto job = kept_job(id);
        return job && *job && (*job)->state == ScheduledState::enqueued;
    }

    Result<JobPage> list_others(const ListRequest& request, std::string cursor) {
        ListRequest others = request;
        others.cursor = std::move(cursor);
        auto page = jobs_->list(others);
        if (page && !page->next.empty()) page->next.insert(0, inner_cursor);
        return page;
    }

    /// By time; the jobs of the store itself follow on pages of their own.
    Result<JobPage> list_kept(
        const ListRequest& request, const history::JobQuery& query, bool others
    ) {
        const history::Matcher matcher(query.filter);
        std::string after = request.cursor;
        if (after.starts_with(later_cursor)) {
            after.erase(0, later_cursor.size());
        } else if (!after.empty()) {
            return fail(Errc::invalid_argument, "cursor is not one of a page before");
        }
        auto place = schedule::read_place(*store_, after);
        if (!place) return std::unexpected(place.error());
        JobPage page;
        for (std::size_t looked_at = 0; looked_at < later_looked_at_max;) {
            const std::size_t wanted = request.jobs_max - page.jobs.size();
            if (wanted == 0) break;
            // No more than is shown when all are, and then in growing steps.
            const std::size_t most = std::min(std::max(wanted, looked_at), later_page);
            const auto some = store_->list_jobs(*place, most);
            if (!some) return std::unexpected(some.error());
            for (const ScheduledJob& job : *some) {
                if (page.jobs.size() == request.jobs_max) break;
                *place = {.due = job.due, .id = job.id};
                after = schedule::place_text(job);
                ++looked_at;
                JobRecord record = record_of_later(job);
                if (!matcher.matches(history::comparable(record))) continue;
                page.jobs.push_back(std::move(record));
            }
            const bool all =
                some->size() < most && (some->empty() || some->back().id == (*place)->id);
            if (all) {
                if (others) page.next = inner_cursor;
                return page;
            }
        }
        page.next = std::string(later_cursor) + after;
        return page;
    }

    const std::shared_ptr<Provider> jobs_;
    const std::shared_ptr<schedule::ScheduleStore> store_;
    Capabilities can_;  // constant after construction
};

}  // namespace

std::shared_ptr<Provider> keep_later_jobs(
    std::shared_ptr<Provider> jobs, std::shared_ptr<schedule::ScheduleStore> store
) {
    return std::make_shared<LaterProvider>(std::move(jobs), std::move(store));
}

Result<std::shared_ptr<Provider>> keep_later_jobs(
    std::shared_ptr<Provider> jobs, std::string_view store_url
) {
    const Capabilities& can = jobs->capabilities();
    if (can.delay_max.count() == 0 && can.fifo_delays) return jobs;
    if (store_url.starts_with("memory:")) {
        return fail(
            Errc::invalid_argument,
            "schedule_store is memory:, where nobody would find the jobs: write file:/path or "
            "postgres://host/database"
        );
    }
    auto store = schedule::open_store(store_url);
    if (!store) return std::unexpected(store.error());
    return keep_later_jobs(std::move(jobs), std::move(*store));
}

}  // namespace tranter::providers

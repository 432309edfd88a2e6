#include "base/stop.hpp"
#include "jobs/job_of_request.hpp"
#include "schedule/explanation.hpp"
#include "schedule/later.hpp"
#include "schedule/registration.hpp"
#include "schedule/scheduler_loop.hpp"

#include <tranter/exception.hpp>
#include <tranter/scheduler.hpp>

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace tranter {

namespace {

constexpr std::size_t list_page = 500;
constexpr std::size_t preview_max = 10'000;

TimePoint scheduler_now() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

Result<> check_open_options(const EnqueueOptions& options) {
    if (options.delay.count() == 0 && !options.run_at) return {};
    return fail(
        Errc::invalid_argument, "delay and run_at must be empty: the time is said by the call"
    );
}

std::unexpected<Error> too_many(std::string_view what, std::size_t count, std::size_t limit) {
    return fail(Errc::invalid_argument, fmt::format("{} is {}, limit is {}", what, count, limit));
}

}  // namespace

class Scheduler::Impl {
  public:
    Impl(const Client& client, std::string_view url, SchedulerOptions options)
        : period_min_(options.period_min),
          provider_(client.provider()),
          store_(or_throw(schedule::open_store(url))),
          loop_(store_, provider_, std::move(options)) {}
    ~Impl() { stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    schedule::Registry registry() {
        return {.store = *store_, .zones = loop_.zones(), .period_min = period_min_};
    }
    schedule::ScheduleStore& store() { return *store_; }
    const std::shared_ptr<Provider>& provider() const { return provider_; }
    schedule::SchedulerLoop& loop() { return loop_; }

    /// What a change returned; the loop looks at it at once.
    template <class T>
    Result<T> changed(Result<T> result) {
        if (result) loop_.wake();
        return result;
    }

    void run(const std::stop_token& stop) {
        if (working_.exchange(true)) {
            throw Exception(Error(Errc::conflict, "the scheduler works already"));
        }
        try {
            loop_.run(stop);
        } catch (...) {
            working_ = false;
            throw;
        }
        working_ = false;
    }
    void start() {
        const std::lock_guard lock(mutex_);
        if (thread_.joinable() || working_) {
            throw Exception(Error(Errc::conflict, "the scheduler works already"));
        }
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    void stop() {
        const std::lock_guard lock(mutex_);
        if (!thread_.joinable()) return;
        thread_.request_stop();
        thread_.join();
    }

  private:
    std::chrono::milliseconds period_min_;
    std::shared_ptr<Provider> provider_;
    std::shared_ptr<schedule::ScheduleStore> store_;
    schedule::SchedulerLoop loop_;
    std::atomic<bool> working_ = false;
    std::mutex mutex_;
    std::jthread thread_;  // guarded by mutex_
};

Scheduler::Scheduler(const Client& client, std::string_view store, SchedulerOptions options)
    : impl_(std::make_unique<Impl>(client, store, std::move(options))) {}

Scheduler::~Scheduler() = default;

Result<std::string> Scheduler::schedule(JobRequest request, TimePoint at) {
    if (auto ok = check_open_options(request.options); !ok) return std::unexpected(ok.error());
    if (auto json = jobs::make_sure_it_is_json(request); !json) {
        return std::unexpected(json.error());
    }
    const std::string queue = jobs::take_queue(request);
    const auto job =
        schedule::job_for_later(queue, jobs::to_job(std::move(request)), at, scheduler_now());
    if (!job) return std::unexpected(job.error());
    auto added = impl_->store().add_jobs(std::span(&*job, 1));
    if (!added) return std::unexpected(std::move(added.error()));
    impl_->loop().wake();
    return job->id;
}

Result<Schedule> Scheduler::every(
    std::string_view name,
    std::string_view expression,
    JobRequest request,
    const ScheduleOptions& options
) {
    if (auto ok = check_open_options(request.options); !ok) return std::unexpected(ok.error());
    if (!request.options.id.empty()) {
        return fail(Errc::invalid_argument, "id is set, but each job of a schedule has its own");
    }
    if (auto json = jobs::make_sure_it_is_json(request); !json) {
        return std::unexpected(json.error());
    }
    std::string queue = jobs::take_queue(request);
    NewJob job = jobs::to_job(std::move(request));
    const ScheduleDefinition definition{
        .name = std::string(name),
        .expression = std::string(expression),
        .timezone = options.timezone,
        .queue = std::move(queue),
        .type = std::move(job.type),
        .payload = std::move(job.payload),
        .options = std::move(job.options),
        .rules = options.rules};
    auto registered = impl_->changed(
        schedule::reconcile(impl_->registry(), definition, ScheduleSource::code, scheduler_now())
    );
    if (!registered) return std::unexpected(std::move(registered.error()));
    return std::move(registered->schedule);
}

Result<> Scheduler::cancel(std::string_view name_or_id) {
    const auto removed = impl_->changed(impl_->store().remove(name_or_id));
    if (removed || removed.error().code() != Errc::not_found) return removed;
    const auto cancelled = impl_->store().cancel_job(jobs::normal_id(name_or_id), scheduler_now());
    if (cancelled || cancelled.error().code() != Errc::not_found) return cancelled;
    return fail(
        Errc::not_found, fmt::format("no schedule and no job for later is called {}", name_or_id)
    );
}

Result<std::vector<Schedule>> Scheduler::list() {
    std::vector<Schedule> all;
    while (true) {
        auto page = impl_->store().list(all.empty() ? "" : all.back().definition.name, list_page);
        if (!page) return page;
        if (page->empty()) return all;
        all.insert(
            all.end(), std::make_move_iterator(page->begin()), std::make_move_iterator(page->end())
        );
    }
}

Result<Schedule> Scheduler::find(std::string_view name) {
    return impl_->store().find(name);
}

Result<std::vector<TimePoint>> Scheduler::preview(std::string_view name, std::size_t count) {
    if (count > preview_max) return too_many("count", count, preview_max);
    const auto schedule = find(name);
    if (!schedule) return std::unexpected(schedule.error());
    return schedule::preview(impl_->registry(), *schedule, count, scheduler_now());
}

Result<ScheduleExplanation> Scheduler::explain(std::string_view name, std::size_t count) {
    if (count > preview_max) return too_many("count", count, preview_max);
    return schedule::explain(
        impl_->registry(), name, count, scheduler_now(), impl_->provider().get()
    );
}

Result<std::vector<ScheduleRun>> Scheduler::runs(std::string_view name, std::size_t max) {
    if (max > preview_max) return too_many("max", max, preview_max);
    const auto runs = impl_->store().runs_of(name, max, false);
    if (!runs) return std::unexpected(runs.error());
    if (runs->empty()) {
        if (const auto known = find(name); !known) return std::unexpected(known.error());
    }
    std::vector<ScheduleRun> out;
    out.reserve(runs->size());
    for (const schedule::SlotRun& run : *runs) {
        out.push_back(
            {.slot = run.key.slot,
             .manual = run.key.manual,
             .state = run.state,
             .job = run.job_id,
             .enqueued_at = run.enqueued_at,
             .tries = run.tries,
             .error = run.error}
        );
    }
    return out;
}

Result<Schedule> Scheduler::edit(
    std::string_view name, const std::function<Result<>(ScheduleDefinition&)>& change
) {
    return impl_->changed(schedule::edit(impl_->registry(), name, scheduler_now(), change));
}

Result<> Scheduler::pause(std::string_view name, std::string_view reason) {
    const auto paused = schedule::pause(impl_->registry(), name, reason);
    if (!paused) return std::unexpected(paused.error());
    return {};
}

Result<> Scheduler::resume(std::string_view name) {
    const auto resumed = impl_->changed(schedule::resume(impl_->registry(), name, scheduler_now()));
    if (!resumed) return std::unexpected(resumed.error());
    return {};
}

Result<std::string> Scheduler::run_now(std::string_view name) {
    const auto run = impl_->changed(schedule::run_now(impl_->registry(), name, scheduler_now()));
    if (!run) return std::unexpected(run.error());
    return schedule::job_id_of(*run);
}

Result<TimePoint> Scheduler::skip_next(std::string_view name) {
    return schedule::skip_next(impl_->registry(), name, scheduler_now(), impl_->provider().get());
}

Result<Backfill> Scheduler::backfill(
    std::string_view name, const Period& period, bool dry_run, std::optional<Overlap> overlap
) {
    const schedule::BackfillRequest request{
        .period = period, .dry_run = dry_run, .overlap = overlap};
    auto found = schedule::backfill(impl_->registry(), name, request, scheduler_now());
    return dry_run ? std::move(found) : impl_->changed(std::move(found));
}

Result<std::vector<ScheduledJob>> Scheduler::jobs(std::string_view after, std::size_t max) {
    if (max > preview_max) return too_many("max", max, preview_max);
    auto place = schedule::read_place(impl_->store(), after);
    if (!place) return std::unexpected(std::move(place.error()));
    return impl_->store().list_jobs(*place, max);
}

Result<ScheduledJob> Scheduler::find_job(std::string_view id) {
    return impl_->store().find_job(jobs::normal_id(id));
}

Result<> Scheduler::reschedule(std::string_view id, TimePoint at) {
    const auto moved =
        impl_->changed(schedule::reschedule(impl_->store(), id, at, scheduler_now()));
    if (!moved) return std::unexpected(moved.error());
    return {};
}

void Scheduler::run(std::stop_token stop) {
    impl_->run(stop);
}

void Scheduler::start() {
    impl_->start();
}

void Scheduler::stop() {
    impl_->stop();
}

SchedulerFigures Scheduler::figures() const {
    return impl_->loop().figures();
}

SchedulerMetrics Scheduler::metrics() const {
    return impl_->loop().metrics();
}

SchedulerHealth Scheduler::health() const {
    return impl_->loop().health();
}

}  // namespace tranter

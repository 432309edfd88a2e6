#pragma once

#include "admin/jobs_once.hpp"
#include "admin/jobs_route.hpp"
#include "admin/work_pool.hpp"
#include "http/server.hpp"
#include "schedule/registration.hpp"
#include "schedule/store.hpp"
#include "schedule/zone_directory.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

namespace tranter::admin {

struct SchedulesApiOptions {
    /// The store, which is opened by the first call that needs it; by the next one again when that
    /// went wrong. `unsupported` when there is none.
    std::function<Result<std::shared_ptr<schedule::ScheduleStore>>()> open{};
    /// Is asked for the last job of a schedule that is explained or of which a slot is left out;
    /// null: nobody is. Outlives this.
    Provider* jobs = nullptr;
    std::filesystem::path zone_files = schedule::ZoneDirectory::system_path();
    std::size_t threads = 2;        // which a slow database may hold up, and nobody else
    std::size_t waiting_max = 200;  // calls; more are answered 503
    /// A page may be shorter than was asked for, but not longer than this by more than an item.
    std::size_t page_bytes = std::size_t{8} << 20;
};

/// The part of the Jobs API that is about schedules and jobs for later: what `tranter schedule`
/// does to a store, over HTTP. It enqueues nothing, which is done by those who run `tranter
/// schedule` and `tranter timers` on the same store. Costs nothing until it is called.
class SchedulesApi {
  public:
    explicit SchedulesApi(SchedulesApiOptions options) : options_(std::move(options)) {}
    SchedulesApi(const SchedulesApi&) = delete;
    SchedulesApi& operator=(const SchedulesApi&) = delete;

    /// Of a call whose route is one of schedule_routes(). Thread-safe, does not block.
    void handle(JobCall&& call, http::Exchange exchange);

    // The calls, for the table of routes.
    http::Response list(const JobCall& call);
    http::Response create(const JobCall& call);
    http::Response put(const JobCall& call);
    http::Response patch(const JobCall& call);
    http::Response find(const JobCall& call);
    http::Response remove(const JobCall& call);
    http::Response pause(const JobCall& call);
    http::Response resume(const JobCall& call);
    http::Response run_now(const JobCall& call);
    http::Response skip_next(const JobCall& call);
    http::Response backfill(const JobCall& call);
    http::Response runs(const JobCall& call);
    http::Response preview(const JobCall& call);
    http::Response explain(const JobCall& call);
    http::Response preview_expression(const JobCall& call);
    http::Response explain_expression(const JobCall& call);

    http::Response list_jobs(const JobCall& call);
    http::Response create_jobs(const JobCall& call);
    http::Response find_job(const JobCall& call);
    http::Response cancel_job(const JobCall& call);
    http::Response reschedule_job(const JobCall& call);
    http::Response run_job(const JobCall& call);

  private:
    struct Workplace {
        explicit Workplace(const SchedulesApiOptions& options)
            : zones(options.zone_files), pool(options.threads, options.waiting_max) {}

        schedule::ZoneDirectory zones;
        WorkPool pool;
    };

    Workplace& workplace();
    /// As the files are now.
    schedule::ZoneDirectory& zones();
    /// The store is there, and so is what calls need beside it.
    Result<schedule::Registry> registry();
    /// The same for a call with the name of a schedule. `not_found` for what no schedule is called.
    Result<schedule::Registry> registry_for(const JobCall& call);
    /// The answer about one schedule, with everything that is known of it.
    http::Response answer_schedule(
        const schedule::Registry& registry, std::string_view name, int status = 200
    );
    http::Response answer_job(const Result<ScheduledJob>& job);

    const SchedulesApiOptions options_;
    IdempotentRequests once_;
    std::mutex mutex_;
    std::shared_ptr<schedule::ScheduleStore> store_{};  // guarded by mutex_
    std::once_flag placed_{};
    std::unique_ptr<Workplace> place_{};  // last: its threads use the rest
};

}  // namespace tranter::admin

#include "cli/serve_jobs.hpp"

#include "base/log.hpp"
#include "cli/schedule_session.hpp"
#include "schedule/store.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

namespace tranter::cli {
namespace {

constexpr Duration worker_silence_max = std::chrono::seconds(90);

std::unique_ptr<providers::JobHistory> open_history(
    const ServerConfig& config, const Clock& clock
) {
    if (!config.history) return nullptr;
    const std::filesystem::path directory = keeps_data(config) ? config.data : std::string();
    return providers::open_job_history(directory, clock);
}

}  // namespace

std::function<Result<std::shared_ptr<schedule::ScheduleStore>>()> schedule_store_of(
    const ServerConfig& config
) {
    return [url =
                find_schedule_store(config)]() -> Result<std::shared_ptr<schedule::ScheduleStore>> {
        if (!url) {
            return fail(
                Errc::unsupported,
                "this server has no store of schedules: it needs a data directory (--data DIR), or "
                "scheduler.store in its configuration"
            );
        }
        if (url->starts_with("memory:")) {
            return fail(
                Errc::unsupported,
                "scheduler.store is memory:, which no scheduler shares with this server; name "
                "file:DIR or postgres://HOST/DATABASE"
            );
        }
        auto store = schedule::open_store(*url);
        if (store) log_info("serve", "store of schedules opened", {{"kind", (*store)->name()}});
        return store;
    };
}

std::string scheduler_store_kind(const ServerConfig& config) {
    const auto url = find_schedule_store(config);
    if (!url || url->starts_with("memory:")) return {};
    return url->starts_with("postgres") ? "postgres" : "sqlite";
}

ServeJobs::ServeJobs(const ServerConfig& config, broker::Broker& broker)
    : history_(open_history(config, clock_)),
      provider_(broker, history_.get(), {.name = "server"}),
      schedules_({.open = schedule_store_of(config), .jobs = &provider_}),
      api_(jobs_api_options(tracing_, provider_, schedules_), provider_) {}

admin::JobsApiOptions jobs_api_options(
    const std::shared_ptr<Tracing>& tracing, Provider& provider, admin::SchedulesApi& schedules
) {
    admin::JobsApiOptions options{.version = TRANTER_VERSION, .schedules = &schedules};
    if (tracing) {
        options.on_enqueue = [tracing, &provider](std::string_view queue, std::span<NewJob> jobs) {
            return tracing->begin_send(provider, queue, jobs);
        };
    }
    return options;
}

std::optional<SpanCounts> ServeJobs::span_counts() const {
    if (!tracing_) return std::nullopt;
    return tracing_->counts();
}

bool ServeJobs::has_worker() {
    const auto workers = provider_.workers();
    if (!workers) return false;
    const TimePoint since(clock_.now().time_since_epoch() - worker_silence_max);
    return std::ranges::any_of(*workers, [&](const WorkerInfo& worker) {
        return worker.running > 0 || worker.last_seen >= since;
    });
}

std::optional<HistoryCounts> ServeJobs::history_counts() const {
    if (history_ == nullptr) return std::nullopt;
    const history::WriterFigures figures = history_->writer().figures();
    return HistoryCounts{
        .written = figures.written,
        .dropped = figures.dropped,
        .outnumbered = figures.outnumbered,
        .refused = figures.refused,
        .waiting = figures.queued};
}

}  // namespace tranter::cli

#include "cli/serve_jobs.hpp"

#include "base/log.hpp"
#include "cli/schedule_session.hpp"
#include "schedule/store.hpp"

#include <filesystem>
#include <functional>

namespace tranter::cli {
namespace {

std::unique_ptr<providers::JobHistory> open_history(
    const ServerConfig& config, const Clock& clock
) {
    if (!config.history) return nullptr;
    const std::filesystem::path directory = keeps_data(config) ? config.data : std::string();
    return providers::open_job_history(directory, clock);
}

using OpenedStore = Result<std::shared_ptr<schedule::ScheduleStore>>;

/// The store that `tranter schedule` has with the same configuration, but none in the home
/// directory: what a server without a data directory keeps is gone with it, and schedules that are
/// still there the next time, or shared with the next server, are not what anybody expects.
std::function<OpenedStore()> schedule_store_of(const ServerConfig& config) {
    return [url = find_schedule_store(config)]() -> OpenedStore {
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

}  // namespace

ServeJobs::ServeJobs(const ServerConfig& config, broker::Broker& broker)
    : history_(open_history(config, clock_)),
      provider_(broker, history_.get(), {.name = "server"}),
      schedules_({.open = schedule_store_of(config), .jobs = &provider_}),
      api_({.version = TRANTER_VERSION, .schedules = &schedules_}, provider_) {}

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

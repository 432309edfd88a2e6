#include "cli/serve_jobs.hpp"

#include <filesystem>

namespace tranter::cli {
namespace {

std::unique_ptr<providers::JobHistory> open_history(
    const ServerConfig& config, const Clock& clock
) {
    if (!config.history) return nullptr;
    const std::filesystem::path directory = keeps_data(config) ? config.data : std::string();
    return providers::open_job_history(directory, clock);
}

}  // namespace

ServeJobs::ServeJobs(const ServerConfig& config, broker::Broker& broker)
    : history_(open_history(config, clock_)),
      provider_(broker, history_.get(), {.name = "server"}),
      api_({.version = TRANTER_VERSION}, provider_) {}

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

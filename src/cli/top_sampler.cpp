#include "cli/top_sampler.hpp"

#include "base/stop.hpp"

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace tranter::cli {

namespace {

constexpr Duration metrics_timeout = std::chrono::seconds(5);
constexpr std::string_view latency_metric = "tranter_job_queue_latency_seconds";

}  // namespace

Result<TopSource> TopSource::open(const std::string& url) {
    auto provider = open_provider(url, {.create = false});
    if (!provider) return std::unexpected(provider.error());
    return TopSource(std::move(*provider), url);
}

Result<TopSample> TopSource::sample(const std::stop_token& stop) {
    TopSample sample;
    auto queues = provider_->queues();
    if (!queues) return std::unexpected(queues.error());
    sample.at = SteadyClock::wall_clock();
    sample.queues = std::move(*queues);
    // SQS tells what is there, and nothing of what has been.
    sample.counts = provider_->name() != "sqs";
    if (provider_->capabilities().workers) {
        auto workers = provider_->workers();
        if (!workers) return std::unexpected(workers.error());
        sample.workers = std::move(*workers);
    }
    if (provider_->name() == "http") add_latencies_of_server(sample, stop);
    return sample;
}

void TopSource::add_latencies_of_server(TopSample& sample, const std::stop_token& stop) {
    http::ClientRequest request;
    request.url = url_;
    while (request.url.ends_with('/'))
        request.url.pop_back();
    request.url += "/metrics";
    request.timeout = metrics_timeout;
    request.stop = stop;
    const char* token = std::getenv("TRANTER_TOKEN");
    if (token != nullptr && *token != '\0')
        request.headers.emplace_back("Authorization", std::string("Bearer ") + token);
    // Without them there is less to be seen, and no reason to show nothing.
    const auto answer = client_.send(request);
    if (answer && answer->status == 200)
        sample.latencies = read_histogram(answer->body, latency_metric, "queue");
}

TopSampler::TopSampler(TopSource source, Duration period)
    : source_(std::move(source)),
      period_(period),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

TopSampler::~TopSampler() {
    thread_.request_stop();
    source_.close();
}

TopSampler::Latest TopSampler::latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
}

void TopSampler::run(const std::stop_token& stop) {
    do {
        auto sample = source_.sample(stop);
        const std::lock_guard lock(mutex_);
        if (sample) {
            latest_.before = std::exchange(latest_.now, std::move(*sample));
            latest_.trouble.clear();
        } else {
            latest_.trouble = sample.error().message();
        }
    } while (rest(period_, stop));
}

}  // namespace tranter::cli

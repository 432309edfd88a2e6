#include "telemetry/exporter.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"
#include "telemetry/otlp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace tranter::telemetry {

namespace {

using namespace std::chrono_literals;

constexpr auto shutdown_patience = 5s;
constexpr auto batch_patience = 30s;
constexpr Duration first_rest = 500ms;
constexpr Duration longest_rest = 5s;
constexpr std::size_t answer_bytes_max = 64 << 10;

bool is_busy(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

Exporter::Exporter(Settings settings)
    : settings_(std::move(settings)),
      thread_([this](const std::stop_token& stop) { send_all(stop); }) {}

Exporter::~Exporter() {
    thread_.request_stop();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, shutdown_patience, [this] { return has_ended_; });
    lock.unlock();
    give_up_.request_stop();
}

void Exporter::push(Span&& span) {
    std::size_t size = 0;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() >= settings_.queue_max) {
            ++dropped_;
            return;
        }
        queue_.push_back(std::move(span));
        size = queue_.size();
    }
    if (size == 1 || size == settings_.batch_max) changed_.notify_all();
}

SpanCounts Exporter::counts() const {
    SpanCounts counts{.exported = exported_, .failed = failed_};
    const std::lock_guard lock(mutex_);
    counts.dropped = dropped_;
    counts.waiting = queue_.size();
    return counts;
}

void Exporter::send_all(const std::stop_token& stop) {
    while (true) {
        const std::vector<Span> batch = take(stop);
        if (batch.empty()) break;
        send(batch);
    }
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_all();
}

std::vector<Span> Exporter::take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !queue_.empty(); });
    changed_.wait_for(lock, stop, settings_.batch_delay, [this] {
        return queue_.size() >= settings_.batch_max;
    });
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), settings_.batch_max));
    const auto end = queue_.begin() + count;
    std::vector<Span> batch(std::move_iterator(queue_.begin()), std::move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return batch;
}

void Exporter::send(const std::vector<Span>& batch) {
    const std::string body = to_otlp(settings_, batch);
    const auto deadline = std::chrono::steady_clock::now() + batch_patience;
    std::uint64_t rejected = 0;
    Answer answer = try_once(body, rejected);
    for (Duration wait = first_rest; answer == Answer::again;
         wait = std::min(wait * 2, longest_rest)) {
        if (std::chrono::steady_clock::now() + wait > deadline) break;
        if (!rest(wait, give_up_.get_token())) break;
        answer = try_once(body, rejected);
    }
    if (answer != Answer::taken) rejected = batch.size();
    rejected = std::min<std::uint64_t>(rejected, batch.size());
    exported_ += batch.size() - rejected;
    failed_ += rejected;
    if (answer == Answer::taken && std::exchange(is_silent_, false)) {
        log_info("telemetry", "the collector takes spans again");
    }
}

Exporter::Answer Exporter::try_once(const std::string& body, std::uint64_t& rejected) {
    http::ClientRequest request{
        .method = "POST",
        .url = settings_.url,
        .headers = settings_.headers,
        .body = body,
        .timeout = settings_.timeout,
        .body_bytes_max = answer_bytes_max,
        .stop = give_up_.get_token()};
    request.headers.emplace_back("Content-Type", "application/json");
    const auto answer = client_.send(request);
    if (!answer) {
        say_problem(answer.error().message());
        return answer.error().code() == Errc::cancelled ? Answer::refused : Answer::again;
    }
    if (answer->status >= 200 && answer->status < 300) {
        rejected = rejected_spans(answer->body);
        if (rejected > 0) say_problem(fmt::format("it has rejected {} spans", rejected));
        return Answer::taken;
    }
    say_problem(fmt::format("HTTP {}", answer->status));
    return is_busy(answer->status) ? Answer::again : Answer::refused;
}

/// Once, until it is over.
void Exporter::say_problem(std::string_view error) {
    if (std::exchange(is_silent_, true)) return;
    log_warn(
        "telemetry",
        "the collector does not take spans, jobs go on",
        {{"url", settings_.url}, {"error", error}}
    );
}

}  // namespace tranter::telemetry

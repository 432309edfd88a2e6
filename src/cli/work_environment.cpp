#include "cli/work_environment.hpp"

#include "base/log_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace tranter::cli {
namespace {

constexpr std::string_view url_prefix = "SQS_";
constexpr std::string_view queue_suffix = "_QUEUE_URL";
constexpr std::string_view dead_letter_suffix = "_DLQ_URL";

std::unexpected<Error> wrong(std::string_view name, std::string_view what) {
    return fail(Errc::invalid_argument, one_line(fmt::format("environment: {}: {}", name, what)));
}

struct NumberVariable {
    std::string_view name;
    std::int64_t min;
    std::int64_t max;
    void (*apply)(WorkerConfig& worker, std::int64_t value);
};

constexpr std::array<NumberVariable, 6> number_variables{{
    {"WORKER_POLL_INTERVAL_MS",
     1,
     300'000,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.poll_wait =
             std::max<Duration>(std::chrono::milliseconds(value), std::chrono::seconds(1));
     }},
    {"WORKER_BATCH_SIZE",
     1,
     10'000,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.batch = static_cast<std::uint32_t>(value);
     }},
    {"WORKER_VISIBILITY_TIMEOUT",
     1,
     43'200,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.lease = std::chrono::seconds(value);
     }},
    {"EXECUTION_WORKER_CONCURRENCY",
     1,
     10'000,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.concurrency = static_cast<std::uint32_t>(value);
     }},
    {"EXECUTION_TENANT_CONCURRENCY",
     1,
     10'000,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.group_concurrency = static_cast<std::uint32_t>(value);
     }},
    {"MAX_CONCURRENT_ATTEMPTS_PER_JOB",
     1,
     1'000,
     [](WorkerConfig& worker, std::int64_t value) {
         worker.max_parallel_runs = static_cast<std::uint32_t>(value);
     }},
}};

std::optional<std::int64_t> read_number(std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

/// A queue's URL as where it is, for a provider, and its name.
struct QueueUrl {
    std::string base;
    std::string name;
};

std::optional<QueueUrl> split_url(std::string_view url) {
    const bool is_http = url.starts_with("http://") || url.starts_with("https://");
    const std::size_t slash = url.rfind('/');
    if (!is_http || url.contains('@') || url.contains('?') || slash + 1 >= url.size() ||
        slash < std::string_view("https://").size()) {
        return std::nullopt;
    }
    return QueueUrl{
        .base = std::string(url.substr(0, slash)), .name = std::string(url.substr(slash + 1))};
}

/// The queues that variables name, by the part of the variable between prefix and suffix.
class UrlVariables {
  public:
    Result<> add(std::string_view name, std::string_view value) {
        const bool dead = name.ends_with(dead_letter_suffix);
        const auto url = split_url(value);
        if (!url) {
            return wrong(
                name, "is no URL of a queue, write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            );
        }
        const std::size_t suffix = dead ? dead_letter_suffix.size() : queue_suffix.size();
        std::string key(name.substr(0, name.size() - suffix));
        (dead ? dead_ : queues_).emplace(std::move(key), *url);
        return {};
    }

    Result<QueueBindings> apply(ServerConfig& config) const {
        QueueBindings bindings;
        std::string base;
        for (const auto& [key, url] : queues_) {
            if (!base.empty() && url.base != base) {
                return wrong(
                    key + std::string(queue_suffix),
                    "is at another endpoint or account than the one before; a worker has one, "
                    "start "
                    "one for each"
                );
            }
            base = url.base;
            auto& queues = config.worker.queues;
            if (std::ranges::find(queues, url.name, &WorkerQueue::name) == queues.end()) {
                queues.emplace_back(url.name);
            }
        }
        for (const auto& [key, url] : dead_) {
            const auto queue = queues_.find(key);
            if (queue == queues_.end()) {
                return wrong(
                    key + std::string(dead_letter_suffix),
                    fmt::format("belongs to no queue, {}{} is not set", key, queue_suffix)
                );
            }
            if (url.base != queue->second.base) {
                return wrong(
                    key + std::string(dead_letter_suffix),
                    "is at another endpoint or account than its queue"
                );
            }
            bindings.dead_letter_queues.emplace(queue->second.name, url.name);
        }
        if (!base.empty()) config.provider = "sqs:" + base;
        return bindings;
    }

  private:
    std::map<std::string, QueueUrl> queues_;
    std::map<std::string, QueueUrl> dead_;
};

bool names_a_queue(std::string_view name) {
    const auto has = [&](std::string_view suffix) {
        return name.ends_with(suffix) && name.size() > url_prefix.size() + suffix.size() - 1;
    };
    return name.starts_with(url_prefix) && (has(queue_suffix) || has(dead_letter_suffix));
}

}  // namespace

Result<QueueBindings> apply_deployment_variables(
    ServerConfig& config, const std::vector<std::string>& environment
) {
    UrlVariables urls;
    for (const std::string_view variable : environment) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = variable.substr(0, equals);
        const std::string_view value = variable.substr(equals + 1);
        if (names_a_queue(name)) {
            if (auto added = urls.add(name, value); !added) return std::unexpected(added.error());
            continue;
        }
        const auto number = std::ranges::find(number_variables, name, &NumberVariable::name);
        if (number == number_variables.end()) continue;
        const auto read = read_number(value);
        if (!read || *read < number->min || *read > number->max) {
            return wrong(
                name,
                fmt::format(
                    "is \"{}\", write a number from {} to {}",
                    value.substr(0, 40),
                    number->min,
                    number->max
                )
            );
        }
        number->apply(config.worker, *read);
    }
    return urls.apply(config);
}

}  // namespace tranter::cli

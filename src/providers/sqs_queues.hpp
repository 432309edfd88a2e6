#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "providers/sqs_endpoint.hpp"
#include "providers/sqs_job.hpp"
#include "providers/sqs_url.hpp"

#include <tranter/provider.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::providers {

/// What there is to know of a queue. May be a minute old.
struct SqsQueue {
    std::string name{};
    std::string url{};
    bool fifo = false;
    std::string dead_letter_queue{};  // name; empty: none
    std::uint32_t max_receives = 0;   // 0: without a dead-letter queue
    std::size_t message_bytes_max = 0;
    /// What the endpoint does with a MessageGroupId; `refused` is found out by trying.
    mutable std::atomic<GroupIds> group_ids = GroupIds::maybe_kept;

    SqsJobRules rules(std::string_view default_type) const {
        return {
            .queue = name,
            .fifo = fifo,
            .max_receives = max_receives,
            .default_type = default_type,
            .message_bytes_max = message_bytes_max,
            .group_ids = group_ids};
    }
};
using SqsQueueHandle = std::shared_ptr<const SqsQueue>;

/// The queues of an account: remembers them, and makes them. Thread-safe.
class SqsQueues {
  public:
    /// Both outlive it.
    SqsQueues(SqsEndpoint& endpoint, const SqsUrl& url, const Clock& clock)
        : endpoint_(endpoint), url_(url), clock_(clock) {}

    /// `not_found`; `invalid_argument` for a name that SQS does not take, or when the URL of the
    /// store names another queue. An endpoint that does not let us ask is believed to have it.
    [[nodiscard]] Result<SqsQueueHandle> get(std::string_view name);
    /// Makes it, with a dead-letter queue NAME-dlq, when it is not there. `not_found` when the URL
    /// of the store names a queue: then nothing is made. FIFO queues are never made.
    [[nodiscard]] Result<SqsQueueHandle> get_or_make(std::string_view name);
    /// Where the dead jobs of a queue go. One that has no dead-letter queue uses NAME-dlq, which is
    /// made when it is not there and nothing forbids it. `unsupported` says that there is none.
    [[nodiscard]] Result<SqsQueueHandle> get_dead_letter_queue(const SqsQueue& queue);
    /// The next call asks the server again.
    void forget(std::string_view name);

    /// ` (did you mean orders?)` or nothing, also when the endpoint does not say what it has.
    [[nodiscard]] std::string suggest(std::string_view name);
    [[nodiscard]] Result<QueueStats> stats(std::string_view name);
    [[nodiscard]] Result<std::vector<std::string>> names();

  private:
    struct Known {
        SqsQueueHandle queue{};
        Instant until{};
    };

    Result<> check_name(std::string_view name) const;
    Result<aws::Json> attributes(std::string_view name);
    Result<SqsQueueHandle> look_up(std::string_view name);
    Result<SqsQueueHandle> make(std::string_view name);
    Result<std::vector<std::string>> all_names();
    Result<> create(std::string_view name, std::string_view dead_letter_arn);

    SqsEndpoint& endpoint_;
    const SqsUrl& url_;
    const Clock& clock_;
    std::mutex mutex_{};
    std::map<std::string, Known, std::less<>> known_{};  // guarded by mutex_
};

/// The dead-letter queue that goes with a queue unless it has another one; empty for those that are
/// one themselves.
std::string dead_letter_name(std::string_view queue);

}  // namespace tranter::providers

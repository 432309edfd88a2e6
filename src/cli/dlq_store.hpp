#pragma once

#include "cli/json.hpp"
#include "cli/session.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// A queue whose dead letters go to a dead-letter queue.
struct DeadLetterSource {
    std::string queue{};
    std::uint32_t max_receives = 0;  // 0: not known
};

struct DeadLetterQueue {
    std::string name{};
    std::vector<DeadLetterSource> sources{};
    bool exists = true;  // otherwise it is only named by its sources
    std::uint64_t visible = 0;
    std::uint64_t in_flight = 0;  // somebody has received them

    std::uint64_t depth() const { return visible + in_flight; }
};

/// A dead job, or a message that any SQS client has sent.
struct DeadLetter {
    /// `pending` when it was sent to the dead-letter queue by hand, and its queue then is that one;
    /// `processing` when somebody has received it. `finished_at` is when it died, where that is
    /// known.
    JobRecord job{};
    Json message{};  // SQS: as it was received; null: a job of a store that has more than messages
};

/// Which letters of a queue.
struct LetterQuery {
    std::string queue{};
    std::string filter{};            // in the language of searches
    std::vector<std::string> ids{};  // empty: all
    std::size_t letters_max = 0;     // so many are wanted at most; 0: all
    bool for_change = false;         // those that die again while it goes on are left out
    std::stop_token stop{};          // ends the walk after the letters that are under way
};

struct LetterReplay {
    const DeadLetter* letter = nullptr;
    std::optional<std::string> payload{};  // JSON; nothing: as it is
    std::string to{};                      // queue; empty: where it came from
};

/// The dead letters of a store. Lives on one thread for the time of one command.
class DeadLetterStore {
  public:
    virtual ~DeadLetterStore() = default;

    /// Whether looking at a letter counts as a receive of it, as SQS has no other way to look.
    virtual bool receives_to_look() const = 0;
    /// Letters that replay() and remove() take at a time.
    virtual std::size_t batch_max() const = 0;

    /// By name.
    [[nodiscard]] virtual Result<std::vector<DeadLetterQueue>> queues() = 0;
    /// `conflict` for a queue that is none: nobody shall purge a queue of living jobs by mistake.
    [[nodiscard]] virtual Result<DeadLetterQueue> queue(const std::string& name) = 0;

    /// Letters in no particular order, some at a time; `visit` says whether to go on, and may
    /// replay and remove what it is shown. What it leaves is as it was before, but for the
    /// receives that looking has cost. `not_found` for a queue or an id that is not there.
    using Visit = std::function<Result<bool>(std::span<const DeadLetter> letters)>;
    [[nodiscard]] virtual Result<> walk(const LetterQuery& query, const Visit& visit) = 0;

    /// Another go for letters that walk() is showing, with all attempts; one result for each. At
    /// least once: it is there again before it has left the dead-letter queue. `not_found` and
    /// `conflict` when somebody else has dealt with it meanwhile; `invalid_argument` when it is not
    /// known where it came from.
    virtual std::vector<Result<>> replay(
        const std::string& queue, std::span<const LetterReplay> letters
    ) = 0;
    /// Forgets letters that walk() is showing, with the same errors.
    virtual std::vector<Result<>> remove(
        const std::string& queue, std::span<const DeadLetter* const> letters
    ) = 0;

    /// `unsupported` where nobody keeps logs.
    [[nodiscard]] virtual Result<LogPage> log_of(const DeadLetter& letter) = 0;
};

/// Checks a queue that has no sources now: those that they had may have been deleted.
[[nodiscard]] Result<> check_dead_letter_name(std::string_view name);

/// Over the Jobs API or a directory.
std::unique_ptr<DeadLetterStore> job_dead_letters(std::shared_ptr<Provider> provider);
/// Over the queues that an sqs: URL names.
[[nodiscard]] Result<std::unique_ptr<DeadLetterStore>> sqs_dead_letters(std::string_view url);
/// Over the queues of a client's endpoint. `queue` is one of them; empty: none is known.
[[nodiscard]] Result<std::unique_ptr<DeadLetterStore>> sqs_dead_letters(
    std::shared_ptr<SqsClient> client, std::string_view queue
);

/// Why it is dead, on one line: what its last attempt failed with; empty when nobody knows.
std::string error_of(const JobRecord& job);

}  // namespace tranter::cli

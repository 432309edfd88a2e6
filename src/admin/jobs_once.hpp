#pragma once

#include "base/digest.hpp"
#include "http/server.hpp"

#include <tranter/job.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::admin {

/// Remembers the answers to requests with an Idempotency-Key for a day, within bounds: the oldest
/// go first. Thread-safe.
///
/// Beyond that memory, and beyond a restart, the ids of the jobs are derived from the key, so that
/// a repeated request finds its jobs there already for as long as they are known.
class IdempotentRequests {
  public:
    struct Bounds {
        std::chrono::steady_clock::duration time = std::chrono::hours(24);
        std::size_t answers = 100'000;
        std::size_t bytes = std::size_t{64} << 20;  // of bodies
    };

    IdempotentRequests() : IdempotentRequests(Bounds{}) {}
    explicit IdempotentRequests(Bounds bounds) : bounds_(bounds) {}

    /// What names a request: the key and what was asked.
    struct Request {
        std::string key{};       // with the queue
        Sha256Digest content{};  // of the body
    };
    static Request describe(std::string_view queue, std::string_view key, std::string_view body);

    /// Gives jobs without an id the ids that follow from the request, and returns them: one for
    /// each job, empty for those that had an id.
    static std::vector<std::string> choose_ids(const Request& request, std::span<NewJob> jobs);

    enum class Begun : std::uint8_t {
        first,     // to be done; finish() follows, and the exchange is the caller's
        answered,  // the exchange was answered, or will be together with the first
        other,     // the key was used for something else; the exchange is the caller's
    };
    Begun begin(const Request& request, http::Exchange& exchange);

    /// The answer to the first: kept when it is a success. Answers who asked the same meanwhile.
    void finish(const Request& request, const http::Response& response);

  private:
    using Clock = std::chrono::steady_clock;
    struct Entry {
        Sha256Digest content{};
        bool finished = false;
        http::Response response{};
        std::vector<http::Exchange> waiting{};
        std::uint64_t number = 0;
    };
    struct Age {
        Clock::time_point at;
        std::string key;
        std::uint64_t number;  // of the entry: the key may have another one by now
    };
    void forget_old(Clock::time_point now);

    const Bounds bounds_;
    std::mutex mutex_;
    // guarded by mutex_
    std::map<std::string, Entry, std::less<>> entries_;
    std::deque<Age> ages_;  // of finished ones, oldest first
    std::size_t bytes_ = 0;
    std::uint64_t next_number_ = 0;
};

}  // namespace tranter::admin

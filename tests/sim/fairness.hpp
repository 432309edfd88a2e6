#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tranter::sim {

/// The bound of round_robin: while somebody waits for a turn, nobody else gets two. Messages
/// without a group are one party, the empty name.
class Turns {
  public:
    /// Who has something that may be handed out now. Parties that are not named do not wait any
    /// more; new ones begin to wait.
    void waiting(const std::set<std::string>& parties);
    /// Whether `party` may be served now without serving it twice before somebody who waits.
    bool may_serve(const std::string& party) const;
    void served(const std::string& party);
    /// A hand-out that did not count.
    void given_back(const std::string& party);
    void clear() { waits_.clear(); }

  private:
    std::map<std::string, std::map<std::string, int>> waits_;  // by who waits: who was served since
};

/// The noisy-neighbour rule (SQS_SPEC 10 and engine::Fairness), computed from the full history.
class NoisyRule {
  public:
    void sent(const std::string& group, Instant now) { last_sent_[group] = now; }
    void processed(const std::string& group, Duration busy, Instant now);
    /// The queue holds no message of the group any more, which also forgets its past.
    void forget(const std::string& group);
    void quiet(const std::string& group) { noisy_.erase(group); }
    void quiet_the_silent(Instant now);
    void quiet_all() { noisy_.clear(); }
    void clear() { *this = {}; }

    bool is_noisy(const std::string& group) const { return noisy_.contains(group); }
    /// Asked when the group is first in line; remembers the answer.
    enum class Reason : std::uint8_t { none, in_flight, busy };
    Reason turns_noisy(
        const std::string& group,
        std::uint32_t in_flight,
        std::uint32_t in_flight_in_all,
        Instant now
    );
    const std::set<std::string>& noisy() const { return noisy_; }

  private:
    struct Work {
        std::string group;
        double seconds = 0;
        Instant when{};
    };

    std::vector<Work> work_;
    std::map<std::string, Instant> last_sent_;
    std::set<std::string> noisy_;
};

}  // namespace tranter::sim

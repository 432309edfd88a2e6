#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tranter {

/// What a provider counts of the connections to its server, since it was opened.
struct ConnectionMetrics {
    struct Kind {
        std::string_view name{};
        std::uint64_t count = 0;
    };
    /// The connection on which it hears that there are jobs.
    struct Listening {
        bool hears = false;   // otherwise jobs of others are looked for at the poll interval
        bool pooled = false;  // which is for good, as a pooler passes no notifications on
        std::uint64_t made = 0;
        std::uint64_t failed = 0;  // tries to make it
    };

    // Of those for calls:
    std::size_t most = 0;  // that are open at a time
    std::size_t open = 0;
    std::size_t busy = 0;        // of the open ones, those that a call has
    std::uint64_t waits = 0;     // calls that found all of them busy
    std::uint64_t made = 0;      // those that are not open any more were lost
    std::uint64_t failed = 0;    // tries to make one
    std::vector<Kind> errors{};  // of tries at a call, all kinds that there are
    /// Empty while nobody waits for jobs here.
    std::optional<Listening> listening{};
};

}  // namespace tranter

#pragma once

#include "choices.hpp"
#include "invariant.hpp"
#include "operation.hpp"
#include "scenario.hpp"
#include "tally.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tranter::sim {

struct Failure {
    Invariant invariant{};
    std::string text{};
};

/// What a run did and how it ended.
struct Run {
    Scenario scenario{};
    std::vector<Operation> operations{};  // without those of the final drain
    std::optional<Failure> failure{};
    std::uint64_t trace = 0;
};

/// Up to `operations` operations decided by `choices`, then the drain.
Run run(Choices& choices, std::uint64_t operations, Tally& tally);

/// The same operations again, compared thoroughly. Operations that make no sense any more, because
/// others before them were taken out, do nothing.
struct Replay {
    std::optional<Failure> failure{};
    std::vector<std::string> history{};
};
Replay replay(const Scenario& scenario, const std::vector<Operation>& operations);

/// The shortest list of operations found that still breaks the same invariant: takes out halves,
/// quarters and so on down to single operations until nothing can be missed (delta debugging).
std::vector<Operation> shrink(const Run& failed);

}  // namespace tranter::sim

#pragma once

#include "invariant.hpp"
#include "scenario.hpp"
#include "tally.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tranter::store_sim {

struct Failure {
    Invariant invariant{};
    std::string text{};
};

/// What a run did and how it ended.
struct Run {
    Scenario scenario{};
    std::vector<Step> steps{};
    std::uint64_t finish_seed = 0;
    std::optional<Failure> failure{};
    std::uint64_t trace = 0;
    std::vector<std::string> history{};  // when asked for
};

/// The run of a seed: its scenario, so many steps, and the end.
Run run(std::uint64_t seed, std::size_t steps, Tally& tally);
/// The same scenario with these steps, and a history.
Run replay(const Run& original, const std::vector<Step>& steps);
/// The shortest list of steps found that still breaks the same invariant: takes out halves,
/// quarters and so on down to single steps until nothing can be missed (delta debugging).
std::vector<Step> shrink(const Run& failed);

}  // namespace tranter::store_sim

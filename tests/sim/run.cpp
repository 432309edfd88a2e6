#include "run.hpp"

#include "generator.hpp"
#include "world.hpp"

#include <algorithm>

namespace tranter::sim {

Run run(Choices& choices, std::uint64_t operations, Tally& tally) {
    Run run{.scenario = draw_scenario(choices)};
    run.operations.reserve(operations);
    World world(run.scenario, tally);
    Generator generator(run.scenario, choices);
    try {
        for (std::uint64_t i = 0; i < operations && choices.more(); ++i) {
            run.operations.push_back(generator.next(world));
            world.execute(run.operations.back());
        }
        world.drain();
    } catch (const Violation& violation) {
        run.failure = {.invariant = violation.invariant(), .text = violation.what()};
    }
    run.trace = world.trace();
    return run;
}

Replay replay(const Scenario& scenario, const std::vector<Operation>& operations) {
    Replay replay;
    Tally tally;
    World world(scenario, tally);
    world.be_thorough();
    world.keep_history();
    try {
        for (const Operation& operation : operations)
            world.execute(operation);
        world.drain();
    } catch (const Violation& violation) {
        replay.failure = {.invariant = violation.invariant(), .text = violation.what()};
    }
    replay.history = world.history();
    return replay;
}

std::vector<Operation> shrink(const Run& failed) {
    constexpr int replays_max = 5000;
    std::vector<Operation> shortest = failed.operations;
    const Replay whole = replay(failed.scenario, shortest);
    if (!whole.failure) return shortest;
    int replays = 0;
    const auto still_fails = [&](const std::vector<Operation>& operations) {
        ++replays;
        const Replay again = replay(failed.scenario, operations);
        return again.failure && again.failure->invariant == whole.failure->invariant;
    };
    std::size_t piece = std::max<std::size_t>(shortest.size() / 2, 1);
    while (replays < replays_max) {
        bool shorter = false;
        for (std::size_t at = 0; at < shortest.size() && replays < replays_max;) {
            std::vector<Operation> without = shortest;
            const auto first = without.begin() + static_cast<std::ptrdiff_t>(at);
            const auto length = std::min(piece, shortest.size() - at);
            without.erase(first, first + static_cast<std::ptrdiff_t>(length));
            if (still_fails(without)) {
                shortest = std::move(without);
                shorter = true;
            } else {
                at += piece;
            }
        }
        if (piece == 1 && !shorter) break;
        if (!shorter || piece > shortest.size()) piece = std::max<std::size_t>(piece / 2, 1);
    }
    return shortest;
}

}  // namespace tranter::sim

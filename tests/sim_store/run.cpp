#include "run.hpp"

#include "log/disk.hpp"
#include "log/scan.hpp"
#include "world.hpp"

#include <algorithm>

namespace tranter::store_sim {
namespace {

void play(Run& run, Tally& tally, bool keep_history) {
    std::unique_ptr<World> world;
    const auto fails = [&](Invariant invariant, const char* what) {
        run.failure = {.invariant = invariant, .text = what};
    };
    try {
        world = std::make_unique<World>(run.scenario, tally);
        if (keep_history) world->keep_history();
        for (const Step& step : run.steps)
            world->step(step);
        world->finish(run.finish_seed);
    } catch (const Violation& violation) {
        fails(violation.invariant(), violation.what());
    } catch (const SystemError& error) {
        fails(Invariant::answers, error.what());
    } catch (const std::exception& error) {
        fails(Invariant::answers, error.what());
    }
    if (!world) return;
    run.trace = world->trace();
    run.history = world->history();
}

}  // namespace

Run run(std::uint64_t seed, std::size_t steps, Tally& tally) {
    sim::SeededChoices choices(seed);
    Run run{.scenario = draw_scenario(choices)};
    run.steps = draw_steps(run.scenario, choices, steps);
    run.finish_seed = choices.below(UINT64_MAX);
    play(run, tally, false);
    return run;
}

Run replay(const Run& original, const std::vector<Step>& steps) {
    Run run{.scenario = original.scenario, .steps = steps, .finish_seed = original.finish_seed};
    Tally ignored;
    play(run, ignored, true);
    return run;
}

std::vector<Step> shrink(const Run& failed) {
    constexpr int replays_max = 3000;
    std::vector<Step> shortest = failed.steps;
    int replays = 0;
    const auto still_fails = [&](const std::vector<Step>& steps) {
        ++replays;
        const Run again = replay(failed, steps);
        return again.failure && again.failure->invariant == failed.failure->invariant;
    };
    std::size_t piece = std::max<std::size_t>(shortest.size() / 2, 1);
    while (replays < replays_max) {
        bool shorter = false;
        for (std::size_t at = 0; at < shortest.size() && replays < replays_max;) {
            std::vector<Step> without = shortest;
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

}  // namespace tranter::store_sim

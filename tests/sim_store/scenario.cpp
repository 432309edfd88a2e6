#include "scenario.hpp"

#include <numeric>

namespace tranter::store_sim {
namespace {

/// Off in some of the runs, else anything from rare to twice the usual.
unsigned swarm_weight(sim::Choices& choices, unsigned usual, unsigned percent_off) {
    if (choices.percent(percent_off)) return 0;
    return static_cast<unsigned>(choices.between(1, 2 * static_cast<std::int64_t>(usual)));
}

void draw_faults(Scenario& scenario, sim::Choices& choices) {
    auto& weights = scenario.weights;
    const auto weight = [&](Kind kind) -> unsigned& {
        return weights[static_cast<std::size_t>(kind)];
    };
    weight(Kind::kill) = swarm_weight(choices, 6, 40);
    weight(Kind::power_cut) = swarm_weight(choices, 6, 30);
    weight(Kind::plan_crash) = swarm_weight(choices, 12, 40);
    scenario.percent_crash_again = choices.one_of<unsigned>({0, 20, 60});
    scenario.percent_clock_back = choices.one_of<unsigned>({0, 0, 0, 30});
    if (choices.percent(25)) scenario.faults.sync_fails = choices.one_of<unsigned>({30, 150, 500});
    if (choices.percent(20)) scenario.faults.write_fails = choices.one_of<unsigned>({30, 200});
    if (choices.percent(10)) scenario.faults.directory_fails = 200;
    if (scenario.faults.sync_fails != 0) {
        scenario.percent_torn_later = choices.one_of<unsigned>({0, 50, 100});
        weight(Kind::forget_pages) = swarm_weight(choices, 4, 50);
    }
    if (choices.percent(25)) {
        weight(Kind::fill_disk) = swarm_weight(choices, 8, 0);
        weight(Kind::relieve_disk) = swarm_weight(choices, 12, 0);
        // Space that is there for one segment and not for the next.
        if (choices.percent(50)) {
            weight(Kind::compact) = 80;
            weight(Kind::fill_disk) = 25;
            weight(Kind::relieve_disk) = 25;
            weight(Kind::sync) = 25;
            scenario.log.segment_bytes = choices.one_of<std::uint32_t>({1024, 2048});
            scenario.log.grow_bytes = choices.one_of<std::uint32_t>({512, 2048});
            scenario.log.reserve_bytes = 0;
            scenario.body_bytes_max = 3000;
            scenario.percent_forced = 90;
        }
    }
}

void draw_jobs(Scenario& scenario, sim::Choices& choices) {
    if (choices.percent(30)) return;
    const auto weight = [&](Kind kind) -> unsigned& {
        return scenario.weights[static_cast<std::size_t>(kind)];
    };
    weight(Kind::send_batch) = swarm_weight(choices, 30, 20);
    weight(Kind::settle) = swarm_weight(choices, 60, 20);
    weight(Kind::extend) = swarm_weight(choices, 15, 40);
    weight(Kind::keep_note) = swarm_weight(choices, 15, 40);
    weight(Kind::cancel) = swarm_weight(choices, 15, 40);
    weight(Kind::promote) = swarm_weight(choices, 10, 40);
    weight(Kind::move_job) = swarm_weight(choices, 10, 40);
    scenario.percent_traits = choices.one_of<unsigned>({0, 30, 80});
    scenario.keys = static_cast<std::uint32_t>(choices.between(1, 4));
}

}  // namespace

Scenario draw_scenario(sim::Choices& choices) {
    Scenario scenario;
    auto& weights = scenario.weights;
    const auto weight = [&](Kind kind) -> unsigned& {
        return weights[static_cast<std::size_t>(kind)];
    };
    weight(Kind::send) = static_cast<unsigned>(choices.between(40, 160));
    weight(Kind::receive) = static_cast<unsigned>(choices.between(30, 120));
    weight(Kind::acknowledge) = swarm_weight(choices, 60, 10);
    weight(Kind::change_visibility) = swarm_weight(choices, 20, 30);
    weight(Kind::take_back) = swarm_weight(choices, 8, 50);
    draw_jobs(scenario, choices);
    weight(Kind::create_queue) = swarm_weight(choices, 6, 0);
    weight(Kind::delete_queue) = swarm_weight(choices, 3, 60);
    weight(Kind::purge) = swarm_weight(choices, 4, 50);
    weight(Kind::change_settings) = swarm_weight(choices, 8, 40);
    weight(Kind::start_move_task) = swarm_weight(choices, 5, 40);
    weight(Kind::cancel_move_task) = swarm_weight(choices, 2, 60);
    weight(Kind::write) = swarm_weight(choices, 30, 10);
    weight(Kind::sync) = static_cast<unsigned>(choices.between(20, 120));
    weight(Kind::rest) = swarm_weight(choices, 5, 50);
    weight(Kind::compact) = swarm_weight(choices, 60, 10);
    weight(Kind::run_due) = static_cast<unsigned>(choices.between(10, 40));
    weight(Kind::check_space) = 5;
    weight(Kind::pass_time) = swarm_weight(choices, 40, 5);
    weight(Kind::take_suffix) = swarm_weight(choices, 3, 50);

    scenario.log.durability = choices.percent(80) ? log::Durability::sync : log::Durability::os;
    scenario.log.segment_bytes = choices.one_of<std::uint32_t>({2048, 4096, 8192, 16384, 65536});
    scenario.log.grow_bytes = choices.one_of<std::uint32_t>({1, 512, 4096, 8192});
    scenario.log.reserve_bytes = choices.one_of<std::uint64_t>({0, 4096, 16384});
    scenario.percent_overlap = choices.one_of<unsigned>({0, 0, 20, 60});
    scenario.body_bytes_max = choices.one_of<std::uint32_t>({16, 64, 600, 3000});
    scenario.groups = static_cast<std::uint32_t>(choices.between(1, 4));
    scenario.ids = static_cast<std::uint32_t>(choices.between(1, 8));
    scenario.depth = choices.one_of<std::size_t>({4, 15, 40, 40, 100});
    scenario.percent_forged = choices.one_of<unsigned>({0, 5, 20});
    scenario.short_times = choices.percent(30);
    scenario.steady = choices.percent(10);
    if (choices.percent(30)) {
        scenario.memory_limit = choices.one_of<std::uint64_t>({1000, 5000, 20'000});
    }
    scenario.start = Instant(std::chrono::seconds(1'800'000'000));
    if (scenario.steady) {
        weight(Kind::compact) = 60;
        // In small segments the images of the queues would outweigh their messages.
        scenario.log.segment_bytes = choices.one_of<std::uint32_t>({16384, 65536});
    } else {
        draw_faults(scenario, choices);
        scenario.damage = choices.percent(30);
    }
    return scenario;
}

std::vector<Step> draw_steps(const Scenario& scenario, sim::Choices& choices, std::size_t count) {
    const unsigned total = std::accumulate(scenario.weights.begin(), scenario.weights.end(), 0U);
    std::vector<Step> steps;
    steps.reserve(count);
    while (steps.size() < count) {
        std::uint64_t ticket = choices.below(total);
        std::size_t kind = 0;
        while (ticket >= scenario.weights[kind])
            ticket -= scenario.weights[kind++];
        const std::uint64_t seed = choices.below(UINT64_MAX);
        steps.push_back({.kind = static_cast<Kind>(kind), .seed = seed});
    }
    return steps;
}

}  // namespace tranter::store_sim

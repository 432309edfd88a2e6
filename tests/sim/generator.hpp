#pragma once

#include "choices.hpp"
#include "operation.hpp"
#include "scenario.hpp"
#include "world.hpp"

#include <cstdint>

namespace tranter::sim {

/// Clients of one run: decides what happens next from the scenario and from what the world holds.
/// Every operation is complete in itself, so a history can be replayed without the generator.
class Generator {
  public:
    /// Both outlive the generator.
    Generator(const Scenario& scenario, Choices& choices)
        : scenario_(scenario), choices_(choices) {}

    Operation next(const World& world);

  private:
    std::uint8_t pick_queue();
    Operation next_job(const World& world, std::uint64_t ticket);
    Operation send(const World& world);
    void draw_traits(Send& send);
    Operation receive();
    Operation wait_for_next_event(const World& world);
    Operation set_policy(const World& world);
    Handle handle(const World& world, std::uint8_t queue);
    std::uint32_t known_token(const World& world, std::uint8_t queue);
    Duration timeout();
    Duration put_back_delay();
    Duration whole(Duration time) const;

    const Scenario& scenario_;
    Choices& choices_;
    std::uint32_t next_token_ = 1;
    std::uint32_t next_deduplication_ = 1000;
};

}  // namespace tranter::sim

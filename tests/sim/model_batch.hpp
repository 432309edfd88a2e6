#pragma once

#include "model.hpp"

#include <set>
#include <string>

namespace tranter::sim {

/// The engine's answer is followed from the front: what it declared dead and what it delivered are
/// each in order, but nothing says how the two lists interleave. A dead message is taken as soon as
/// that was allowed, which is never later than the engine did it.
struct Model::Batch {
    const engine::ReceiveOptions& options;
    Instant now;
    const engine::Received& answer;
    std::set<engine::Sequence> delivered{};  // in this receive
    std::string last_group{};
    bool any = false;

    bool full() const { return delivered.size() >= options.max_messages; }
};

}  // namespace tranter::sim

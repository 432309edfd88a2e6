#pragma once

#include "content.hpp"
#include "engine/queue.hpp"
#include "model.hpp"
#include "operation.hpp"
#include "scenario.hpp"
#include "tally.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tranter::sim {

/// Two engine queues, the model of each and a virtual clock. Executes operations on both sides and
/// throws Violation when they disagree.
class World {
  public:
    struct HandOut {
        std::uint8_t queue = 0;
        engine::Receipt receipt{};
    };

    /// `tally` outlives the world.
    World(const Scenario& scenario, Tally& tally);

    void execute(const Operation& operation);
    /// The load has ended: receives and acknowledges until nothing is left.
    void drain();

    Instant now() const { return now_; }
    Duration elapsed() const { return now_ - start_; }
    const engine::Queue& queue(std::uint8_t index) const { return *queues_[index]; }
    const Model& model(std::uint8_t index) const { return models_[index]; }
    const std::vector<HandOut>& hand_outs(std::uint32_t token) const;
    /// A digest of every answer so far; equal in two runs of the same operations.
    std::uint64_t trace() const { return trace_; }

    /// Compares everything after every operation, not only every so often.
    void be_thorough() { thorough_ = true; }
    /// From now on, one line for each operation and what came of it.
    void keep_history() { keeps_history_ = true; }
    const std::vector<std::string>& history() const { return history_; }

  private:
    void run(const Send& send);
    void run(const Receive& receive);
    void run(const Acknowledge& acknowledge);
    void run(const ChangeVisibility& change);
    void run(const TakeBack& take_back);
    void run(const Move& move);
    void run(const Purge& purge);
    void run(const SetPolicy& set);
    void run(const Wait& wait);
    void run(const Advance& advance);
    void run(const Peek& peek);
    // world_jobs.cpp
    void run(const Settle& settle);
    void run(const Extend& extend);
    void run(const Note& note);
    void run(const Find& find);
    void run(const Cancel& cancel);
    void run(const Promote& promote);
    void run(const TakeOut& take);
    void run(const List& list);
    void run(const Restart& restart);
    const engine::MessageId* id_of(std::uint32_t token) const;

    engine::Sequence only_dead_until(const Receive& receive) const;
    void settle(std::uint8_t queue);
    bool drain_once();
    void move_over(std::uint8_t from, std::vector<engine::Transfer> transfers);
    /// Nothing when the hand-out never happened, because the history was cut.
    const engine::Receipt* resolve(const Handle& handle, engine::Receipt& storage) const;
    const Content& content_of(const engine::Payload& payload) const;
    void note(std::uint64_t value) { trace_ = (trace_ ^ value) * 1099511628211ULL; }
    void note(const engine::Counters& counters);
    void say(const std::string& text);

    Tally& tally_;
    Instant start_;
    Instant now_;
    std::array<std::unique_ptr<engine::Queue>, 2> queues_;  // made anew by a restart
    std::array<Model, 2> models_;
    std::array<engine::MoveProgress, 2> moves_{};     // of the last move out of each
    std::vector<std::unique_ptr<Content>> contents_;  // by token; the models point to them
    std::vector<std::vector<HandOut>> hand_outs_;     // by token
    std::uint64_t executed_ = 0;
    std::uint64_t trace_ = 1469598103934665603ULL;
    bool thorough_ = false;
    bool keeps_history_ = false;
    std::vector<std::string> history_;
};

}  // namespace tranter::sim

#pragma once

#include "log/log.hpp"

#include <cstddef>
#include <cstdint>

namespace tranter::log {

/// Knows which records still matter. Called by the one thread that compacts.
class Keeper {
  public:
    virtual ~Keeper() = default;
    /// The record at `at` is about to go: if anything of it is still true, append that again.
    virtual void keep(Position at, RecordType type, std::string_view body) = 0;
    /// Returns once everything that keep() found gone, because it was on its way from one place to
    /// another, is appended at its new place.
    virtual void settle() = 0;
    /// About how many bytes of log everything live would take.
    virtual std::uint64_t live_bytes() const = 0;
};

/// Oldest first: the live records of the oldest segment are appended anew, and when that is durable
/// the segment is removed. So a record that ends something never goes before what it ends.
///
/// A state machine without a thread: step() does a little and says what to wait for.
class Compactor {
  public:
    Compactor(Log& log, Keeper& keeper) : log_(log), keeper_(keeper) {}

    enum class Need : std::uint8_t {
        nothing,  // all is well
        step,     // call step() again
        durable,  // call step() again when position() is durable
    };
    /// `force` compacts the oldest segment however much of it is live.
    Need step(bool force = false);
    Position position() const { return waiting_for_; }

    /// More than twice what is live, beside two segments.
    static bool worth_it(const LogFigures& figures, std::uint64_t live, std::uint64_t segment);

  private:
    Log& log_;
    Keeper& keeper_;
    SegmentNumber segment_ = 0;  // being compacted; 0: none
    std::uint32_t offset_ = 0;
    bool visited_ = false;
    Position waiting_for_ = 0;
};

}  // namespace tranter::log

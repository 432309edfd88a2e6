#pragma once

#include "cli/args.hpp"
#include "cli/progress.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tranter::cli {

/// Whether the failure is about the one thing that was asked for. Otherwise (the store does not
/// answer, or not to us) going on with the next one is of no use.
bool concerns_one(Errc code);

/// What was refused of many things: the first few are said on stderr, all are counted.
class Refusals {
  public:
    explicit Refusals(Progress& progress) : progress_(progress) {}

    /// `which` names the thing: "line 7".
    void add(std::string_view which, const Error& error);

    std::uint64_t count() const { return count_; }
    /// When `done` others succeeded: 0 without a refusal, otherwise 7, or the code of the first
    /// refusal when nothing was done at all.
    int exit_status(std::uint64_t done) const;

  private:
    Progress& progress_;
    std::uint64_t count_ = 0;
    Errc first_ = Errc::internal;
};

/// Keeps to a number of things per second, without bursts.
class Pace {
  public:
    /// Nothing: as fast as it goes.
    explicit Pace(std::optional<std::int64_t> per_second);

    /// Of these at most should be done at a time; `most` when there is no rate.
    std::size_t batch(std::size_t most) const;
    /// Sleeps until the next may be done, `done` having been done since the beginning.
    void keep(std::uint64_t done) const;

  private:
    std::optional<std::int64_t> per_second_;
    std::chrono::steady_clock::time_point begin_;
};

/// --rate of an action on many things.
Option rate_option();
[[nodiscard]] Result<Pace> read_pace(const Arguments& arguments);

}  // namespace tranter::cli

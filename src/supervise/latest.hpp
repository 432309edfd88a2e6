#pragma once

#include "base/time.hpp"
#include "supervise/view.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

/// What is kept of the past for those who come later. Not thread-safe.
namespace tranter::supervise {

class EventRing {
  public:
    /// Gives it its number.
    const Event& add(Event event);
    /// Oldest first.
    std::vector<Event> after(std::uint64_t number) const;

  private:
    static constexpr std::size_t events_max = 1000;
    std::deque<Event> events_{};
    std::uint64_t last_number_ = 0;
};

/// The latest lines of one instance.
class LineRing {
  public:
    /// Each with its newline.
    void add(std::string_view lines, bool is_errors, Instant at);
    /// Oldest first.
    std::vector<OutputLine> lines(const InstanceId& id) const;

  private:
    static constexpr std::size_t lines_max = 100;
    static constexpr std::size_t bytes_max = std::size_t{64} << 10;
    struct Line {
        std::string text{};
        Instant at{};
        bool is_errors = false;
    };
    std::deque<Line> lines_{};
    std::size_t bytes_ = 0;
};

/// Takes the first line off `lines`, each of which has a newline.
std::string_view take_line(std::string_view& lines);

}  // namespace tranter::supervise

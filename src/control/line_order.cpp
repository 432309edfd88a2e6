#include "control/line_order.hpp"

#include "base/time.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tranter::control {

using supervise::OutputLine;

// Not std::stable_sort, whose buffer is made by a function that clang calls deprecated.
std::vector<OutputLine> in_order(std::vector<OutputLine> lines) {
    std::vector<std::pair<Instant, std::size_t>> order;
    for (const OutputLine& line : lines)
        order.emplace_back(line.at, order.size());
    std::ranges::sort(order);
    std::vector<OutputLine> sorted;
    sorted.reserve(lines.size());
    for (const auto& [at, index] : order)
        sorted.push_back(std::move(lines.at(index)));
    return sorted;
}

}  // namespace tranter::control

#include "history/entry.hpp"

#include <algorithm>
#include <utility>

namespace tranter::history {

std::string_view state_name(State state) {
    switch (state) {
        case State::completed:
            return "completed";
        case State::failed:
            return "failed";
        case State::dead:
            return "dead";
        case State::cancelled:
            return "cancelled";
    }
    return "unknown";
}

std::optional<State> find_state(std::string_view name) {
    const auto* const found = std::ranges::find(all_states, name, state_name);
    if (found == all_states.end()) return std::nullopt;
    return *found;
}

void LogLines::append(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    while (true) {
        const std::size_t end = text.find('\n');
        append_line(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

void LogLines::append_line(std::string_view line) {
    if (line.size() >= bytes_max) line.remove_prefix(line.size() - (bytes_max - 1));
    lines_.emplace_back(line);
    bytes_ += line.size() + 1;
    while (lines_.size() > lines_max || bytes_ > bytes_max) {
        bytes_ -= lines_.front().size() + 1;
        lines_.pop_front();
        ++dropped_;
    }
}

std::string LogLines::text() const {
    std::string all;
    all.reserve(bytes_);
    for (const std::string& line : lines_) {
        all += line;
        all += '\n';
    }
    return all;
}

std::optional<JobEntry> later_end(std::optional<JobEntry> first, std::optional<JobEntry> second) {
    const bool second_counts = second && (!first || second->finished > first->finished);
    return second_counts ? std::move(second) : std::move(first);
}

}  // namespace tranter::history

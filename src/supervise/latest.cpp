#include "supervise/latest.hpp"

#include <algorithm>
#include <utility>

namespace tranter::supervise {

const Event& EventRing::add(Event event) {
    event.number = ++last_number_;
    events_.push_back(std::move(event));
    if (events_.size() > events_max) events_.pop_front();
    return events_.back();
}

std::vector<Event> EventRing::after(std::uint64_t number) const {
    const auto first = std::ranges::upper_bound(events_, number, {}, &Event::number);
    return {first, events_.end()};
}

std::string_view take_line(std::string_view& lines) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    return line;
}

void LineRing::add(std::string_view lines, bool is_errors, Instant at) {
    while (!lines.empty()) {
        const std::string_view line = take_line(lines);
        lines_.push_back({.text = std::string(line), .at = at, .is_errors = is_errors});
        bytes_ += line.size();
        while (lines_.size() > lines_max || (bytes_ > bytes_max && lines_.size() > 1)) {
            bytes_ -= lines_.front().text.size();
            lines_.pop_front();
        }
    }
}

std::vector<OutputLine> LineRing::lines(const InstanceId& id) const {
    std::vector<OutputLine> out;
    out.reserve(lines_.size());
    for (const Line& line : lines_)
        out.push_back({.id = id, .is_errors = line.is_errors, .at = line.at, .text = line.text});
    return out;
}

}  // namespace tranter::supervise

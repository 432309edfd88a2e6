#include "cli/log_view.hpp"

#include "base/unicode.hpp"
#include "cli/app_view.hpp"
#include "cli/job_record.hpp"
#include "cli/json.hpp"
#include "control/line_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace tranter::cli {

namespace {

using supervise::Event;
using supervise::InstanceId;
using supervise::InstanceView;
using supervise::OutputLine;

constexpr std::size_t label_columns_max = 24;

std::string moment_text(Instant at) {
    return time_cell(TimePoint(at.time_since_epoch()), {});
}

/// Always the same of an instance, and another of its neighbour.
int colour_of(const InstanceId& id) {
    constexpr std::array colours{36, 35, 33, 32, 34, 96, 95, 94};
    std::size_t sum = id.number;
    for (const char c : id.app)
        sum = sum * 31 + static_cast<unsigned char>(c);
    return colours.at(sum % colours.size());
}

}  // namespace

bool is_chosen(const OutputLine& line, const LogChoice& choice) {
    if (line.is_errors ? !choice.errors : !choice.output) return false;
    return line.text.find(choice.text) != std::string::npos;
}

std::vector<OutputLine> last_lines(
    std::vector<OutputLine> lines, const LogChoice& choice, std::size_t count
) {
    std::erase_if(lines, [&choice](const OutputLine& line) { return !is_chosen(line, choice); });
    lines = control::in_order(std::move(lines));
    std::map<InstanceId, std::size_t> surplus;
    for (const OutputLine& line : lines)
        ++surplus[line.id];
    for (auto& [id, lines_of_it] : surplus)
        lines_of_it -= std::min(lines_of_it, count);
    std::erase_if(lines, [&surplus](const OutputLine& line) {
        std::size_t& left = surplus[line.id];
        if (left == 0) return false;
        --left;
        return true;
    });
    return lines;
}

void LogPrinter::know(std::span<const InstanceView> instances) {
    for (const InstanceView& instance : instances) {
        keys_[instance.id] = instance.key;
        label_columns_ = std::max(label_columns_, columns_of(printable(label_of(instance.id))));
    }
    label_columns_ = std::min(label_columns_, label_columns_max);
}

std::string LogPrinter::prefix(const InstanceId& id, Instant at, bool is_bad) const {
    const std::string time = options_.timestamps ? moment_text(at) + " " : "";
    std::string label = printable(label_of(id), std::max(label_columns_, label_columns_max));
    const std::size_t columns = columns_of(label);
    label.append(label_columns_ - std::min(label_columns_, columns), ' ');
    if (!options_.colours) return fmt::format("{}{} | ", time, label);
    return fmt::format(
        "{}\x1b[{}m{}\x1b[0m {} ",
        time,
        colour_of(id),
        label,
        inked("|", is_bad ? Ink::bad : Ink::faint)
    );
}

std::string LogPrinter::json(const OutputLine& line) const {
    const auto key = keys_.find(line.id);
    Json record;
    record.set("message", line.text)
        .set("timestamp", moment_text(line.at))
        .set("type", line.is_errors ? "err" : "out")
        .set("process_id", key == keys_.end() ? Json() : Json(key->second))
        .set("app_name", line.id.app)
        .set("number", line.id.number);
    return record.dump() + "\n";
}

std::string LogPrinter::line(const OutputLine& line) const {
    if (options_.form == Form::json) return json(line);
    if (options_.form == Form::raw && !options_.is_terminal) return line.text + "\n";
    const LineLook look{.colours = options_.colours, .expands_tabs = options_.is_terminal};
    const std::string text = harmless_line(line.text, look);
    if (options_.form == Form::raw) return text + "\n";
    return prefix(line.id, line.at, line.is_errors) + text + "\n";
}

std::string LogPrinter::event(const Event& event) const {
    std::string what;
    switch (event.kind) {
        case Event::Kind::change:
            what = fmt::format("{} -> {}", name_of(event.from), name_of(event.to));
            break;
        case Event::Kind::reloaded:
            what = "reloaded";
            break;
        case Event::Kind::removed:
            what = "removed";
            break;
        case Event::Kind::watch:
            what = "a file has changed";
            break;
    }
    if (!event.cause.empty()) what += ": " + printable(event.cause);
    if (event.ending) what += fmt::format(" ({})", ending_text(*event.ending));
    const std::string text = fmt::format("[{}]", what);
    const bool is_bad = ink_of(event.to) == Ink::bad;
    return prefix(event.id, event.at, is_bad) +
           (options_.colours ? inked(text, Ink::faint) : text) + "\n";
}

}  // namespace tranter::cli

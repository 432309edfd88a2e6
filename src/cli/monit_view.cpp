#include "cli/monit_view.hpp"

#include "base/unicode.hpp"
#include "cli/app_view.hpp"
#include "cli/fitted_table.hpp"
#include "cli/short_text.hpp"
#include "cli/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

namespace tranter::cli {

namespace {

using supervise::InstanceView;
using supervise::OutputLine;

/// Rows that are no instances and no log: title, heading, rule, keys.
constexpr std::size_t fixed_rows = 4;
constexpr std::size_t instance_rows_min = 3;

constexpr std::array<std::string_view, 8> help_lines{
    "up, k / down, j      select an instance",
    "page up / page down  select further away",
    "home / end           select the first, the last",
    "r                    restart its app: all instances",
    "s                    stop its app: all instances",
    "? or h               this text, and back",
    "q or Ctrl-C          quit; the apps go on",
    "",
};
constexpr std::string_view keys_line = "up/down select   r restart   s stop   ? help   q quit";

std::string monit_title(const MonitView& view) {
    std::uint64_t memory = 0;
    double cpu = 0;
    std::size_t running = 0;
    for (const InstanceView& instance : view.instances) {
        if (!has_process(instance)) continue;
        ++running;
        memory += instance.use.memory_bytes;
        cpu += instance.cpu_share;
    }
    return fmt::format(
        "tranter  {} of {} running  cpu {}  memory {}",
        running,
        view.instances.size(),
        short_percent(cpu),
        short_size(memory)
    );
}

std::string rule_line(std::string_view title, std::size_t columns) {
    std::string line = title.empty() ? "" : fmt::format("── {} ", title);
    for (std::size_t used = columns_of(line); used < columns; ++used)
        line += "─";
    return line;
}

/// Rows that instances get: as many as there are, but at least half of the screen stays for what
/// they print.
std::size_t instance_rows(const MonitView& view, ScreenSize size) {
    const std::size_t room = size.rows > fixed_rows ? size.rows - fixed_rows : 0;
    const std::size_t half = std::max(instance_rows_min, room / 2);
    return std::min({view.instances.size(), half, room});
}

/// The first of `shown` rows out of `all`, so that the selected one is in their middle if it can.
std::size_t first_shown(std::size_t selected, std::size_t shown, std::size_t all) {
    if (selected < shown / 2) return 0;
    return std::min(selected - shown / 2, all - std::min(all, shown));
}

std::vector<std::string> instance_lines(const MonitView& view, ScreenSize size) {
    const auto selected = selected_place(view);
    std::vector<FittedRow> rows;
    for (const InstanceView& instance : view.instances) {
        rows.push_back(instance_row(instance, view.now));
        if (selected != rows.size() - 1) continue;
        for (FittedCell& cell : rows.back())
            cell.ink = Ink::none;
    }
    auto lines = fitted_table(instance_columns(), rows, {size.columns, true});
    if (selected) {
        std::string& line = lines.at(*selected + 1);
        line.append(size.columns - std::min(size.columns, shown_columns(line)), ' ');
        line = inked(line, Ink::chosen);
    }
    const std::size_t shown = instance_rows(view, size);
    const std::size_t first = first_shown(selected.value_or(0), shown, rows.size());
    std::vector<std::string> out{lines.front()};
    const auto begin = lines.begin() + 1 + static_cast<std::ptrdiff_t>(first);
    std::copy_n(begin, shown, std::back_inserter(out));
    return out;
}

/// The last of what is printed that fits into so many rows.
std::vector<std::string> tail_lines(const MonitView& view, std::size_t rows) {
    std::vector<std::string> lines;
    const std::size_t skipped = view.lines.size() - std::min(view.lines.size(), rows);
    for (std::size_t i = skipped; i < view.lines.size(); ++i)
        lines.push_back(harmless_line(view.lines[i].text, {.colours = true}));
    return lines;
}

std::string footer(const MonitView& view) {
    if (!view.trouble.empty()) return inked(printable(view.trouble), Ink::bad);
    if (!view.message.empty()) return printable(view.message);
    return inked(keys_line, Ink::faint);
}

}  // namespace

std::optional<std::size_t> selected_place(const MonitView& view) {
    if (view.instances.empty()) return std::nullopt;
    if (!view.selected) return 0;
    const auto found = std::ranges::find(view.instances, *view.selected, &InstanceView::id);
    if (found == view.instances.end()) return 0;
    return static_cast<std::size_t>(found - view.instances.begin());
}

void move_selection(MonitView& view, std::ptrdiff_t steps) {
    const auto place = selected_place(view);
    if (!place) return;
    const auto last = static_cast<std::ptrdiff_t>(view.instances.size()) - 1;
    const auto wanted = std::clamp<std::ptrdiff_t>(
        static_cast<std::ptrdiff_t>(*place) +
            std::clamp<std::ptrdiff_t>(steps, -last - 1, last + 1),
        0,
        last
    );
    view.selected = view.instances[static_cast<std::size_t>(wanted)].id;
}

Frame monit_frame(const MonitView& view, ScreenSize size) {
    Frame frame{.size = size, .lines = {inked(monit_title(view), Ink::heading)}};
    for (std::string& line : instance_lines(view, size))
        frame.lines.push_back(std::move(line));
    const auto place = selected_place(view);
    const std::string label = place ? printable(label_of(view.instances[*place].id)) : "no app";
    frame.lines.push_back(
        inked(rule_line(view.shows_help ? "keys" : label, size.columns), Ink::faint)
    );
    const std::size_t rest = size.rows - std::min(size.rows, frame.lines.size() + 1);
    if (view.shows_help) {
        frame.lines.insert(frame.lines.end(), help_lines.begin(), help_lines.end());
    } else {
        for (std::string& line : tail_lines(view, rest))
            frame.lines.push_back(std::move(line));
    }
    frame.lines.resize(size.rows == 0 ? 0 : size.rows - 1);
    frame.lines.push_back(footer(view));
    frame.lines.resize(size.rows);
    for (std::string& line : frame.lines)
        line = cut_line(line, size.columns);
    return frame;
}

}  // namespace tranter::cli

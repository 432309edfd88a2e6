#include "cli/crontab.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::cli {
namespace {

constexpr std::string_view crontab_blanks = " \t";

std::string_view without_ends(std::string_view text) {
    const std::size_t first = text.find_first_not_of(crontab_blanks);
    if (first == std::string_view::npos) return {};
    const std::size_t last = text.find_last_not_of(" \t\r");
    if (last == std::string_view::npos || last < first) return {};
    return text.substr(first, last - first + 1);
}

/// The next word, which is taken off `rest`.
std::string_view take_word(std::string_view& rest) {
    rest = without_ends(rest);
    const std::size_t end = std::min(rest.find_first_of(crontab_blanks), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

/// NAME=value, with or without blanks and quotes.
bool is_assignment(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = without_ends(line.substr(0, equals));
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

std::string assigned_value(std::string_view line) {
    std::string_view value = without_ends(line.substr(line.find('=') + 1));
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    return std::string(value);
}

/// Up to the first % that has no backslash; further ones are ends of lines of the input.
void split_percent(std::string_view text, CrontabEntry& entry) {
    std::string* target = &entry.command;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') {
            *target += '%';
            ++i;
        } else if (text[i] != '%') {
            *target += text[i];
        } else if (target == &entry.command) {
            target = &entry.input;
        } else {
            *target += '\n';
        }
    }
}

/// With the rule of cron about days.
std::string five_fields(const std::string_view (&fields)[5]) {
    const std::string_view day = fields[2];
    const std::string_view weekday = fields[4];
    const bool both = day != "*" && weekday != "*";
    const bool star = day.starts_with('*') || weekday.starts_with('*');
    return fmt::format(
        "{} {} {} {} {}{}", fields[0], fields[1], day, fields[3], both && star ? "+" : "", weekday
    );
}

/// The reason why not, or nothing.
std::string read_entry_line(std::string_view line, bool with_user, CrontabEntry& entry) {
    std::string_view rest = line;
    if (line.starts_with('-')) rest.remove_prefix(1);  // cronie: do not log
    if (rest.starts_with('@')) {
        entry.expression = take_word(rest);
        if (entry.expression == "@reboot") return "@reboot is no time, start it with the machine";
    } else {
        std::string_view fields[5];
        for (std::string_view& field : fields)
            field = take_word(rest);
        if (fields[4].empty()) return "has fewer than five fields";
        entry.expression = five_fields(fields);
    }
    if (with_user) entry.user = take_word(rest);
    split_percent(without_ends(rest), entry);
    if (entry.command.empty()) return "has no command";
    return {};
}

}  // namespace

Crontab parse_crontab(std::string_view text, bool with_user) {
    Crontab crontab;
    std::string zone;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = without_ends(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.empty() || line.front() == '#') continue;
        if (is_assignment(line)) {
            const std::string_view name = without_ends(line.substr(0, line.find('=')));
            if (name == "CRON_TZ" || name == "TZ") zone = assigned_value(line);
            continue;
        }
        CrontabEntry entry{.line = number, .timezone = zone};
        if (std::string problem = read_entry_line(line, with_user, entry); !problem.empty()) {
            crontab.problems.push_back({number, std::move(problem)});
        } else {
            crontab.entries.push_back(std::move(entry));
        }
    }
    return crontab;
}

}  // namespace tranter::cli

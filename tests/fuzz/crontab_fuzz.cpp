// Any bytes as a crontab. What was read is written as a crontab again, from which the same entries
// have to come; every expression can be read as a schedule or is refused with a reason.
#include "cli/crontab.hpp"
#include "require.hpp"
#include "schedule/cadence.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tranter::cli::Crontab;
using tranter::cli::CrontabEntry;
using tranter::schedule::Cadence;
using tranter::schedule::UtcMillis;
using tranter::schedule::ZoneDirectory;

/// As it stood in the crontab, without the + that stands for the rule of cron about days.
std::string fields_of(const std::string& expression) {
    const std::size_t last = expression.rfind(' ');
    if (expression.starts_with('@') || last == std::string::npos) return expression;
    const std::string_view weekday = std::string_view(expression).substr(last + 1);
    if (!weekday.starts_with('+')) return expression;
    std::string_view day = expression;
    for (int i = 0; i < 2; ++i)
        day.remove_prefix(day.find(' ') + 1);
    day = day.substr(0, day.find(' '));
    const std::string_view rest = weekday.substr(1);
    const bool both = day != "*" && rest != "*";
    const bool star = day.starts_with('*') || rest.starts_with('*');
    if (!both || !star) return expression;
    return expression.substr(0, last + 1) + std::string(rest);
}

std::string with_escaped_percent(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '%') out += '\\';
        out += c == '\n' ? '%' : c;
    }
    return out;
}

/// The leading - keeps the line from being a comment or an assignment, a % blanks at its end.
std::string line_of(const CrontabEntry& entry) {
    std::string out = "CRON_TZ=\"" + entry.timezone + "\"\n-" + fields_of(entry.expression) + ' ';
    if (!entry.user.empty()) out += entry.user + ' ';
    out += with_escaped_percent(entry.command);
    const bool ends_in_blank = std::string_view(" \t\r").contains(entry.command.back());
    if (ends_in_blank || !entry.input.empty()) out += '%';
    return out + with_escaped_percent(entry.input) + '\n';
}

void check_lines(const Crontab& crontab, std::string_view text) {
    std::set<std::size_t> lines;
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const CrontabEntry& entry : crontab.entries) {
        require(lines.insert(entry.line).second, "a line is two entries", text);
        require(!entry.command.empty(), "an entry without a command", text);
    }
    for (const auto& problem : crontab.problems) {
        require(lines.insert(problem.line).second, "a line is an entry and wrong", text);
        require(!problem.text.empty(), "refused without a reason", text);
    }
    require(lines.empty() || (*lines.begin() > 0 && *lines.rbegin() <= count), "no line", text);
}

void check_schedule(const CrontabEntry& entry) {
    static ZoneDirectory zones;
    constexpr UtcMillis start{std::chrono::seconds(1'790'000'000)};
    const auto cadence = Cadence::parse(entry.expression, {.zone = entry.timezone}, zones);
    if (!cadence) {
        require(!cadence.error().message().empty(), "refused without a reason", entry.expression);
        return;
    }
    const auto next = cadence->next(start);
    require(!next || *next > start, "not later", entry.expression);
}

void check(std::string_view text, bool with_user) {
    const Crontab crontab = tranter::cli::parse_crontab(text, with_user);
    check_lines(crontab, text);
    std::string written;
    std::size_t looked_up = 0;  // a zone that is not known is compared with all that are
    for (const CrontabEntry& entry : crontab.entries) {
        if (++looked_up < 10) check_schedule(entry);
        written += line_of(entry);
    }
    const Crontab again = tranter::cli::parse_crontab(written, with_user);
    require(again.problems.empty(), "what was read cannot be read again", written);
    require(again.entries.size() == crontab.entries.size(), "another number of entries", written);
    for (std::size_t i = 0; i < again.entries.size(); ++i) {
        const CrontabEntry& one = crontab.entries[i];
        const CrontabEntry& other = again.entries[i];
        require(one.expression == other.expression, "another expression", written);
        require(one.timezone == other.timezone, "another zone", written);
        require(one.user == other.user, "another user", written);
        require(one.command == other.command, "another command", written);
        require(one.input == other.input, "another input", written);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(text, false);
    check(text, true);
    return 0;
}

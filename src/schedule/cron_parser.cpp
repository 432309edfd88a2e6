#include "base/suggest.hpp"
#include "schedule/cron_expression.hpp"
#include "schedule/cron_lint.hpp"
#include "schedule/expression_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

namespace tranter::schedule {
namespace {

enum class Unit : std::uint8_t { second, minute, hour, day, month, weekday, year };

constexpr std::array<std::string_view, 12> month_names{
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> weekday_names{
    "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

struct FieldRules {
    std::string_view name;
    int least;
    int most;
    std::span<const std::string_view> names{};  // of `least` and so on
};

const FieldRules& rules_of(Unit unit) {
    static constexpr std::array<FieldRules, 7> table{{
        {"second", 0, 59},
        {"minute", 0, 59},
        {"hour", 0, 23},
        {"day-of-month", 1, 31},
        {"month", 1, 12, month_names},
        {"day-of-week", 0, 7, weekday_names},
        {"year", first_year, last_year},
    }};
    return table[static_cast<std::size_t>(unit)];
}

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

std::uint32_t bit(int number) {
    return std::uint32_t{1} << static_cast<unsigned>(number);
}

/// One field of an expression, read into CronFields.
class FieldParser {
  public:
    /// `column` is where the text stands in the whole expression, from 1.
    FieldParser(Unit unit, std::string_view text, std::size_t column, CronFields& fields)
        : unit_(unit), rules_(rules_of(unit)), text_(text), column_(column), fields_(fields) {}

    Result<> parse() {
        if (unit_ == Unit::weekday && take('+')) fields_.both_days = true;
        note_restriction(text_.substr(at_));
        do {
            if (auto read = read_item(); !read) return read;
        } while (take(','));
        if (!at_end()) return wrong("\"" + std::string(text_.substr(at_)) + "\" is left over");
        return {};
    }

    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : upper(text_[at_]); }
    bool take(char c) {
        if (peek() != c || at_end()) return false;
        ++at_;
        return true;
    }

    std::unexpected<Error> wrong(const std::string& why) const {
        return fail(
            Errc::invalid_argument,
            std::string(rules_.name) + " (column " + std::to_string(column_ + at_) + "): " + why
        );
    }
    std::string range_text() const {
        return "from " + std::to_string(rules_.least) + " to " + std::to_string(rules_.most);
    }

    void note_restriction(std::string_view text) {
        const bool any = text == "*" || text == "?";
        if (unit_ == Unit::day) fields_.any_day = any;
        if (unit_ == Unit::weekday) fields_.any_weekday = any;
    }

    Result<> read_item() {
        if (peek() == '?' && unit_ != Unit::day && unit_ != Unit::weekday) {
            return wrong("? stands for any day, in the day fields only; use * here");
        }
        if (take('?')) {
            add(rules_.least, rules_.most, 1);
            return {};
        }
        if (take('*')) return read_step(rules_.least, rules_.most, false);
        if (unit_ == Unit::day && peek() == 'L') return read_last_day();
        const auto first = read_value();
        if (!first) return std::unexpected(first.error());
        if (unit_ == Unit::day && take('W')) {
            fields_.nearest_working |= bit(*first);
            return {};
        }
        if (unit_ == Unit::weekday && take('L')) return add_occurrence(*first, 0);
        if (unit_ == Unit::weekday && take('#')) return read_occurrence(*first);
        if (!take('-')) return read_step(*first, *first, true);
        const std::size_t start = at_;
        auto last = read_value();
        if (!last) return std::unexpected(last.error());
        if (unit_ == Unit::weekday && *last == 0) last = 7;
        if (*last < *first) {
            at_ = start;
            return wrong(
                "the range ends before it begins; write it as two, such as " + split_range(*first)
            );
        }
        if (peek() == 'W') return wrong("W follows a single day, not a range");
        return read_step(*first, *last, false);
    }

    std::string split_range(int first) const {
        return std::to_string(first) + "-" + std::to_string(rules_.most) + "," +
               std::to_string(rules_.least) + "-...";
    }

    Result<int> read_value() {
        const std::size_t start = at_;
        std::size_t end = at_;
        while (end < text_.size() && is_digit(text_[end]))
            ++end;
        if (end > start) return read_number(end);
        // Three letters, so that what follows a day of the week (FRIL, FRI#2) is left.
        while (end < text_.size() && end - start < 3 && upper(text_[end]) >= 'A' &&
               upper(text_[end]) <= 'Z')
            ++end;
        const std::string_view word = text_.substr(start, end - start);
        const auto& names = rules_.names;
        const auto same = [&](std::string_view name) {
            return std::ranges::equal(word, name, {}, upper);
        };
        const auto found = std::ranges::find_if(names, same);
        if (found == names.end()) return not_a_value();
        at_ = end;
        return rules_.least + static_cast<int>(found - names.begin());
    }

    Result<int> read_number(std::size_t end) {
        int value = 0;
        const auto read = std::from_chars(text_.data() + at_, text_.data() + end, value);
        if (read.ec != std::errc{} || value < rules_.least || value > rules_.most) {
            const std::string digits(text_.substr(at_, std::min<std::size_t>(end - at_, 12)));
            return wrong(digits + " is out of range, it goes " + range_text());
        }
        at_ = end;
        return value;
    }

    std::unexpected<Error> not_a_value() const {
        const std::string_view rest = text_.substr(at_);
        const std::string_view word =
            rest.substr(0, std::min(rest.find_first_of(",-/#"), std::size_t{20}));
        if (word.empty()) return wrong("a value is missing, give one " + range_text());
        std::string text =
            "\"" + std::string(word) + "\" is no value, give a number " + range_text();
        if (!rules_.names.empty()) text += " or a name like " + std::string(rules_.names.front());
        return wrong(text + did_you_mean(word, rules_.names));
    }

    /// `a/n` runs to the end of the field.
    Result<> read_step(int first, int last, bool single) {
        if (!take('/')) {
            add(first, last, 1);
            return {};
        }
        std::size_t end = at_;
        while (end < text_.size() && is_digit(text_[end]))
            ++end;
        int step = 0;
        const auto read = std::from_chars(text_.data() + at_, text_.data() + end, step);
        if (end == at_) return wrong("the step after / is missing, give a number from 1 up");
        if (read.ec != std::errc{} || step == 0 || step > 100'000) {
            return wrong("a step goes from 1 to the size of the field");
        }
        at_ = end;
        if (single) {
            last = unit_ == Unit::weekday ? 6 : rules_.most;
            warn(
                std::to_string(first) + "/" + std::to_string(step) + " means " +
                std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(step)
            );
        }
        if (step > rules_.most - rules_.least) {
            warn(
                "a step of " + std::to_string(step) + " only ever means " + std::to_string(first) +
                "; for a longer time use \"every " + std::to_string(step) + " " +
                std::string(rules_.name) + "s\""
            );
        }
        add(first, last, step);
        return {};
    }

    Result<> read_last_day() {
        take('L');
        if (take('W')) {
            fields_.last_working_day = true;
            return {};
        }
        if (!take('-')) {
            fields_.days_before_last |= 1U;
            return {};
        }
        const auto before = read_value();
        if (!before) return std::unexpected(before.error());
        if (*before > 30) return wrong("L-" + std::to_string(*before) + " is in no month");
        fields_.days_before_last |= bit(*before);
        return {};
    }

    Result<> read_occurrence(int weekday) {
        if (take('L')) return add_occurrence(weekday, 0);
        const char digit = peek();
        if (digit < '1' || digit > '5') {
            return wrong("a month has a weekday 1 to 5 times: give # and 1 to 5, or #L for the last"
            );
        }
        ++at_;
        if (is_digit(peek())) return wrong("a month has a weekday 1 to 5 times");
        return add_occurrence(weekday, digit - '0');
    }

    Result<> add_occurrence(int weekday, int which) {
        fields_.occurrences[weekday % 7] |= static_cast<std::uint8_t>(bit(which));
        return {};
    }

    void warn(const std::string& what) {
        warnings_.push_back(std::string(rules_.name) + ": " + what);
    }

    void add(int first, int last, int step) {
        for (int value = first; value <= last; value += step) {
            switch (unit_) {
                case Unit::second:
                    fields_.seconds |= std::uint64_t{1} << static_cast<unsigned>(value);
                    break;
                case Unit::minute:
                    fields_.minutes |= std::uint64_t{1} << static_cast<unsigned>(value);
                    break;
                case Unit::hour:
                    fields_.hours |= bit(value);
                    break;
                case Unit::day:
                    fields_.days |= bit(value);
                    break;
                case Unit::month:
                    fields_.months |= bit(value);
                    break;
                case Unit::weekday:
                    fields_.weekdays |= bit(value % 7);
                    break;
                case Unit::year:
                    fields_.years.set(static_cast<std::size_t>(value - first_year));
                    break;
            }
        }
    }

    const Unit unit_;
    const FieldRules& rules_;
    const std::string_view text_;
    const std::size_t column_;
    CronFields& fields_;
    std::size_t at_ = 0;
    std::vector<std::string> warnings_;
};

/// What a nickname stands for; empty for others.
std::string_view expand_nickname(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> table{{
        {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
        {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"},
        {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    }};
    for (const auto& [name, text] : table) {
        if (name == word) return text;
    }
    return {};
}

std::unexpected<Error> unknown_nickname(std::string_view word) {
    static constexpr std::array<std::string_view, 8> known{
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@every"};
    if (word == "@reboot") {
        return fail(
            Errc::invalid_argument,
            "@reboot is no time: enqueue the job where the program starts instead"
        );
    }
    const std::string shown(word.substr(0, 32));
    return fail(
        Errc::invalid_argument, "\"" + shown + "\" is no known name" + did_you_mean(word, known)
    );
}

std::unexpected<Error> wrong_count(std::size_t count) {
    return fail(
        Errc::invalid_argument,
        "the expression has " + std::to_string(count) +
            " fields, not 5 (minute hour day-of-month month day-of-week), 6 (with the second in "
            "front) or 7 (with the year at the end)"
    );
}

bool is_fixed(std::string_view text) {
    return text.find_first_of("*/?") == std::string_view::npos;
}

}  // namespace

Result<CronExpression> CronExpression::parse(std::string_view text) {
    if (text.size() > expression_bytes_max) {
        return fail(
            Errc::invalid_argument,
            "the expression has " + std::to_string(text.size()) + " bytes, " +
                std::to_string(expression_bytes_max) + " are possible"
        );
    }
    if (const auto odd =
            std::ranges::find_if(text, [](char c) { return c != '\t' && (c < ' ' || c > '~'); });
        odd != text.end()) {
        return fail(
            Errc::invalid_argument,
            "column " + std::to_string(odd - text.begin() + 1) +
                " has a character that no expression has; it is one line of plain letters"
        );
    }
    CronExpression expression;
    std::vector<Word> words = split_words(text, 1);
    for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
        if (words.empty() || !words.front().text.starts_with(prefix)) continue;
        expression.zone_ = words.front().text.substr(prefix.size());
        if (expression.zone_.empty()) {
            return fail(Errc::invalid_argument, std::string(prefix) + " names no time zone");
        }
        words.erase(words.begin());
    }
    if (words.size() == 1 && words.front().text.starts_with('@')) {
        const std::string_view meaning = expand_nickname(words.front().text);
        if (meaning.empty()) return unknown_nickname(words.front().text);
        words = split_words(meaning, words.front().column);
    }
    if (words.size() < 5 || words.size() > 7) return wrong_count(words.size());

    CronFields& fields = expression.fields_;
    if (words.size() == 5) words.insert(words.begin(), Word{"0", 1});
    if (words.size() == 6) words.push_back({"*", text.size() + 1});
    fields.fixed_time =
        is_fixed(words[0].text) && is_fixed(words[1].text) && is_fixed(words[2].text);
    for (std::size_t i = 0; i < words.size(); ++i) {
        FieldParser field(static_cast<Unit>(i), words[i].text, words[i].column, fields);
        if (auto read = field.parse(); !read) return std::unexpected(read.error());
        expression.warnings_.insert(
            expression.warnings_.end(), field.warnings().begin(), field.warnings().end()
        );
    }
    std::ranges::move(find_cron_lint(words, fields), std::back_inserter(expression.warnings_));
    return expression;
}

}  // namespace tranter::schedule

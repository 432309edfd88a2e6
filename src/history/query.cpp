#include "history/query.hpp"

#include "base/duration.hpp"
#include "base/encoding.hpp"
#include "base/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace tranter::history {
namespace {

constexpr std::size_t query_bytes_max = 4096;
constexpr std::size_t terms_max = 32;
constexpr std::size_t path_depth_max = 16;
constexpr std::string_view arguments_key = "args.";
constexpr std::array<std::string_view, 8> keys = {
    "queue", "type", "state", "group", "tag", "age", "error", "args"};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && !is_blank(c)) || byte == 0x7f;
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Whether there is anything a search can compare. Bytes beyond ASCII may be letters.
bool is_searchable(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
    });
}

bool looks_like_key(std::string_view text) {
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
    });
}

std::unexpected<Error> refuse(std::string message) {
    return fail(Errc::invalid_argument, std::move(message));
}

std::string in_double_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

class Parser {
  public:
    /// With `open_states`, these may be asked for too.
    Parser(std::string_view text, Instant now, std::vector<OpenState>* open_states)
        : text_(text), now_(now), open_states_(open_states) {}

    Result<HistoryFilter> parse() {
        std::size_t terms = 0;
        while (skip_blanks()) {
            if (++terms > terms_max) {
                return refuse(fmt::format("query has more than {} terms", terms_max));
            }
            if (auto done = parse_term(); !done) return std::unexpected(done.error());
        }
        return std::move(filter_);
    }

  private:
    bool skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_]))
            ++at_;
        return at_ < text_.size();
    }

    bool at_end_of_term() const { return at_ == text_.size() || is_blank(text_[at_]); }

    Result<> parse_term() {
        if (text_[at_] == '"') return parse_phrase();
        const std::size_t begin = at_;
        while (!at_end_of_term() && text_[at_] != ':' && text_[at_] != '"')
            ++at_;
        const std::string_view head = text_.substr(begin, at_ - begin);
        if (head.starts_with("age<") || head.starts_with("age>")) {
            at_ = begin + 4;
            return parse_age(head[3]);
        }
        const bool has_colon = at_ < text_.size() && text_[at_] == ':';
        if (has_colon && (looks_like_key(head) || head.starts_with(arguments_key))) {
            ++at_;
            return parse_field(head);
        }
        return parse_word(begin);
    }

    Result<> parse_phrase() {
        auto text = read_quoted();
        if (!text) return std::unexpected(text.error());
        const bool prefix = at_ < text_.size() && text_[at_] == '*';
        if (prefix) ++at_;
        if (!at_end_of_term()) return refuse_glued(*text);
        return add_words(std::move(*text), prefix);
    }

    Result<> parse_word(std::size_t begin) {
        while (!at_end_of_term() && text_[at_] != '"')
            ++at_;
        std::string_view word = text_.substr(begin, at_ - begin);
        if (!at_end_of_term()) return refuse_glued(word);
        const bool prefix = word.ends_with('*');
        if (prefix) word.remove_suffix(1);
        return add_words(std::string(word), prefix);
    }

    Result<> add_words(std::string text, bool prefix) {
        if (!is_searchable(text)) {
            return refuse(
                fmt::format("{} has no letter or digit to search for", in_double_quotes(text))
            );
        }
        filter_.words.push_back({std::move(text), prefix});
        return {};
    }

    static Result<> refuse_glued(std::string_view text) {
        return refuse(fmt::format(
            "a quote and a word meet at {}, put a blank between them or \\ before a quote that is "
            "meant",
            in_double_quotes(text)
        ));
    }

    /// The text between the quote here and the next one.
    Result<std::string> read_quoted() {
        const std::size_t begin = at_++;
        std::string text;
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            text += text_[at_++];
        }
        if (at_ == text_.size()) {
            return refuse(fmt::format("the quote at position {} is never closed", begin + 1));
        }
        ++at_;
        return text;
    }

    Result<std::string> read_value(std::string_view key) {
        std::string value;
        if (at_ < text_.size() && text_[at_] == '"') {
            auto text = read_quoted();
            if (!text) return text;
            if (!at_end_of_term()) return std::unexpected(refuse_glued(*text).error());
            value = std::move(*text);
        } else {
            const std::size_t begin = at_;
            while (!at_end_of_term())
                ++at_;
            value = text_.substr(begin, at_ - begin);
            if (value.find('"') != std::string::npos) {
                return std::unexpected(refuse_glued(value).error());
            }
        }
        if (value.empty()) return refuse(fmt::format("{}: needs a value after the colon", key));
        return value;
    }

    Result<> parse_age(char sign) {
        auto value = read_value("age");
        if (!value) return std::unexpected(value.error());
        const auto age = parse_duration(*value);
        if (!age) {
            return refuse(fmt::format("age{}{}: {}", sign, *value, age.error().message()));
        }
        auto& bound = sign == '>' ? filter_.finished_before : filter_.finished_from;
        if (bound) return refuse(fmt::format("age{} is given twice", sign));
        if (*age > now_.time_since_epoch()) {
            return refuse(fmt::format("age{}{} is before 1970", sign, *value));
        }
        bound = now_ - *age;
        return {};
    }

    Result<> parse_field(std::string_view key) {
        if (key == "age") return refuse("age: needs a sign, like age>5m or age<1h");
        if (key == "args") return refuse("args: needs a field, like args.user.id:42");
        const bool known = std::ranges::find(keys, key) != keys.end();
        if (!known && !key.starts_with(arguments_key)) {
            return refuse(fmt::format(
                "unknown key {}:{}; to search for the text, quote it: \"{}:...\"",
                key,
                did_you_mean(key, keys),
                key
            ));
        }
        auto value = read_value(key);
        if (!value) return std::unexpected(value.error());
        if (key.starts_with(arguments_key)) return add_argument(key, std::move(*value));
        if (key == "state") return add_states(*value);
        if (key == "error") return add_error(std::move(*value));
        if (key == "tag") {
            filter_.tags.push_back(std::move(*value));
            return {};
        }
        auto& field = key == "queue" ? filter_.queue : key == "type" ? filter_.type : filter_.group;
        if (field) {
            return refuse(fmt::format("{}: is given twice, {} and {}", key, *field, *value));
        }
        field = std::move(*value);
        return {};
    }

    Result<> add_error(std::string text) {
        if (!is_searchable(text)) {
            return refuse(
                fmt::format("error:{} has no letter or digit to search for", in_double_quotes(text))
            );
        }
        filter_.errors.push_back(std::move(text));
        return {};
    }

    Result<> add_argument(std::string_view key, std::string value) {
        std::vector<std::string> path;
        std::string_view rest = key.substr(arguments_key.size());
        while (true) {
            const std::size_t dot = rest.find('.');
            path.emplace_back(rest.substr(0, dot));
            if (path.back().empty()) {
                return refuse(fmt::format("{}: has an empty name between its dots", key));
            }
            if (path.size() > path_depth_max) {
                return refuse(fmt::format("{}: is deeper than {} names", key, path_depth_max));
            }
            if (dot == std::string_view::npos) break;
            rest.remove_prefix(dot + 1);
        }
        filter_.arguments.push_back({std::move(path), std::move(value)});
        return {};
    }

    Result<> add_states(std::string_view list) {
        while (true) {
            const std::size_t comma = list.find(',');
            if (auto done = add_state(list.substr(0, comma)); !done) return done;
            if (comma == std::string_view::npos) return {};
            list.remove_prefix(comma + 1);
        }
    }

    Result<> add_state(std::string_view name) {
        if (const auto state = find_state(name)) {
            add_once(filter_.states, *state);
            return {};
        }
        std::vector<std::string_view> names;
        if (open_states_ != nullptr) {
            for (const OpenState state : all_open_states) {
                names.push_back(state_name(state));
                if (names.back() != name) continue;
                add_once(*open_states_, state);
                return {};
            }
        }
        for (const State each : all_states)
            names.push_back(state_name(each));
        return refuse(fmt::format(
            "state:{} is not one of {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)
        ));
    }

    template <class T>
    static void add_once(std::vector<T>& list, T value) {
        if (std::ranges::find(list, value) == list.end()) list.push_back(value);
    }

    std::string_view text_;
    Instant now_;
    std::vector<OpenState>* open_states_;
    std::size_t at_ = 0;
    HistoryFilter filter_;
};

Result<> check_text(std::string_view text) {
    if (text.size() > query_bytes_max) {
        return refuse(fmt::format("query is {} bytes, limit is {}", text.size(), query_bytes_max));
    }
    if (!is_valid_utf8(text)) return refuse("query is not valid UTF-8");
    if (const auto* control = std::ranges::find_if(text, is_control); control != text.end()) {
        return refuse(fmt::format(
            "query has the control character {:#04x} at position {}",
            static_cast<unsigned char>(*control),
            control - text.begin() + 1
        ));
    }
    return {};
}

}  // namespace

std::string_view state_name(OpenState state) {
    switch (state) {
        case OpenState::scheduled:
            return "scheduled";
        case OpenState::processing:
            return "processing";
        case OpenState::pending:
            break;
    }
    return "pending";
}

Result<HistoryFilter> parse_query(std::string_view text, Instant now) {
    if (auto good = check_text(text); !good) return std::unexpected(good.error());
    return Parser(text, now, nullptr).parse();
}

Result<JobQuery> parse_job_query(std::string_view text, Instant now) {
    if (auto good = check_text(text); !good) return std::unexpected(good.error());
    JobQuery query;
    auto filter = Parser(text, now, &query.open_states).parse();
    if (!filter) return std::unexpected(filter.error());
    query.filter = std::move(*filter);
    return query;
}

std::string format_query(const HistoryFilter& filter, Instant now) {
    std::vector<std::string> terms;
    const auto add_field = [&terms](std::string_view key, const std::optional<std::string>& value) {
        if (value) terms.push_back(fmt::format("{}:{}", key, in_double_quotes(*value)));
    };
    add_field("queue", filter.queue);
    add_field("type", filter.type);
    add_field("group", filter.group);
    for (const State state : filter.states)
        terms.push_back(fmt::format("state:{}", state_name(state)));
    for (const std::string& tag : filter.tags)
        terms.push_back("tag:" + in_double_quotes(tag));
    if (filter.finished_before) {
        terms.push_back("age>" + format_duration(now - *filter.finished_before));
    }
    if (filter.finished_from) {
        terms.push_back("age<" + format_duration(now - *filter.finished_from));
    }
    for (const std::string& text : filter.errors)
        terms.push_back("error:" + in_double_quotes(text));
    for (const ArgumentTerm& term : filter.arguments)
        terms.push_back(
            fmt::format("args.{}:{}", fmt::join(term.path, "."), in_double_quotes(term.value))
        );
    for (const TextTerm& term : filter.words)
        terms.push_back(in_double_quotes(term.text) + (term.prefix ? "*" : ""));
    return fmt::format("{}", fmt::join(terms, " "));
}

}  // namespace tranter::history

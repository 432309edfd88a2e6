#include "cli/args.hpp"

#include "base/duration.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace tranter::cli {

namespace {

std::optional<bool> switch_value(std::string_view text) {
    if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "0" || text == "no" || text == "off") return false;
    return std::nullopt;
}

std::string see_help(std::string_view path) {
    return fmt::format("; see '{} --help'", path);
}

using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Reads the words of one command: CLI11 takes them apart, everything that has to be said about
/// them is said here, so that errors are ours and never repeat a value that may be secret.
class LeafParser {
  public:
    LeafParser(const Command& command, std::string_view path) : command_(command), path_(path) {
        app_.set_help_flag();
        app_.allow_extras();
        for (const Option& option : command.options) {
            add(option);
        }
        help_ = app_.add_flag("-h,--help");
    }

    Result<> parse(std::vector<std::string> words, Invocation& invocation) {
        // A place for every word, each for one: a place for many would take [1,2] apart.
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto accept = [](const CLI::results_t&) {
                return true;
            };
            words_.push_back(app_.add_option(fmt::format("word{}", i), accept));
        }
        std::ranges::reverse(words);
        try {
            app_.parse(std::move(words));
        } catch (const CLI::ArgumentMismatch& mismatch) {
            return missing_value(mismatch.what());
        } catch (const CLI::ParseError& error) {
            return fail(Errc::invalid_argument, error.what() + see_help(path_));
        }
        if (help_->count() > 0) {
            invocation.help = true;
            return {};
        }
        Values values;
        if (auto done = collect_options(values); !done) return done;
        if (auto done = collect_words(values); !done) return done;
        invocation.arguments = Arguments(std::move(values));
        return {};
    }

  private:
    const Command& command_;
    std::string_view path_;
    CLI::App app_;
    CLI::Option* help_ = nullptr;
    std::vector<CLI::Option*> words_{};
    std::vector<CLI::Option*> parsed_{};  // in the order of command_.options

    void add(const Option& option) {
        std::string names = fmt::format("--{}", option.name);
        if (option.letter != 0) names += fmt::format(",-{}", option.letter);
        CLI::Option* parsed = nullptr;
        if (option.value.empty()) {
            parsed = app_.add_flag(names);
        } else {
            parsed = app_.add_option(names, [](const CLI::results_t&) { return true; });
        }
        parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        parsed_.push_back(parsed);
    }

    // CLI11 says "--rate: 1 required TEXT missing".
    Result<> missing_value(std::string_view text) const {
        const std::string_view name = text.substr(0, text.find(':'));
        for (const Option& option : command_.options) {
            if (name == fmt::format("--{}", option.name)) {
                const std::string wants = fmt::format("{} needs a value: {}", name, option.value);
                return fail(Errc::invalid_argument, wants + see_help(path_));
            }
        }
        return fail(Errc::invalid_argument, std::string(text) + see_help(path_));
    }

    Result<> collect_options(Values& values) const {
        for (const std::string& extra : app_.remaining()) {
            if (extra != "--") return unknown_option(extra);
        }
        for (std::size_t i = 0; i < parsed_.size(); ++i) {
            const Option& option = command_.options[i];
            std::vector<std::string> given = parsed_[i]->results();
            std::string source = fmt::format("--{}", option.name);
            if (given.empty() && !option.environment.empty()) {
                const char* value = std::getenv(std::string(option.environment).c_str());
                if (value == nullptr || *value == '\0') continue;
                given.emplace_back(value);
                source = option.environment;
            }
            if (given.empty()) continue;
            if (auto checked = check(option, given, source); !checked) return checked;
            values.emplace(option.name, std::move(given));
        }
        return {};
    }

    Result<> check(
        const Option& option, const std::vector<std::string>& given, const std::string& source
    ) const {
        if (given.size() > 1 && !option.repeated) {
            return fail(
                Errc::invalid_argument,
                fmt::format("{} is given {} times, once is right", source, given.size())
            );
        }
        if (option.value.empty() && !switch_value(given.front())) {
            return fail(
                Errc::invalid_argument,
                fmt::format("{} is {}, expected true or false", source, in_quotes(given.front()))
            );
        }
        return check_choice(option.choices, given.front(), source);
    }

    Result<> check_choice(
        const std::vector<std::string_view>& choices, std::string_view given, std::string_view name
    ) const {
        if (choices.empty() || std::ranges::find(choices, given) != choices.end()) return {};
        return fail(
            Errc::invalid_argument,
            fmt::format("{} is {}, expected {}", name, in_quotes(given), fmt::join(choices, " or "))
        );
    }

    Result<> unknown_option(std::string_view word) const {
        const std::string_view name = word.substr(0, word.find('='));
        std::vector<std::string> dashed{"--help"};
        for (const Option& option : command_.options) {
            dashed.push_back(fmt::format("--{}", option.name));
        }
        const std::vector<std::string_view> known(dashed.begin(), dashed.end());
        return fail(
            Errc::invalid_argument,
            fmt::format("unknown option {}{}", in_quotes(name), did_you_mean(name, known)) +
                see_help(path_)
        );
    }

    Result<> collect_words(Values& values) const {
        std::vector<std::string> words;
        for (const CLI::Option* word : words_) {
            words.insert(words.end(), word->results().begin(), word->results().end());
        }
        std::size_t next = 0;
        for (const Positional& positional : command_.positionals) {
            const std::size_t left = words.size() - next;
            if (left == 0 && positional.required) {
                return fail(
                    Errc::invalid_argument,
                    fmt::format("{} is missing", positional.name) + see_help(path_)
                );
            }
            if (left == 0) break;
            const std::size_t take = positional.repeated ? left : 1;
            const auto first = words.begin() + static_cast<std::ptrdiff_t>(next);
            auto done = check_choice(positional.choices, *first, positional.name);
            if (!done) return done;
            values[std::string(positional.name)].assign(
                first, first + static_cast<std::ptrdiff_t>(take)
            );
            next += take;
        }
        if (next == words.size()) return {};
        return fail(
            Errc::invalid_argument,
            fmt::format("unexpected argument {}", in_quotes(words[next])) + see_help(path_)
        );
    }
};

Result<> unknown_command(const Command& parent, std::string_view path, std::string_view word) {
    std::vector<std::string_view> known;
    for (const Command& command : parent.commands) {
        known.push_back(command.name);
    }
    if (word.empty()) {
        return fail(
            Errc::invalid_argument,
            fmt::format("'{}' needs a command: {}", path, fmt::join(known, ", ")) + see_help(path)
        );
    }
    const std::string_view what = word.starts_with('-') ? "option" : "command";
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "unknown {} {}{}",
            what,
            in_quotes(word.substr(0, word.find('='))),
            did_you_mean(word, known)
        ) + see_help(path)
    );
}

}  // namespace

bool Command::is_called(std::string_view word) const {
    return name == word || std::ranges::find(aliases, word) != aliases.end();
}

std::optional<std::string> Arguments::find(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second.front();
}

std::vector<std::string> Arguments::list(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<bool> Arguments::find_switch(std::string_view name) const {
    const auto given = find(name);
    return given ? switch_value(*given) : std::nullopt;
}

Result<std::optional<std::int64_t>> Arguments::integer(std::string_view name, Range range) const {
    const auto given = find(name);
    if (!given) return std::nullopt;
    std::int64_t value = 0;
    const char* end = given->data() + given->size();
    const auto [stop, error] = std::from_chars(given->data(), end, value);
    if (error == std::errc() && stop == end && value >= range.min && value <= range.max) {
        return value;
    }
    std::string expected = fmt::format("at least {}", range.min);
    if (range.max != Range().max) expected = fmt::format("{} to {}", range.min, range.max);
    return fail(
        Errc::invalid_argument,
        fmt::format("--{} is {}, expected a whole number, {}", name, in_quotes(*given), expected)
    );
}

Result<std::optional<Duration>> Arguments::duration(std::string_view name) const {
    const auto given = find(name);
    if (!given) return std::nullopt;
    const auto parsed = parse_duration(*given);
    if (!parsed) {
        return fail(
            Errc::invalid_argument, fmt::format("--{}: {}", name, parsed.error().message())
        );
    }
    return *parsed;
}

Result<std::optional<std::int64_t>> Arguments::seconds(std::string_view name) const {
    const auto given = find(name);
    if (!given) return std::nullopt;
    auto parsed = parse_seconds(*given, fmt::format("--{}", name));
    if (!parsed) return std::unexpected(parsed.error());
    return *parsed;
}

Result<Invocation> parse_command_line(const Command& root, std::vector<std::string> words) {
    Invocation invocation{.command = &root, .path = std::string(root.name)};
    if (!words.empty() && words.front() == "help") {
        words.erase(words.begin());
        words.push_back("--help");
    }
    std::size_t next = 0;
    while (!invocation.command->commands.empty()) {
        const std::string_view word = next < words.size() ? std::string_view(words[next]) : "";
        if (word == "--help" || word == "-h") {
            invocation.help = true;
            return invocation;
        }
        if (word == "--version" && invocation.command == &root) {
            invocation.version = true;
            return invocation;
        }
        if (invocation.command->run != nullptr && (word.empty() || word.starts_with('-'))) break;
        const auto& commands = invocation.command->commands;
        const auto found = std::ranges::find_if(commands, [&word](const Command& command) {
            return command.is_called(word);
        });
        if (found == commands.end()) {
            auto unknown = unknown_command(*invocation.command, invocation.path, word);
            return std::unexpected(unknown.error());
        }
        invocation.command = &*found;
        invocation.path += fmt::format(" {}", found->name);
        ++next;
    }
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(next));
    LeafParser parser(*invocation.command, invocation.path);
    if (auto parsed = parser.parse(std::move(words), invocation); !parsed) {
        return std::unexpected(parsed.error());
    }
    return invocation;
}

Result<std::int64_t> parse_seconds(std::string_view text, std::string_view what) {
    const auto parsed = parse_duration(text);
    if (!parsed) {
        return fail(Errc::invalid_argument, fmt::format("{}: {}", what, parsed.error().message()));
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*parsed);
    if (seconds != *parsed) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} is {}, expected whole seconds", what, in_quotes(text))
        );
    }
    return seconds.count();
}

Result<std::pair<std::string, std::string>> split_assignment(
    std::string_view text, std::string_view what
) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} is {}, expected NAME=VALUE", what, in_quotes(text))
        );
    }
    return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace tranter::cli

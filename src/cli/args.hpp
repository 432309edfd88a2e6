#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

class Arguments;

/// What shells offer behind an option or argument.
enum class Completes : std::uint8_t { nothing, files };

/// `--name VALUE`, or a switch when `value` is empty.
struct Option {
    std::string_view name;   // without dashes
    std::string_view value;  // what help shows behind it: "DURATION"; empty: a switch
    std::string_view help;   // one line, with the default and the unit
    char letter = 0;         // `-o` as well
    bool repeated = false;
    std::vector<std::string_view> choices{};
    std::string_view environment{};  // variable that stands for the option when it is not given
    Completes completes = Completes::nothing;
};

struct Positional {
    std::string_view name;  // "QUEUE"
    std::string_view help;
    bool required = true;
    bool repeated = false;  // only the last
    std::vector<std::string_view> choices{};
    Completes completes = Completes::nothing;
};

struct Example {
    std::string_view does;
    std::string_view line;
};

/// Does what a command says and returns the exit status; main turns a failure into one.
using Action = Result<int> (*)(const Arguments&);

/// One node of the command tree: a noun with `commands` or a verb with `run`. A node with both runs
/// when it stands alone or is followed by options. Parsing, help and shell completion all read the
/// same tree.
struct Command {
    std::string_view name;
    std::string_view summary;        // one line, lower case, no full stop
    std::string_view description{};  // more lines for its own help
    std::vector<Positional> positionals{};
    std::vector<Option> options{};
    std::vector<Example> examples{};
    std::vector<Command> commands{};
    Action run = nullptr;
    /// Other words for it, which neither help nor completion list.
    std::vector<std::string_view> aliases{};

    bool is_called(std::string_view word) const;
};

/// What was given to one command. Asking for a name that the command does not declare finds
/// nothing.
class Arguments {
  public:
    Arguments() = default;
    explicit Arguments(std::map<std::string, std::vector<std::string>, std::less<>> values)
        : values_(std::move(values)) {}

    bool has(std::string_view name) const { return values_.contains(name); }
    /// The only or first value of an option or positional.
    std::optional<std::string> find(std::string_view name) const;
    /// As find(), empty when not given. For required positionals.
    std::string text(std::string_view name) const { return find(name).value_or(""); }
    std::vector<std::string> list(std::string_view name) const;
    /// A switch, on without a value or with one that means yes. Nothing when not given.
    std::optional<bool> find_switch(std::string_view name) const;
    bool is_on(std::string_view name) const { return find_switch(name).value_or(false); }

    struct Range {
        std::int64_t min = 0;
        std::int64_t max = std::numeric_limits<std::int64_t>::max();
    };
    [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view name, Range range)
        const;
    /// A duration with its unit.
    [[nodiscard]] Result<std::optional<Duration>> duration(std::string_view name) const;
    /// A duration of whole seconds, which is what SQS has.
    [[nodiscard]] Result<std::optional<std::int64_t>> seconds(std::string_view name) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_{};
};

/// What the words on the command line mean.
struct Invocation {
    const Command* command = nullptr;  // into the tree that was given
    std::string path{};                // "tranter queue list"
    Arguments arguments{};
    bool help = false;
    bool version = false;
};

/// Reads the words after the program name. A failure is `invalid_argument`: one line that names the
/// first word that does not fit, never the value behind an unknown option, because it may be
/// secret.
[[nodiscard]] Result<Invocation> parse_command_line(
    const Command& root, std::vector<std::string> words
);

/// Seconds of a duration text; `what` names it in the error. SQS knows no fractions.
[[nodiscard]] Result<std::int64_t> parse_seconds(std::string_view text, std::string_view what);

/// "name=value" at its first '='.
[[nodiscard]] Result<std::pair<std::string, std::string>> split_assignment(
    std::string_view text, std::string_view what
);

}  // namespace tranter::cli

#pragma once

#include "base/time.hpp"
#include "cli/fitted_table.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the views of apps have in common.
namespace tranter::cli {

Ink ink_of(supervise::State state);

/// Whether it has a process.
bool has_process(const supervise::InstanceView& instance);

/// How long it has been running; nothing when it does not run.
std::optional<Duration> uptime_of(const supervise::InstanceView& instance, Instant now);

/// "web:0"
std::string label_of(const supervise::InstanceId& id);

/// "code 1", "signal SIGKILL"
std::string ending_text(const supervise::Ending& ending);

/// A path of an app with the number of an instance in it.
std::string path_for(std::string_view path, std::uint32_t number);

/// The columns of an instance in tables, and its row.
std::span<const FittedColumn> instance_columns();
FittedRow instance_row(const supervise::InstanceView& instance, Instant now);

enum class Secrets : std::uint8_t { hidden, shown };

/// The value of a variable as it may be shown: variables whose name says that they are secret
/// (SECRET, TOKEN, PASS, KEY, AUTH and the like) are "[redacted]", and so are passwords in URLs.
std::string visible_value(std::string_view name, std::string_view value, Secrets secrets);

/// By name, of those that stand twice the last.
std::vector<std::pair<std::string, std::string>> visible_environment(
    const supervise::App& app, Secrets secrets
);

/// Without what is said in it: "--token=abc", "--password abc".
std::vector<std::string> visible_command(const supervise::App& app, Secrets secrets);

}  // namespace tranter::cli

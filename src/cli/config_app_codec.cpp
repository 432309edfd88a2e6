#include "cli/config_app_codec.hpp"

#include "appfile/words.hpp"
#include "base/suggest.hpp"
#include "process/spawn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <map>
#include <optional>
#include <string_view>

namespace tranter::cli {
namespace {

using supervise::Dependency;
using supervise::Probe;

std::unexpected<Error> bad(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

// In the order of Probe::Kind.
constexpr std::array<std::string_view, 9> probe_kinds{
    "none", "uptime", "notify", "ipc", "descriptor", "tcp", "http", "exec", "log_line"};
constexpr std::array<std::string_view, 4> word_kinds{"none", "uptime", "notify", "ipc"};
constexpr std::array<std::string_view, 4> probe_numbers{"delay", "period", "timeout", "failures"};
constexpr std::array<std::string_view, 4> conditions{
    "started", "ready", "completed", "completed_successfully"};
constexpr std::array<std::string_view, 3> dependency_keys{"app", "condition", "restart"};
constexpr DurationRange probe_times{Duration{}, std::chrono::hours(24)};
constexpr std::int64_t failures_most = 1000;
constexpr std::int64_t descriptor_most = 1'048'575;

bool is_word_kind(Probe::Kind kind) {
    return static_cast<std::size_t>(kind) < word_kinds.size();
}

Result<void> check_target(Probe::Kind kind, const std::string& target) {
    if (kind == Probe::Kind::http && !target.starts_with("http://")) {
        return bad(
            fmt::format("is \"{}\", write a URL like \"http://127.0.0.1:3000/health\"", target)
        );
    }
    if (kind == Probe::Kind::tcp && !target.contains("{number}")) {
        const std::size_t colon = target.rfind(':');
        const std::string port =
            colon == 0 || colon == std::string::npos ? "" : target.substr(colon + 1);
        int number = 0;
        const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
        if (read.ec != std::errc() || read.ptr != port.data() + port.size() || number < 1 ||
            number > 65535) {
            return bad(fmt::format("is \"{}\", write HOST:PORT like \"127.0.0.1:3000\"", target));
        }
    }
    if (target.empty()) return bad("is empty, write what to look for");
    return {};
}

Result<void> read_probe_kind(const ConfigMember& member, Probe& value, std::size_t kind) {
    value.kind = static_cast<Probe::Kind>(kind);
    if (is_word_kind(value.kind)) {
        bool flag = false;
        if (auto read = read_bool(member.node, flag); !read) return read;
        return flag ? Result<void>{} : bad("is false, remove it");
    }
    if (value.kind == Probe::Kind::exec) return CommandCodec::read(member.node, value.command);
    if (value.kind == Probe::Kind::descriptor) {
        const auto number = read_integer(member.node, 3, descriptor_most);
        if (!number) return std::unexpected(number.error());
        value.target = std::to_string(*number);
        return {};
    }
    if (auto read = read_text(member.node, value.target); !read) return read;
    return check_target(value.kind, value.target);
}

Result<void> read_probe_number(const ConfigMember& member, Probe& value) {
    if (member.key == "failures") {
        const auto number = read_integer(member.node, 1, failures_most);
        if (!number) return std::unexpected(number.error());
        value.failures_max = static_cast<std::uint32_t>(*number);
        return {};
    }
    Duration& time = member.key == "delay"    ? value.delay
                     : member.key == "period" ? value.period
                                              : value.timeout;
    return read_duration(member.node, probe_times, time);
}

std::string probe_table(const Probe& value) {
    std::string what;
    if (is_word_kind(value.kind)) {
        what = "true";
    } else if (value.kind == Probe::Kind::exec) {
        what = toml_texts(value.command);
    } else if (value.kind == Probe::Kind::descriptor) {
        what = value.target;
    } else {
        what = toml_text(value.target);
    }
    const Probe defaults;
    std::string out =
        fmt::format("{{ {} = {}", probe_kinds[static_cast<std::size_t>(value.kind)], what);
    const auto add = [&](std::string_view key, const std::string& text) {
        out += fmt::format(", {} = {}", key, text);
    };
    if (value.delay != defaults.delay) add("delay", toml_duration(value.delay));
    if (value.period != defaults.period) add("period", toml_duration(value.period));
    if (value.timeout != defaults.timeout) add("timeout", toml_duration(value.timeout));
    if (value.failures_max != defaults.failures_max) {
        add("failures", std::to_string(value.failures_max));
    }
    return out + " }";
}

Result<void> read_dependency(const ConfigNode& node, Dependency& value) {
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    if (object == nullptr) return read_text(node, value.app);
    for (const ConfigMember& member : *object) {
        Result<void> read;
        if (member.key == "app") {
            read = read_text(member.node, value.app);
        } else if (member.key == "condition") {
            const auto index = read_name(member.node, conditions);
            if (!index) return std::unexpected(index.error());
            value.condition = static_cast<Dependency::Condition>(*index);
        } else if (member.key == "restart") {
            read = read_bool(member.node, value.restarts_with_it);
        } else {
            return bad(fmt::format(
                "has an unknown key {}{}", member.key, did_you_mean(member.key, dependency_keys)
            ));
        }
        if (!read) return bad(fmt::format("\"{}\" {}", member.key, read.error().message()));
    }
    return {};
}

}  // namespace

Result<void> CommandCodec::read(const ConfigNode& node, std::vector<std::string>& value) {
    if (const auto* text = std::get_if<std::string>(&node.value)) {
        value = appfile::split_words(*text);
    } else if (auto read = read_texts(node, value); !read) {
        return read;
    }
    if (value.empty() || value.front().empty()) {
        return bad("is empty, write a program and its arguments");
    }
    return {};
}

Result<void> VariablesCodec::read(const ConfigNode& node, Variables& value) {
    std::map<std::string, std::string> variables;
    if (auto read = read_text_map(node, variables); !read) return read;
    for (const auto& [name, text] : variables) {
        if (name.empty() || name.contains('=')) {
            return bad(fmt::format("\"{}\" is no name of a variable", name));
        }
    }
    value.assign(variables.begin(), variables.end());
    return {};
}

std::string VariablesCodec::write(const Variables& value) {
    return toml_text_map({value.begin(), value.end()});
}

Result<void> ProbeCodec::read(const ConfigNode& node, Probe& value) {
    Probe probe;
    if (std::holds_alternative<std::string>(node.value)) {
        const auto index = read_name(node, word_kinds);
        if (!index) return std::unexpected(index.error());
        value = {.kind = static_cast<Probe::Kind>(*index)};
        return {};
    }
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    if (object == nullptr) {
        return bad(fmt::format(
            "is {}, write {} or a table like {{ http = \"http://127.0.0.1:3000/health\" }}",
            kind_of(node),
            describe_names(word_kinds)
        ));
    }
    bool has_kind = false;
    for (const ConfigMember& member : *object) {
        const auto kind = std::ranges::find(probe_kinds, std::string_view(member.key));
        Result<void> read;
        if (kind != probe_kinds.end()) {
            if (has_kind) return bad(fmt::format("has more than one kind, remove {}", member.key));
            has_kind = true;
            read = read_probe_kind(
                member, probe, static_cast<std::size_t>(kind - probe_kinds.begin())
            );
        } else if (std::ranges::find(probe_numbers, std::string_view(member.key)) != probe_numbers.end()) {
            read = read_probe_number(member, probe);
        } else {
            std::vector<std::string_view> names(probe_kinds.begin(), probe_kinds.end());
            names.insert(names.end(), probe_numbers.begin(), probe_numbers.end());
            return bad(
                fmt::format("has an unknown key {}{}", member.key, did_you_mean(member.key, names))
            );
        }
        if (!read) return bad(fmt::format("\"{}\" {}", member.key, read.error().message()));
    }
    if (!has_kind)
        return bad(fmt::format("has no kind, write one of {}", describe_names(probe_kinds)));
    value = std::move(probe);
    return {};
}

std::string ProbeCodec::write(const Probe& value) {
    if (is_word_kind(value.kind) && value == Probe{.kind = value.kind}) {
        return toml_text(probe_kinds[static_cast<std::size_t>(value.kind)]);
    }
    return probe_table(value);
}

Result<void> DependenciesCodec::read(const ConfigNode& node, std::vector<Dependency>& value) {
    const auto* array = std::get_if<ConfigNode::Array>(&node.value);
    if (array == nullptr) {
        return bad(fmt::format(
            "is {}, write a list like [\"db\", {{ app = \"migrate\", condition = \"completed\" }}]",
            kind_of(node)
        ));
    }
    std::vector<Dependency> out;
    for (const ConfigNode& element : *array) {
        Dependency one;
        auto read = read_dependency(element, one);
        if (read && one.app.empty()) read = bad("names no app");
        if (!read) return bad(fmt::format("element {} {}", out.size() + 1, read.error().message()));
        out.push_back(std::move(one));
    }
    value = std::move(out);
    return {};
}

std::string DependenciesCodec::write(const std::vector<Dependency>& value) {
    std::vector<std::string> out;
    for (const Dependency& one : value) {
        if (one == Dependency{.app = one.app}) {
            out.push_back(toml_text(one.app));
            continue;
        }
        std::string text = fmt::format("{{ app = {}", toml_text(one.app));
        if (one.condition != Dependency{}.condition) {
            text += fmt::format(
                ", condition = {}", toml_text(conditions[static_cast<std::size_t>(one.condition)])
            );
        }
        out.push_back(text + (one.restarts_with_it ? ", restart = true }" : " }"));
    }
    return fmt::format("[{}]", fmt::join(out, ", "));
}

Result<void> SignalCodec::read(const ConfigNode& node, int& value) {
    std::string text;
    if (auto read = read_text(node, text); !read) return read;
    std::string name = text.starts_with("SIG") ? text : "SIG" + text;
    for (int number = 1; number < NSIG; ++number) {
        if (::sigabbrev_np(number) == nullptr || process::signal_name(number) != name) continue;
        value = number;
        return {};
    }
    return bad(fmt::format("is \"{}\", write a signal like \"SIGTERM\"", text));
}

std::string SignalCodec::write(int value) {
    return toml_text(process::signal_name(value));
}

Result<void> ExitCodesCodec::read(const ConfigNode& node, std::vector<int>& value) {
    const auto* array = std::get_if<ConfigNode::Array>(&node.value);
    if (array == nullptr) return bad(fmt::format("is {}, write a list like [0, 3]", kind_of(node)));
    std::vector<int> out;
    for (const ConfigNode& element : *array) {
        const auto number = read_integer(element, 0, 255);
        if (!number) {
            return bad(fmt::format("element {} {}", out.size() + 1, number.error().message()));
        }
        out.push_back(static_cast<int>(*number));
    }
    value = std::move(out);
    return {};
}

std::string ExitCodesCodec::write(const std::vector<int>& value) {
    return fmt::format("[{}]", fmt::join(value, ", "));
}

Result<void> UmaskCodec::read(const ConfigNode& node, int& value) {
    std::string text;
    if (auto read = read_text(node, text); !read) return read;
    int number = -1;
    const char* const end = text.data() + text.size();
    if (!text.empty()) {
        const auto read = std::from_chars(text.data(), end, number, 8);
        const bool is_mask = read.ec == std::errc() && read.ptr == end && number >= 0;
        if (!is_mask || number > 0777) {
            return bad(fmt::format("is \"{}\", write octal digits like \"027\"", text));
        }
    }
    value = number;
    return {};
}

std::string UmaskCodec::write(int value) {
    return toml_text(value < 0 ? "" : fmt::format("{:03o}", value));
}

Result<void> read_fraction(
    const ConfigNode& node, std::int64_t min, std::int64_t max, double& value
) {
    const auto* whole = std::get_if<std::int64_t>(&node.value);
    const auto* fraction = std::get_if<double>(&node.value);
    const double number = whole != nullptr      ? static_cast<double>(*whole)
                          : fraction != nullptr ? *fraction
                                                : static_cast<double>(max) + 1;
    if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max))) {
        return bad(fmt::format("is {}, write a number from {} to {}", kind_of(node), min, max));
    }
    value = number;
    return {};
}

}  // namespace tranter::cli

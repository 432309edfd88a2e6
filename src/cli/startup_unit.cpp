#include "cli/startup_unit.hpp"

#include <fmt/format.h>

#include <iterator>

namespace tranter::cli {

namespace {

constexpr std::string_view unit_mark = "# Written by `tranter startup`; it replaces this file.\n";

enum class DollarSigns { kept, doubled };

/// One word of a command line or an assignment: systemd takes apart at blanks, knows C escapes and
/// %-specifiers, and in command lines variables.
std::string unit_word(std::string_view word, DollarSigns dollars) {
    std::string out = "\"";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '%') {
            out += "%%";
        } else if (c == '$' && dollars == DollarSigns::doubled) {
            out += "$$";
        } else if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string command_line(const StartupUnit& unit, std::string_view words) {
    // A program cannot be a variable.
    return fmt::format("{} {}", unit_word(unit.program, DollarSigns::kept), words);
}

}  // namespace

std::string unit_text(const StartupUnit& unit) {
    const bool of_system = !unit.user.empty();
    std::string out(unit_mark);
    out +=
        "[Unit]\n"
        "Description=Tranter, and the apps that it keeps running\n"
        "Documentation=man:tranter(1)\n";
    if (of_system) out += "Wants=network-online.target\nAfter=network-online.target\n";
    out += "\n[Service]\nType=notify\n";
    if (of_system) fmt::format_to(std::back_inserter(out), "User={}\n", unit.user);
    for (const auto& [name, value] : unit.environment) {
        fmt::format_to(
            std::back_inserter(out),
            "Environment={}\n",
            unit_word(fmt::format("{}={}", name, value), DollarSigns::kept)
        );
    }
    const std::string begin =
        unit.file.empty()
            ? "resurrect"
            : fmt::format("up --no-wait {}", unit_word(unit.file, DollarSigns::doubled));
    // What fails to start is restarted by the daemon, and no reason to end that.
    fmt::format_to(
        std::back_inserter(out),
        "ExecStart={}\nExecStartPost=-{}\nExecReload={}\n",
        command_line(unit, "daemon"),
        command_line(unit, begin),
        command_line(unit, "reload all")
    );
    // The daemon stops its apps in order, each within its own limit; the rest is for what is left
    // of them. It makes control groups below its own.
    out +=
        "KillMode=mixed\n"
        "Delegate=yes\n"
        "Restart=on-failure\n"
        "RestartSec=1\n"
        "TimeoutStopSec=15min\n";
    fmt::format_to(
        std::back_inserter(out),
        "\n[Install]\nWantedBy={}\n",
        of_system ? "multi-user.target" : "default.target"
    );
    return out;
}

bool is_our_unit(std::string_view text) {
    return text.starts_with(unit_mark);
}

}  // namespace tranter::cli

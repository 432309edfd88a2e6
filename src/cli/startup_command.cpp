#include "cli/startup_command.hpp"

#include "base/unicode.hpp"
#include "cli/daemon_home.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/startup_unit.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace tranter::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view unit_name = "tranter.service";

/// Where the unit belongs, and how systemctl is told of it.
struct UnitPlace {
    bool of_system = false;
    fs::path path{};
    std::string systemctl{};
};

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

Result<UnitPlace> choose_place(const Arguments& arguments) {
    if (arguments.is_on("user") && arguments.is_on("system")) {
        return fail(Errc::invalid_argument, "--user and --system are both given, expected one");
    }
    UnitPlace place;
    place.of_system = arguments.is_on("system") || (!arguments.is_on("user") && ::geteuid() == 0);
    if (place.of_system) {
        place.path = fs::path("/etc/systemd/system") / unit_name;
        place.systemctl = "systemctl";
        return place;
    }
    fs::path folder;
    if (const auto config = variable("XDG_CONFIG_HOME")) {
        folder = *config;
    } else if (const auto home = variable("HOME")) {
        folder = fs::path(*home) / ".config";
    } else {
        return fail(
            Errc::invalid_argument, "HOME is not set, and nobody knows where units of a user are"
        );
    }
    place.path = folder / "systemd" / "user" / unit_name;
    place.systemctl = "systemctl --user";
    return place;
}

/// Whoever called sudo, most likely, is whose apps they are.
Result<std::string> choose_user(const Arguments& arguments) {
    std::string user = arguments.find("run-as").value_or(variable("SUDO_USER").value_or("root"));
    if (::getpwnam(user.c_str()) != nullptr) return user;
    return fail(Errc::not_found, fmt::format("there is no user {}", in_quotes(user)));
}

Result<StartupUnit> plan_unit(const Arguments& arguments, const UnitPlace& place) {
    StartupUnit unit{.program = own_program()};
    if (place.of_system) {
        auto user = choose_user(arguments);
        if (!user) return std::unexpected(user.error());
        unit.user = std::move(*user);
    } else if (arguments.has("run-as")) {
        return fail(
            Errc::invalid_argument, "--run-as is for --system, a unit of a user is his own"
        );
    }
    if (const auto file = arguments.find("FILE")) {
        std::error_code failed;
        const fs::path absolute = fs::canonical(*file, failed);
        if (failed) {
            return fail(Errc::not_found, fmt::format("{}: {}", in_quotes(*file), failed.message()));
        }
        unit.file = absolute.string();
    }
    // What systemd has instead has no node of nvm and the like in it.
    for (const char* name : {"PATH", "TRANTER_HOME"}) {
        if (auto value = variable(name)) unit.environment.emplace_back(name, std::move(*value));
    }
    return unit;
}

Result<> check_replaceable(const fs::path& path) {
    const auto there = read_file(path.string());
    if (!there && there.error().code() == Errc::not_found) return {};
    if (!there) return std::unexpected(there.error());
    if (is_our_unit(*there)) return {};
    return fail(
        Errc::conflict,
        fmt::format("{} is there and not ours, remove it first", in_quotes(path.string()))
    );
}

Result<> write_unit(const fs::path& path, const std::string& text) {
    if (auto replaceable = check_replaceable(path); !replaceable) return replaceable;
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed) {
        return fail(
            Errc::permission_denied,
            fmt::format(
                "cannot make {}: {}", in_quotes(path.parent_path().string()), failed.message()
            )
        );
    }
    if (auto written = replace_file(path.string(), text); !written) return written;
    // Units are for everybody to read.
    fs::permissions(path, fs::perms(0644), failed);
    return {};
}

std::string current_user() {
    const passwd* entry = ::getpwuid(::geteuid());
    return entry == nullptr ? std::to_string(::geteuid()) : entry->pw_name;
}

void say_how_to_enable(const UnitPlace& place, bool written) {
    if (!written) say(fmt::format("as {}, or with --write, and then:", place.path.string()));
    if (written) say("written; to start it now and at every boot:");
    say(fmt::format("  {} daemon-reload", place.systemctl));
    say(fmt::format("  {} enable --now {}", place.systemctl, unit_name));
    if (!place.of_system) say(fmt::format("  loginctl enable-linger {}", current_user()));
}

Result<int> run_startup(const Arguments& arguments) {
    const auto place = choose_place(arguments);
    if (!place) return std::unexpected(place.error());
    const auto unit = plan_unit(arguments, *place);
    if (!unit) return std::unexpected(unit.error());
    const std::string text = unit_text(*unit);
    if (!arguments.is_on("write")) {
        write_all(STDOUT_FILENO, text);
        say_how_to_enable(*place, false);
        return 0;
    }
    if (auto written = write_unit(place->path, text); !written) {
        return std::unexpected(written.error());
    }
    write_all(STDOUT_FILENO, place->path.string() + "\n");
    say_how_to_enable(*place, true);
    return 0;
}

Result<int> run_unstartup(const Arguments& arguments) {
    const auto place = choose_place(arguments);
    if (!place) return std::unexpected(place.error());
    if (!arguments.is_on("write")) {
        write_all(
            STDOUT_FILENO,
            fmt::format(
                "{0} disable --now {1}\nrm {2}\n{0} daemon-reload\n",
                place->systemctl,
                unit_name,
                place->path.string()
            )
        );
        return 0;
    }
    if (auto removable = check_replaceable(place->path); !removable) {
        return std::unexpected(removable.error());
    }
    std::error_code failed;
    if (!fs::remove(place->path, failed)) {
        const bool missing = !failed;
        return fail(
            missing ? Errc::not_found : Errc::permission_denied,
            fmt::format(
                "cannot remove {}: {}",
                in_quotes(place->path.string()),
                missing ? "it is not there" : failed.message()
            )
        );
    }
    write_all(STDOUT_FILENO, place->path.string() + "\n");
    say(fmt::format("removed; {} daemon-reload", place->systemctl));
    return 0;
}

const Option for_user{
    .name = "user", .value = "", .help = "a unit of this user (default, but for root)"};
const Option for_system{
    .name = "system", .value = "", .help = "a unit of the system (default for root)"};

}  // namespace

Command startup_command() {
    return {
        .name = "startup",
        .summary = "print a systemd unit that starts the daemon and the apps",
        .description =
            "With FILE the apps of that file are started, otherwise those that `tranter save` has "
            "saved. The unit\ngoes to stdout; what to do with it, to stderr. Nothing is changed "
            "without --write.",
        .positionals =
            {{.name = "FILE",
              .help = "which apps to start, as of `tranter up` (default: what was saved)",
              .required = false,
              .completes = Completes::files}},
        .options =
            {for_user,
             for_system,
             {.name = "run-as",
              .value = "USER",
              .help = "whose processes they are, of --system (default: $SUDO_USER, root)"},
             {.name = "write", .value = "", .help = "put the unit where it belongs"}},
        .examples =
            {{"what it looks like", "tranter startup --user"},
             {"apps of a project, for the whole system",
              "sudo tranter startup --write /srv/shop/ecosystem.config.cjs"}},
        .run = run_startup,
    };
}

Command unstartup_command() {
    return {
        .name = "unstartup",
        .summary = "print how to take back what `tranter startup --write` did",
        .options =
            {for_user, for_system, {.name = "write", .value = "", .help = "remove the unit file"}},
        .examples = {{"what to type", "tranter unstartup --user"}},
        .run = run_unstartup,
    };
}

}  // namespace tranter::cli

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

/// A systemd unit that runs the daemon and has it start the apps.
struct StartupUnit {
    std::string program{};  // path of ours
    std::string file{};     // that `tranter up` is given; empty: what `tranter save` has saved
    std::string user{};     // empty: a unit of a user, for himself
    std::vector<std::pair<std::string, std::string>> environment{};
};

/// The text of the unit file. Everything in it is quoted, so that no path or variable means
/// anything else to systemd than itself.
std::string unit_text(const StartupUnit& unit);

/// Whether the text of a unit file is unit_text() of any unit, so that it may be replaced.
bool is_our_unit(std::string_view text);

}  // namespace tranter::cli

#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "control/client.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The folder of the daemon of `tranter up` and the files in it.
namespace tranter::cli {

/// TRANTER_HOME of our environment, else ~/.tranter.
[[nodiscard]] Result<control::Home> own_home();

/// Makes the folder and those in it, for our user alone. `permission_denied` when another user owns
/// it, since whoever may write to it decides what runs.
[[nodiscard]] Result<> make_home(const control::Home& home);

/// Held for as long as it lives: whoever has it is the only daemon of this home. `conflict` while
/// another one has it.
[[nodiscard]] Result<Descriptor> lock_home(const control::Home& home);
/// Whether somebody holds it, without taking it even for a moment.
bool is_home_locked(const control::Home& home);

/// The log of the daemon itself.
/// All that the daemon keeps for itself; the folder too, with whatever is in it.
std::vector<std::string> own_places(const control::Home& home);

std::string daemon_log(const control::Home& home);
/// Appended to from now on. A long one is moved away before, to make room.
[[nodiscard]] Result<Descriptor> open_daemon_log(const control::Home& home);

enum class Outlives : std::uint8_t { process, power_loss };
/// Either all of `text` is in the file afterwards or what was in it before. For our user alone.
[[nodiscard]] Result<> replace_file(
    const std::string& path, std::string_view text, Outlives outlives = Outlives::power_loss
);
/// `not_found` when there is none.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace tranter::cli

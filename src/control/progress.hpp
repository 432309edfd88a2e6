#pragma once

#include "control/targets.hpp"
#include "supervise/supervisor.hpp"
#include "supervise/view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::control {

/// How far an app, or one instance of it, is on its way to where it will stay.
enum class Progress : std::uint8_t { under_way, arrived, failed };

/// `instances` are those of the supervisor. Failed is what is errored, and what waits for an app
/// that is.
Progress progress_of(
    const supervise::Supervisor& supervisor,
    const Target& target,
    const std::vector<supervise::InstanceView>& instances
);

/// Whether anything of it runs, or is about to.
bool is_running(const Target& target, const std::vector<supervise::InstanceView>& instances);

/// What keeps those of its instances that are not well, for people: "web:0 is errored: ended with
/// code 1". Empty: nothing.
std::string troubles_of(
    const Target& target, const std::vector<supervise::InstanceView>& instances
);

/// "ended with code 3", "ended by SIGKILL".
std::string ending_text(const supervise::Ending& ending);

}  // namespace tranter::control

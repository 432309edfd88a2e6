#pragma once

#include "base/time.hpp"
#include "cli/screen_text.hpp"
#include "supervise/view.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

/// What `tranter monit` shows at a moment.
struct MonitView {
    std::vector<supervise::InstanceView> instances{};
    std::optional<supervise::InstanceId> selected{};  // stays when others come and go
    std::vector<supervise::OutputLine> lines{};       // of the selected one, oldest first
    std::string trouble{};                            // why it is not up to date; empty: it is
    std::string message{};                            // what became of the last key
    bool shows_help = false;
    Instant now{};
};

/// The place of what is selected among the instances; the first when it is gone, nothing when there
/// is none.
std::optional<std::size_t> selected_place(const MonitView& view);

/// Selects what is `steps` further down, or up when that is negative.
void move_selection(MonitView& view, std::ptrdiff_t steps);

/// As many lines as there are rows: instances in the upper half, what the selected one prints in
/// the lower.
Frame monit_frame(const MonitView& view, ScreenSize size);

}  // namespace tranter::cli

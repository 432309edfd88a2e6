#pragma once

#include "handlers/child_process.hpp"

#include <tranter/registry.hpp>

#include <memory>

namespace tranter::handlers {

/// A pool of long-lived processes, each of which does one job at a time; see child_message.hpp for
/// what they are told and say. They are started when they are needed, again when they have ended,
/// and end when the handler is destroyed. With more jobs at a time than processes the rest waits.
/// With `orphans` also what left their groups goes, a moment after they have ended.
///
/// Throws Exception (`invalid_argument`) for an empty command or a pool of none.
[[nodiscard]] RunHandler make_child_handler(
    ChildOptions options, const Getenv& getenv, std::shared_ptr<OrphanWatch> orphans = {}
);

}  // namespace tranter::handlers

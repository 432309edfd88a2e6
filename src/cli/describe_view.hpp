#pragma once

#include "base/time.hpp"
#include "cli/app_view.hpp"
#include "cli/json.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <span>
#include <string>

namespace tranter::cli {

/// An app and its instances as `tranter describe` shows them.
struct DescribedApp {
    const supervise::App& app;
    std::vector<supervise::InstanceView> instances{};
};

/// What is said of an app and is not as it is by default, in words, then each instance. Ends with a
/// newline.
std::string describe_text(const DescribedApp& described, Secrets secrets, Instant now);

/// All of it, by the names of docs/control-protocol.md. Times and durations are microseconds.
Json describe_json(const DescribedApp& described, Secrets secrets);

/// The variables of an app as an object.
Json variables_json(const supervise::App& app, Secrets secrets);

}  // namespace tranter::cli

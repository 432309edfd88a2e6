#pragma once

#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

/// Apps and instances for tests of views.
namespace tranter::cli {

inline constexpr Instant test_now{std::chrono::seconds(1'800'000'000)};

inline supervise::InstanceView running_instance(
    std::uint32_t key, std::string app, std::uint32_t number = 0
) {
    using namespace std::chrono_literals;
    return {
        .key = key,
        .id = {.app = std::move(app), .number = number},
        .space = "default",
        .state = supervise::State::ready,
        .pid = static_cast<pid_t>(4000 + key),
        .started_at = test_now - 3h,
        .restarts = 2,
        .use = {.memory_bytes = 64U << 20U, .cpu_micros = 5'000'000, .processes = 1},
        .cpu_share = 0.125,
    };
}

inline supervise::InstanceView errored_instance(std::uint32_t key, std::string app) {
    using namespace std::chrono_literals;
    return {
        .key = key,
        .id = {.app = std::move(app)},
        .space = "jobs",
        .state = supervise::State::errored,
        .started_at = test_now - 1min,
        .restarts = 10,
        .last_ending = supervise::Ending{.code = 3},
        .note = "given up after 10 restarts",
    };
}

inline supervise::OutputLine printed_line(
    supervise::InstanceId id, std::chrono::microseconds after, std::string text, bool errors = false
) {
    return {
        .id = std::move(id),
        .is_errors = errors,
        .at = test_now + after,
        .text = std::move(text),
    };
}

}  // namespace tranter::cli

#pragma once

#include "providers/broker_provider.hpp"

#include <tranter/provider.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace tranter::providers {

struct OwnedBrokerOptions {
    std::filesystem::path directory{};  // empty: memory
    ProviderOptions provider{};         // of these: virtual_time, durability, history
    std::uint64_t seed = 0;             // of the jitter of retries; 0: other numbers at each start
};

/// The queues of a program that has them for itself: what memory: and file: open.
/// `invalid_argument` for options that are wrong, `unavailable` when the directory cannot be used
/// or another process has it.
[[nodiscard]] Result<std::shared_ptr<Provider>> open_broker_provider(
    const OwnedBrokerOptions& options
);

}  // namespace tranter::providers

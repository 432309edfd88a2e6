#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <tranter/job.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::providers {

/// One delivery, in a text that any process can settle it with: what SQS does not tell us again is
/// written into it.
struct SqsReceipt {
    std::uint64_t process = 0;   // that received it; a random number
    std::uint64_t delivery = 0;  // counted by that process
    std::uint32_t attempt = 1;
    Instant received_at{};
    /// How long the job rests when this attempt fails; nothing: it was the last one.
    std::optional<Milliseconds> retry_after{};
    std::string queue{};
    std::string message_id{};
    std::string handle{};  // ReceiptHandle

    std::string text() const;
    /// `invalid_argument` when it is none of text(), or was changed on its way.
    static Result<SqsReceipt> parse(std::string_view text);
};

}  // namespace tranter::providers

#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

/// Names one delivery of a job: whoever lost the job has the number of an earlier one.
struct Receipt {
    std::string id{};  // a UUID
    std::int32_t delivery = 0;
};

/// "0b0e6a3c-7c3c-4d4f-9f0e-5a2f1f0d0003.1"
std::string format_receipt(std::string_view id, std::int32_t delivery);
/// `invalid_argument` for what format_receipt() never made.
[[nodiscard]] Result<Receipt> parse_receipt(std::string_view text);

/// What a call about a delivery is told that has ended, or of a job that nobody knows (any more).
Error delivery_over(bool is_known);

}  // namespace tranter::postgres_jobs

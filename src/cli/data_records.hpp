#pragma once

#include "base/error.hpp"
#include "cli/json.hpp"
#include "log/format.hpp"

#include <string_view>

namespace tranter::cli {

/// Adds the name of a record's type and everything it says, for people and scripts. Message bodies
/// are cut to their beginnings unless `bodies`. `corrupted` when the bytes are no record of this
/// version; then `error` says why.
Result<> describe_record(Json& row, log::RecordType type, std::string_view body, bool bodies);

}  // namespace tranter::cli

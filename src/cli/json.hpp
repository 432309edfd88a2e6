#pragma once

#include "aws/json.hpp"

namespace tranter::cli {

/// What the commands print is what the SQS client sends and receives.
using aws::is_valid_utf8;
using aws::Json;
using aws::JsonMember;

}  // namespace tranter::cli

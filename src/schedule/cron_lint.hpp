#pragma once

#include "schedule/cron_fields.hpp"
#include "schedule/expression_text.hpp"

#include <span>
#include <string>
#include <vector>

namespace tranter::schedule {

/// What is right and surely was not meant, one sentence each. `words` are the seven fields of a
/// cron expression that was read into `fields`.
std::vector<std::string> find_cron_lint(std::span<const Word> words, const CronFields& fields);

}  // namespace tranter::schedule

#pragma once

#include "cli/args.hpp"
#include "cli/output.hpp"

#include <string_view>
#include <vector>

namespace tranter::cli {

/// How and where a command prints, by --output and what stdout is.
Output::Options stdout_options(const Arguments& arguments);

/// --output, for a command that prints in these formats.
Option output_option(
    std::vector<std::string_view> formats = {"table", "wide", "json", "ndjson", "name"}
);

}  // namespace tranter::cli

#pragma once

#include "cli/config_file.hpp"

#include <iosfwd>
#include <string>

/// `tranter config ...`. Each function is one subcommand: data goes to `out`, talk to `err`, and
/// the answer is the exit status.
namespace tranter::cli::config_command {

/// Reads the file as `serve` would, TRANTER_* variables included, and says whether `serve` would
/// start with it. 0, or 2 with one line on `err`. Notices go to `err` too.
int check(
    const std::string& file,
    bool insecure,
    const std::vector<std::string>& environment,
    std::ostream& out,
    std::ostream& err
);

/// Prints elasticmq.conf as tranter.toml, notices as comments on top. 0 or 2.
int convert(const std::string& file, std::ostream& out, std::ostream& err);

}  // namespace tranter::cli::config_command

#include "cli/stdout_output.hpp"

#include "cli/terminal.hpp"

#include <unistd.h>

#include <utility>

namespace tranter::cli {

Output::Options stdout_options(const Arguments& arguments) {
    return {
        .format = choose_format(arguments.find("output"), is_terminal(STDOUT_FILENO)),
        .fd = STDOUT_FILENO,
        .columns = terminal_columns(STDOUT_FILENO),
    };
}

Option output_option(std::vector<std::string_view> formats) {
    return {
        .name = "output",
        .value = "FORMAT",
        .help = "how to print (default: table on a terminal, otherwise json)",
        .letter = 'o',
        .choices = std::move(formats)};
}

}  // namespace tranter::cli

#include "cli/job_commands.hpp"

#include <fmt/format.h>

namespace tranter::cli {

std::string search_value(std::string_view text) {
    if (!text.empty() && text.find_first_of(" \t\"\\") == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string job_filter(const Arguments& arguments) {
    std::string filter = arguments.text("filter");
    const auto add = [&](std::string_view term) {
        if (!filter.empty()) filter += ' ';
        filter += term;
    };
    for (const std::string_view name : {"queue", "type", "group", "tag"}) {
        for (const std::string& value : arguments.list(name)) {
            add(fmt::format("{}:{}", name, search_value(value)));
        }
    }
    std::string states;
    for (const std::string& state : arguments.list("state")) {
        states += states.empty() ? "state:" : ",";
        states += state;
    }
    if (!states.empty()) add(states);
    if (const auto since = arguments.find("since")) add("age<" + *since);
    return filter;
}

std::vector<Option> job_filter_options() {
    return {
        {.name = "filter",
         .value = "TEXT",
         .help = "words and terms: state:dead args.user.id:42 error:timeout age>5m tag:a invoice"},
        {.name = "queue", .value = "NAME", .help = "only of this queue"},
        {.name = "type", .value = "TYPE", .help = "only of this type"},
        {.name = "state",
         .value = "STATE",
         .help = "only in this state",
         .repeated = true,
         .choices =
             {"pending", "scheduled", "processing", "completed", "failed", "dead", "cancelled"}},
        {.name = "group", .value = "KEY", .help = "only of this group"},
        {.name = "tag", .value = "TAG", .help = "only with this tag", .repeated = true},
        {.name = "since", .value = "DURATION", .help = "only what finished so long ago or later"},
    };
}

}  // namespace tranter::cli

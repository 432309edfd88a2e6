#include "cli/serve_options.hpp"

#include "cli/log_flags.hpp"
#include "cli/server_config.hpp"

#include <fmt/format.h>

namespace tranter::cli {

namespace {

constexpr std::int64_t threads_max = 1024;
constexpr std::int64_t fd_max = 1048576;

Result<std::optional<int>> small_integer(
    const Arguments& arguments, std::string_view name, Arguments::Range range
) {
    const auto value = arguments.integer(name, range);
    if (!value) return std::unexpected(value.error());
    if (!*value) return std::nullopt;
    return static_cast<int>(**value);
}

Result<> check_address(const Arguments& arguments, std::string_view name) {
    const auto given = arguments.find(name);
    if (!given) return {};
    const auto parsed = parse_endpoint(*given);
    if (parsed) return {};
    return fail(parsed.error().code(), fmt::format("--{}: {}", name, parsed.error().message()));
}

}  // namespace

std::vector<Option> serve_options() {
    return {
        {.name = "config",
         .value = "FILE",
         .help = "tranter.toml or an elasticmq.conf (default: none)",
         .completes = Completes::files},
        {.name = "sqs",
         .value = "ADDR:PORT",
         .help = "where the SQS API listens (default: 127.0.0.1:9324)"},
        {.name = "admin",
         .value = "ADDR:PORT",
         .help = "where health, metrics and statistics listen (default: 127.0.0.1:9325)"},
        {.name = "provider",
         .value = "URL",
         .help =
             "serve the Jobs API, health and metrics over this store, with no queues of its own: "
             "postgres://HOST/DATABASE"},
        {.name = "data",
         .value = "DIR",
         .help = "keep queues and messages in this directory (default: memory only)",
         .completes = Completes::files},
        {.name = "durability",
         .value = "LEVEL",
         .help = "what an acknowledged change survives: sync a power loss, os a crash of the "
                 "server, none nothing (default: sync)",
         .choices = {"none", "os", "sync"}},
        {.name = "repair",
         .value = "",
         .help = "when the data directory is damaged, save what is intact and start with that"},
        {.name = "limits",
         .value = "MODE",
         .help = "as strict as AWS, or as relaxed as ElasticMQ's relaxed (default: strict)",
         .choices = {"strict", "relaxed"}},
        {.name = "auto-create", .value = "", .help = "create a queue at its first use by name"},
        {.name = "threads", .value = "N", .help = "I/O threads (default: one per core)"},
        {.name = "insecure",
         .value = "",
         .help = "allow other machines to connect without authentication"},
        {.name = "require-durable",
         .value = "",
         .help = "/api/health/ready fails while queues are in memory only"},
        log_format_option(),
        log_level_option(),
        {.name = "ready-fd",
         .value = "N",
         .help = "write a line to this file descriptor once the server listens"},
    };
}

Result<ServeFlags> read_serve_flags(const Arguments& arguments) {
    for (const std::string_view name : {"sqs", "admin"}) {
        auto checked = check_address(arguments, name);
        if (!checked) return std::unexpected(checked.error());
    }
    const auto threads = small_integer(arguments, "threads", {.min = 1, .max = threads_max});
    if (!threads) return std::unexpected(threads.error());
    const auto ready_fd = small_integer(arguments, "ready-fd", {.min = 0, .max = fd_max});
    if (!ready_fd) return std::unexpected(ready_fd.error());
    return ServeFlags{
        .config_file = arguments.find("config"),
        .sqs = arguments.find("sqs"),
        .admin = arguments.find("admin"),
        .provider = arguments.find("provider"),
        .data = arguments.find("data"),
        .durability = arguments.find("durability"),
        .repair = arguments.find_switch("repair"),
        .limits = arguments.find("limits"),
        .auto_create = arguments.find_switch("auto-create"),
        .threads = *threads,
        .insecure = arguments.find_switch("insecure"),
        .require_durable = arguments.find_switch("require-durable"),
        .log_format = arguments.find("log-format"),
        .log_level = arguments.find("log-level"),
        .ready_fd = *ready_fd,
    };
}

}  // namespace tranter::cli

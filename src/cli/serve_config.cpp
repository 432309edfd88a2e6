#include "cli/serve_config.hpp"

#include "cli/config_rules.hpp"
#include "cli/log_flags.hpp"
#include "cli/serve_store.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace tranter::cli {
namespace {

Result<void> apply_endpoint(
    const std::optional<std::string>& flag, std::string_view name, Endpoint& endpoint
) {
    if (!flag) return {};
    const auto parsed = parse_endpoint(*flag);
    if (!parsed) {
        return fail(Errc::invalid_argument, std::string(name) + ": " + parsed.error().message());
    }
    endpoint = *parsed;
    return {};
}

/// A flag is said for this start only, so one that changes nothing is a mistake.
Result<void> apply_data_flags(const ServeFlags& flags, ServerConfig& config) {
    if (flags.data) config.data = *flags.data;
    if (flags.durability) {
        config.durability = *flags.durability == "none" ? DurabilityLevel::none
                            : *flags.durability == "os" ? DurabilityLevel::os
                                                        : DurabilityLevel::sync;
    }
    if (flags.data && flags.data->empty()) {
        return fail(Errc::invalid_argument, "--data is empty, name a directory");
    }
    const bool promises = flags.durability && *flags.durability != "none";
    if (config.data.empty() && promises) {
        return fail(
            Errc::invalid_argument,
            "--durability is " + *flags.durability + ", which needs a directory, add --data DIR"
        );
    }
    if (!keeps_data(config) && flags.repair.value_or(false)) {
        return fail(Errc::invalid_argument, "--repair needs a data directory, add --data DIR");
    }
    return {};
}

/// A server over a store has neither queues of its own nor the SQS API.
Result<void> apply_provider(const ServeFlags& flags, ServerConfig& config) {
    if (!flags.provider) return {};
    if (auto done = check_served_store(*flags.provider); !done) return done;
    const std::array of_own_queues{
        std::pair("sqs", flags.sqs.has_value()),
        std::pair("data", flags.data.has_value()),
        std::pair("durability", flags.durability.has_value()),
        std::pair("repair", flags.repair.has_value()),
        std::pair("limits", flags.limits.has_value()),
        std::pair("auto-create", flags.auto_create.has_value()),
        std::pair("require-durable", flags.require_durable.has_value())};
    for (const auto& [name, is_given] : of_own_queues) {
        if (!is_given) continue;
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "--{} is about queues of the server's own, and --provider leaves it none", name
            )
        );
    }
    if (!config.admin_enabled) {
        return fail(
            Errc::invalid_argument, "--provider: the admin port is off, name one by --admin"
        );
    }
    config.provider = *flags.provider;
    config.sqs_enabled = false;
    config.data.clear();
    config.durability = DurabilityLevel::sync;
    return {};
}

Result<void> apply_flags(const ServeFlags& flags, ServerConfig& config) {
    if (auto done = apply_endpoint(flags.sqs, "--sqs", config.sqs); !done) return done;
    if (auto done = apply_endpoint(flags.admin, "--admin", config.admin); !done) return done;
    if (flags.sqs) config.sqs_enabled = true;
    if (flags.admin) config.admin_enabled = true;
    if (auto done = apply_data_flags(flags, config); !done) return done;
    if (auto done = apply_provider(flags, config); !done) return done;
    if (flags.limits) {
        config.limits = *flags.limits == "relaxed" ? LimitsMode::relaxed : LimitsMode::strict;
    }
    if (flags.auto_create) config.auto_create = *flags.auto_create;
    if (flags.threads) config.threads = static_cast<std::uint32_t>(*flags.threads);
    if (flags.insecure) config.insecure = *flags.insecure;
    if (flags.require_durable) config.require_durable = *flags.require_durable;
    return apply_log_flags(flags.log_format, flags.log_level, config.log);
}

}  // namespace

Result<LoadedConfig> load_serve_config(const ServeFlags& flags) {
    LoadedConfig loaded;
    if (flags.config_file) {
        auto read = load_config(*flags.config_file, process_environment());
        if (!read) return std::unexpected(read.error());
        loaded = std::move(*read);
    }
    if (auto done = apply_environment(loaded.config, environment_variables()); !done) {
        return std::unexpected(done.error());
    }
    if (auto done = apply_flags(flags, loaded.config); !done) return std::unexpected(done.error());
    if (auto safe = check_exposure(loaded.config); !safe) return std::unexpected(safe.error());
    if (auto kept = check_durability(loaded.config); !kept) return std::unexpected(kept.error());
    return loaded;
}

}  // namespace tranter::cli

#include "cli/job_session.hpp"

#include "cli/config_file.hpp"
#include "cli/stdout_output.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

namespace tranter::cli {

Result<std::string> choose_provider(const Arguments& arguments) {
    if (auto given = arguments.find("provider")) return *given;
    if (const auto file = arguments.find("config")) {
        const auto loaded = load_config(*file, process_environment());
        if (!loaded) return std::unexpected(loaded.error());
        if (!loaded->config.provider.empty()) return loaded->config.provider;
    }
    return std::string(default_provider);
}

namespace {

/// Where jobs wait that the store cannot delay for so long; empty: nowhere.
Result<std::string> find_store_for_later(const Arguments& arguments) {
    if (auto given = arguments.find("store")) return *given;
    const auto file = arguments.find("config");
    if (!file) return std::string();
    const auto loaded = load_config(*file, process_environment());
    if (!loaded) return std::unexpected(loaded.error());
    return loaded->config.scheduler.store;
}

Result<std::shared_ptr<Provider>> open_or_make(const std::string& url, ProviderOptions options) {
    auto store = open_provider(url, options);
    if (store || store.error().code() != Errc::not_found) return store;
    options.create = true;
    store = open_provider(url, options);
    if (store) say(fmt::format("{} is a new store, there was none", url));
    return store;
}

}  // namespace

Result<std::unique_ptr<JobSession>> JobSession::open(const Arguments& arguments, NoStore no_store) {
    const auto url = choose_provider(arguments);
    if (!url) return std::unexpected(url.error());
    const auto store_for_later = find_store_for_later(arguments);
    if (!store_for_later) return std::unexpected(store_for_later.error());
    const ProviderOptions opening{.create = false, .schedule_store = *store_for_later};
    auto store =
        no_store == NoStore::is_made ? open_or_make(*url, opening) : open_provider(*url, opening);
    if (!store) return std::unexpected(store.error());
    const Options options{
        .output = stdout_options(arguments),
        .relative_times = arguments.find("time") != "iso",
    };
    return std::make_unique<JobSession>(std::move(*store), options);
}

Option provider_option() {
    return {
        .name = "provider",
        .value = "URL",
        .help =
            "where the jobs are: http://HOST:PORT of a server, postgres://HOST/DATABASE, "
            "file:DIR or sqs:URL (default: http://127.0.0.1:9325)",
        .environment = "TRANTER_URL"};
}

Option later_store_option() {
    return {
        .name = "store",
        .value = "URL",
        .help =
            "of sqs: where jobs that are due in more than 15 minutes wait for `tranter timers`, "
            "such as file:DIR (default: scheduler.store of --config, or nowhere)",
        .environment = "TRANTER_SCHEDULER_STORE"};
}

std::vector<Option> with_provider_options(std::vector<Option> own) {
    const std::vector<Option> shared{
        provider_option(),
        {.name = "config",
         .value = "FILE",
         .help = "a tranter.toml whose `provider` says where, when nothing else does",
         .completes = Completes::files},
        output_option(),
        {.name = "time",
         .value = "STYLE",
         .help = "times in tables (default: relative)",
         .choices = {"relative", "iso"}},
    };
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
}

}  // namespace tranter::cli

#include "cli/job_session.hpp"

#include "cli/config_file.hpp"
#include "cli/stdout_output.hpp"

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

Result<std::unique_ptr<JobSession>> JobSession::open(const Arguments& arguments) {
    const auto url = choose_provider(arguments);
    if (!url) return std::unexpected(url.error());
    auto store = open_provider(*url);
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
            "where the jobs are: http://HOST:PORT of a server, file:DIR or sqs:URL (default: "
            "http://127.0.0.1:9325)",
        .environment = "TRANTER_URL"};
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

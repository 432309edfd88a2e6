// Any bytes as a file of apps, the first of which says in which form: JSON, YAML, JavaScript or a
// Procfile. A value that was read is read again from its JSON; apps that were read are written as
// tables of tranter.toml, from which the same apps have to come.
#include "appfile/load.hpp"
#include "appfile/pm2_context.hpp"
#include "appfile/procfile.hpp"
#include "appfile/script.hpp"
#include "appfile/yaml_text.hpp"
#include "base/encoding.hpp"
#include "cli/app_config.hpp"
#include "cli/toml_config.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace appfile = tranter::appfile;
using tranter::Result;
using tranter::supervise::App;

constexpr std::string_view folder = "/nowhere/app";

Result<appfile::Value> read_value(std::string_view text, std::uint8_t form) {
    using Form = appfile::ScriptOptions::Form;
    if (form % 4 == 1) return appfile::parse_yaml(text);
    return appfile::evaluate_script(
        text,
        {.path = "/nowhere/app/e.config.js",
         .directory = std::string(folder),
         .environment = {"PATH=/nowhere", "A=1"},
         .form = form % 4 == 0 ? Form::expression : Form::module}
    );
}

void check_error(const tranter::Error& error, std::string_view text) {
    require(error.code() == tranter::Errc::invalid_argument, "the code of an error", text);
    require(!error.message().contains('\n'), "an error of more than one line", text);
}

void check_json(const appfile::Value& value, std::string_view text) {
    const std::string json = appfile::to_json(value);
    const auto again =
        appfile::evaluate_script(json, {.form = appfile::ScriptOptions::Form::expression});
    // Values that were put together out of others may be deeper than what is written.
    if (!again && again.error().message().contains("nested too deep")) return;
    require(again.has_value(), "its JSON is refused", json);
    require(appfile::to_json(*again) == json, "its JSON reads back differently", text);
}

void check_apps(const std::vector<App>& apps) {
    // Two of one name are told apart by load(), cron expressions are read by others.
    for (const App& app : apps) {
        if (!app.restart_cron.empty() || !appfile::is_app_name(app.name)) return;
        for (const App& other : apps)
            if (&app != &other && app.name == other.name) return;
    }
    const std::string toml = tranter::cli::write_apps(apps, std::string(folder));
    const auto config = tranter::cli::parse_toml_config(
        toml, {}, [](const std::string&) -> const char* { return nullptr; }
    );
    require(config.has_value(), config ? "" : config.error().message(), toml);
    auto again =
        tranter::cli::apps_of(*config, {.config_path = std::string(folder) + "/tranter.toml"});
    require(again.has_value(), "apps that were written are refused", toml);
    require(again->size() == apps.size(), "apps are missing", toml);
    for (App app : apps) {
        appfile::complete(app, {}, "");
        const bool is_there = std::ranges::find(*again, app) != again->end();
        require(is_there, "an app reads back differently", toml);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return -1;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    // The reader of files has checked this.
    if (!tranter::is_valid_utf8(text) || text.contains('\0')) return -1;
    std::vector<appfile::Remark> remarks;
    const appfile::LoadOptions options{
        .path = "e.config.js", .environment = {"PATH=/nowhere"}, .converts = true};
    Result<std::vector<App>> apps;
    if (data[0] % 4 == 3) {
        apps = appfile::parse_procfile(text, "Procfile", std::string(folder), options);
    } else {
        const auto value = read_value(text, data[0]);
        if (!value) {
            check_error(value.error(), text);
            return 0;
        }
        check_json(*value, text);
        apps = appfile::read_pm2_file(
            *value,
            {.options = options,
             .file = "e",
             .directory = std::string(folder),
             .file_directory = std::string(folder),
             .remarks = remarks}
        );
    }
    if (!apps) {
        check_error(apps.error(), text);
        return 0;
    }
    check_apps(*apps);
    return 0;
}

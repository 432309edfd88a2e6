#include "appfile/load.hpp"

#include "appfile/file_text.hpp"
#include "appfile/node_loader.hpp"
#include "appfile/path_text.hpp"
#include "appfile/pm2_context.hpp"
#include "appfile/procfile.hpp"
#include "appfile/script.hpp"
#include "appfile/yaml_text.hpp"
#include "base/log_text.hpp"
#include "base/unicode.hpp"
#include "process/environment.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace tranter::appfile {
namespace {

// Thousands of apps have a few hundred kilobytes.
constexpr std::size_t file_bytes_max = std::size_t{1} << 20;

enum class Form : std::uint8_t { unknown, json, yaml, script, procfile };

/// By parts of the name, as PM2 does it: ecosystem.config.json is JSON.
Form form_of(const std::string& path) {
    const std::string name = base_name(path);
    if (name == "Procfile" || name.starts_with("Procfile.")) return Form::procfile;
    if (name.contains(".json")) return Form::json;
    if (name.contains(".yml") || name.contains(".yaml")) return Form::yaml;
    for (const std::string_view part : {".config.js", ".config.cjs", ".config.mjs"}) {
        if (name.contains(part)) return Form::script;
    }
    return Form::unknown;
}

bool is_script_name(const std::string& path) {
    const std::string extension = extension_of(path);
    return extension == ".js" || extension == ".cjs" || extension == ".mjs";
}

Error prefixed(const std::string& file, const Error& error, std::string_view separator) {
    return {error.code(), one_line(file + std::string(separator) + error.message())};
}

Result<Value> read_script(
    const std::string& text, const LoadOptions& options, const Pm2Context& context
) {
    const std::string node = options.uses_node.value_or(true)
                                 ? process::find_program("node", options.environment)
                                 : std::string();
    if (node.empty() && options.uses_node.value_or(false)) {
        return fail(Errc::invalid_argument, "node is not in PATH, install it");
    }
    if (!node.empty()) {
        auto module = load_by_node(
            {.node = node,
             .path = options.path,
             .directory = context.directory,
             .environment = options.environment}
        );
        if (!module) return std::unexpected(module.error());
        for (const std::string& where : module->functions)
            context.remarks.push_back({where, "is a function, which is left out"});
        return std::move(module->value);
    }
    auto value = evaluate_script(
        text,
        {.path = options.path, .directory = context.directory, .environment = options.environment}
    );
    if (!value) return std::unexpected(prefixed(context.file, value.error(), ":"));
    return value;
}

Result<std::vector<supervise::App>> read_apps(
    Form form, const std::string& text, const LoadOptions& options, const Pm2Context& context
) {
    if (form == Form::procfile) {
        return parse_procfile(text, context.file, context.directory, options);
    }
    Result<Value> value = Value{.data = nullptr};
    if (form == Form::yaml) {
        value = parse_yaml(text);
        if (!value) return std::unexpected(prefixed(context.file, value.error(), ":"));
    } else if (form == Form::json) {
        value = evaluate_script(
            text,
            {.path = options.path,
             .directory = context.directory,
             .environment = options.environment,
             .form = ScriptOptions::Form::expression}
        );
        if (!value) return std::unexpected(prefixed(context.file, value.error(), ":"));
    } else {
        value = read_script(text, options, context);
        if (!value) return std::unexpected(value.error());
    }
    return read_pm2_file(*value, context);
}

/// Whoever keeps deployments apart by it would find them all in one place.
void say_what_home_counts(const LoadOptions& options, std::vector<Remark>& remarks) {
    const auto given = process::find_variable(options.environment, pm2_home_variable);
    if (options.home.empty() || !given || given->empty() || *given == options.home) return;
    remarks.push_back(
        {std::string(pm2_home_variable),
         fmt::format(
             "is {}, which is PM2's alone, and {} for these apps: TRANTER_HOME sets it",
             printable(*given),
             options.home
         )}
    );
}

/// Two apps of one name are two apps for PM2; here a name is one app.
void make_names_unique(std::vector<supervise::App>& apps, std::vector<Remark>& remarks) {
    std::set<std::string> names;
    std::map<std::string, std::size_t> counts;  // by name, the last that was tried
    for (std::size_t i = 0; i < apps.size(); ++i) {
        std::string name = apps[i].name;
        while (!names.insert(name).second) {
            std::size_t& count = counts.try_emplace(apps[i].name, 1).first->second;
            name = fmt::format("{}-{}", apps[i].name, ++count);
        }
        if (name == apps[i].name) continue;
        remarks.push_back(
            {fmt::format("apps[{}].name", i),
             fmt::format("{} is the name of another app, this one is {}", apps[i].name, name)}
        );
        apps[i].name = name;
    }
}

}  // namespace

bool is_app_file(const std::string& path) {
    return form_of(path) != Form::unknown;
}

Result<Loaded> load(const LoadOptions& options) {
    LoadOptions absolute = options;
    std::error_code error;
    const auto current = std::filesystem::current_path(error);
    absolute.path = resolve_path(error ? "/" : current.string(), options.path);
    Form form = form_of(options.path);
    if (form == Form::unknown && is_script_name(options.path)) form = Form::script;
    if (form == Form::unknown) {
        return fail(
            Errc::invalid_argument,
            one_line(options.path) +
                ": is no file of apps by its name, use .config.js, .config.cjs, .config.mjs, "
                ".json, .yaml or Procfile"
        );
    }
    const auto text = read_file_text(absolute.path, file_bytes_max);
    if (!text) return std::unexpected(text.error());
    Loaded out;
    const std::string beside = directory_of(absolute.path);
    const Pm2Context context{
        .options = absolute,
        .file = one_line(options.path),
        .directory = options.directory.empty() ? beside : resolve_path(beside, options.directory),
        .file_directory = beside,
        .remarks = out.remarks,
    };
    auto apps = read_apps(form, *text, absolute, context);
    if (!apps) return std::unexpected(apps.error());
    out.apps = std::move(*apps);
    make_names_unique(out.apps, out.remarks);
    if (form != Form::procfile) say_what_home_counts(absolute, out.remarks);
    if (options.converts) return out;
    for (supervise::App& app : out.apps)
        complete(app, options.environment, options.logs_directory);
    return out;
}

}  // namespace tranter::appfile

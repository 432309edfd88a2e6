#include "appfile/path_text.hpp"
#include "appfile/pm2_context.hpp"
#include "appfile/programs.hpp"
#include "appfile/script_natives.hpp"
#include "base/unicode.hpp"
#include "process/environment.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <utility>

namespace tranter::appfile {
namespace {

using namespace std::chrono_literals;
using supervise::App;
using supervise::Probe;

// PM2's defaults.
constexpr std::uint32_t pm2_restarts_max = 16;
constexpr Duration pm2_min_uptime = 1s;
constexpr Duration pm2_backoff_max = 15s;
constexpr double pm2_backoff_factor = 1.5;
constexpr Duration pm2_kill_timeout = 1600ms;
constexpr Duration pm2_listen_timeout = 3s;
constexpr std::int64_t instances_most = 10'000;
constexpr std::string_view pm2_number_variable = "NODE_APP_INSTANCE";

using Variables = std::map<std::string, std::string>;

void add_variables(
    Fields& fields, std::string_view key, const Value::Object* object, Variables& variables
) {
    if (object == nullptr) return;
    for (const Member& member : *object) {
        const std::string place = fmt::format("{}.{}", key, printable(member.key));
        if (member.value.is_undefined()) continue;
        std::string text = member.value.is_plain() ? to_text(member.value) : to_json(member.value);
        if (member.key.empty() || member.key.contains('=') || member.key.contains('\0')) {
            fields.refuse(place, member.value.place, "is no name of a variable");
        } else if (text.contains('\0')) {
            fields.refuse(place, member.value.place, "has a zero byte, remove it");
        }
        variables.insert_or_assign(member.key, std::move(text));
    }
}

Variables read_variables(Fields& fields, const Pm2Context& context) {
    Variables variables;
    const std::string& name = context.options.environment_name;
    if (context.deploy != nullptr && !name.empty()) {
        const Value* stage = find_member(*context.deploy, name);
        const Value* env = stage != nullptr && stage->object() != nullptr
                               ? find_member(*stage->object(), "env")
                               : nullptr;
        if (env != nullptr) add_variables(fields, "deploy", env->object(), variables);
    }
    add_variables(fields, "env", fields.table({"env"}), variables);
    if (!name.empty()) {
        const std::string key = "env_" + name;
        if (!fields.has({key})) {
            context.remark(
                fields, key, fmt::format("is missing, though --env {} asks for it", name)
            );
        }
        add_variables(fields, key, fields.table({key}), variables);
    }
    if (const auto port = fields.whole({"port"}, 0, 65535))
        variables["PORT"] = std::to_string(*port);
    return variables;
}

bool is_small_number(std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void read_environment(
    Fields& fields, const Pm2Context& context, const Pm2Command& command, App& app
) {
    Variables variables = read_variables(fields, context);
    if (command.is_python) variables.emplace("PYTHONUNBUFFERED", "1");
    // Not that of PM2 itself, should whoever asks have one.
    const std::string& home = context.options.home;
    if (!home.empty()) variables.emplace(pm2_home_variable, home);
    app.environment.assign(variables.begin(), variables.end());
    if (const Value* filter = fields.find({"filter_env"})) {
        if (filter->flag() != nullptr) {
            app.inherits_environment = !*filter->flag();
        } else {
            app.hidden_variables =
                fields.texts({"filter_env"}).value_or(std::vector<std::string>{});
        }
    }
    app.number_variable = fields.text({"instance_var"}).value_or(std::string(pm2_number_variable));
    app.increment_variable = fields.text({"increment_var"}).value_or("");
    const auto number = variables.find(app.increment_variable);
    if (!app.increment_variable.empty() &&
        (number == variables.end() || !is_small_number(number->second))) {
        context.remark(
            fields, "increment_var", "names no whole number of env, so that nothing grows"
        );
        app.increment_variable.clear();
    }
    // A program is looked for in PATH of what it gets.
    const bool needs_path = !app.inherits_environment && !variables.contains("PATH") &&
                            !app.command.empty() && !app.command[0].contains('/');
    if (!needs_path) return;
    const std::string path = process::find_program(app.command[0], context.options.environment);
    if (!path.empty()) app.command[0] = path;
}

void read_instances(
    Fields& fields, const Pm2Context& context, const Pm2Command& command, App& app
) {
    const Value* given = fields.find({"instances"});
    const auto processors = static_cast<std::int64_t>(processor_count());
    std::int64_t count = 1;
    if (given != nullptr && given->text() != nullptr && *given->text() == "max") {
        count = 0;
    } else if (given != nullptr) {
        count = fields.whole({"instances"}, -instances_most, instances_most).value_or(1);
    }
    if (given != nullptr && count <= 0) {
        count = std::max<std::int64_t>(1, processors + count);
        if (context.options.converts) {
            context.remark(fields, "instances", fmt::format("is {} on this machine", count));
        }
    }
    app.instances = static_cast<std::uint32_t>(count);
    const auto mode = fields.text({"exec_mode"});
    const bool is_cluster = mode ? mode->starts_with("cluster") : given != nullptr && count > 1;
    if (mode && !mode->starts_with("cluster") && !mode->starts_with("fork")) {
        fields.refuse("exec_mode", *fields.find({"exec_mode"}), "\"fork\" or \"cluster\"");
    }
    // One alone may have a port that a second copy cannot have; PM2 restarts it, too.
    if (!is_cluster && count == 1) app.reloads_at_once = 0;
    if (is_cluster && command.is_node && count > 1) {
        context.remark(
            fields,
            mode ? "exec_mode" : "instances",
            "there is no cluster mode of node: instances are processes that share no port, unless "
            "the app sets SO_REUSEPORT or adds " +
                app.number_variable + " to it"
        );
    }
}

void read_restarts(Fields& fields, App& app) {
    auto& rule = app.restart;
    using supervise::RestartWhen;
    rule.when =
        fields.flag({"autorestart"}).value_or(true) ? RestartWhen::always : RestartWhen::never;
    rule.stop_exit_codes = fields.wholes({"stop_exit_codes"});
    rule.max = static_cast<std::uint32_t>(
        fields.whole({"max_restarts"}, 0, 1'000'000'000).value_or(pm2_restarts_max)
    );
    // For PM2 none is none, for us it is no limit.
    if (rule.max == 0) rule.when = RestartWhen::never;
    rule.window = Duration{};
    rule.min_uptime = fields.time({"min_uptime"}).value_or(pm2_min_uptime);
    rule.delay = fields.time({"restart_delay"}).value_or(Duration{});
    rule.delay_max = Duration{};
    rule.jitter = 0;
    const Duration backoff = fields.time({"exp_backoff_restart_delay"}).value_or(Duration{});
    if (backoff > Duration{}) {
        rule.delay = backoff;
        rule.delay_max = pm2_backoff_max;
        rule.factor = pm2_backoff_factor;
    }
}

void read_life(Fields& fields, const Pm2Context& context, App& app) {
    app.starts_by_itself = fields.flag({"autostart"}).value_or(true);
    // PM2 calls an app online at once; to have lived for min_uptime says more, and has no limit.
    app.readiness = {.probe = {.kind = Probe::Kind::uptime}, .limit = Duration{}};
    const auto limit = fields.time({"listen_timeout"});
    if (fields.flag({"wait_ready"}).value_or(false)) {
        app.readiness = {
            .probe = {.kind = Probe::Kind::ipc}, .limit = limit.value_or(pm2_listen_timeout)};
    }
    app.stop.signal = SIGINT;
    app.stop.timeout = fields.time({"kill_timeout"}).value_or(pm2_kill_timeout);
    app.stop.by_message = fields.flag({"shutdown_with_message"}).value_or(false);
    app.stop.leader_only = !fields.flag({"treekill"}).value_or(true);
    app.limits.memory_bytes = fields.bytes({"max_memory_restart"}).value_or(0);
    app.limits.user = fields.text({"uid", "user"}).value_or("");
    app.limits.group = fields.text({"gid"}).value_or("");
    if (const Value* cron = fields.find({"cron_restart", "cron"}); cron != nullptr) {
        const bool is_off = cron->flag() != nullptr && !*cron->flag();
        if (!is_off) app.restart_cron = fields.text({"cron_restart", "cron"}).value_or("");
        if (app.restart_cron == "0") app.restart_cron.clear();
    }
    if (const auto path = fields.text({"pid_file", "pid"}); path && !path->empty()) {
        app.pid_file = resolve_path(app.directory, expand_home(*path, context.options.environment));
        if (app.instances > 1) app.pid_file = with_number(app.pid_file, ".pid");
    }
}

/// A pattern of chokidar as one of App::unwatched.
std::string unwatched_pattern(const std::string& pattern, const std::string& directory) {
    std::string_view rest = pattern;
    while (rest.starts_with("**/") || rest.starts_with("./"))
        rest.remove_prefix(rest.find('/') + 1);
    while (rest.size() > 1 && rest.ends_with('/'))
        rest.remove_suffix(1);
    if (rest.ends_with("/**")) rest.remove_suffix(3);
    return rest.contains('/') ? resolve_path(directory, rest) : std::string(rest);
}

void read_unwatched(Fields& fields, const Pm2Context& context, App& app) {
    const Value* given = fields.find({"ignore_watch"});
    if (given == nullptr) {
        app.unwatched = {".*", "node_modules"};
        return;
    }
    const Value::Array alone{*given};
    for (const Value& element : given->array() != nullptr ? *given->array() : alone) {
        const auto* regex = element.object();
        const Value* source = regex != nullptr ? find_member(*regex, "$regex") : nullptr;
        if (source != nullptr && source->text() != nullptr) {
            app.unwatched.push_back("re:" + *source->text());
            const Value* flags = find_member(*regex, "$flags");
            if (flags != nullptr && to_text(*flags).contains('i')) {
                context.remark(
                    fields, "ignore_watch", "capitals count here, as there is no flag i"
                );
            }
        } else if (element.text() != nullptr) {
            app.unwatched.push_back(unwatched_pattern(*element.text(), app.directory));
        } else {
            fields.refuse("ignore_watch", element, "texts or regular expressions");
        }
    }
}

void read_watch(Fields& fields, const Pm2Context& context, App& app) {
    const Value* given = fields.find({"watch"});
    if (given == nullptr) return;
    if (given->flag() != nullptr) {
        if (*given->flag()) app.watched = {app.directory};
    } else {
        for (const std::string& path : fields.texts({"watch"}).value_or(std::vector<std::string>{}))
            app.watched.push_back(resolve_path(app.directory, path));
    }
    if (app.watched.empty()) return;
    app.watch_delay = fields.time({"watch_delay"}).value_or(app.watch_delay);
    read_unwatched(fields, context, app);
}

std::string read_name(Fields& fields, const Pm2Context& context, const Pm2Command& command) {
    const std::string script = base_name(command.script);
    std::string name = fields.text({"name"}).value_or("");
    if (name.empty()) name = base_name(script, extension_of(script));
    name = fields.text({"name_prefix"}).value_or("") + name;
    const std::string& environment = context.options.environment_name;
    if (fields.flag({"append_env_to_name"}).value_or(false) && !environment.empty()) {
        name += "-" + environment;
    }
    if (!is_app_name(name) && !fields.has_failed()) {
        fields.refuse(
            "name",
            Place{},
            fmt::format("is {}, write 1 to 200 characters, and not all", in_quotes(name))
        );
    }
    return name;
}

}  // namespace

Result<App> read_pm2_app(Fields fields, const Pm2Context& context) {
    App app;
    const Pm2Command command = read_command(fields, context);
    app.command = command.command;
    app.directory = command.directory;
    app.name = read_name(fields, context, command);
    app.space = fields.text({"namespace"}).value_or(app.space);
    read_environment(fields, context, command, app);
    read_instances(fields, context, command, app);
    read_restarts(fields, app);
    read_life(fields, context, app);
    read_watch(fields, context, app);
    app.logs = read_logs(fields, context, app);
    if (fields.has_failed()) return std::unexpected(*fields.error());
    remark_on_keys(fields, context);
    return app;
}

Result<std::vector<App>> read_pm2_file(const Value& root, const Pm2Context& base) {
    Pm2Context context = base;
    std::set<std::string> ignored_keys;
    context.ignored_keys = &ignored_keys;
    const Value* list = &root;
    std::string where;
    if (const auto* object = root.object()) {
        for (const std::string_view key : {"apps", "pm2"}) {
            const Value* found = list == &root ? find_member(*object, key) : nullptr;
            if (found == nullptr) continue;
            list = found;
            where = key;
        }
        const Value* deploy = find_member(*object, "deploy");
        if (deploy != nullptr) context.deploy = deploy->object();
    }
    const Value::Array alone{*list};
    const auto* elements = list->array() != nullptr ? list->array() : &alone;
    std::vector<App> apps;
    for (std::size_t i = 0; i < elements->size(); ++i) {
        const auto* object = (*elements)[i].object();
        const std::string name = where.empty() && elements == &alone
                                     ? "app"
                                     : fmt::format("{}[{}]", where.empty() ? "apps" : where, i);
        if (object == nullptr) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "{}: {}: is {}, write an object like {{ script: \"app.js\" }}",
                    context.file,
                    name,
                    shown((*elements)[i])
                )
            );
        }
        auto app = read_pm2_app(Fields(*object, context.file, name), context);
        if (!app) return std::unexpected(app.error());
        apps.push_back(std::move(*app));
    }
    if (apps.empty()) {
        return fail(Errc::invalid_argument, context.file + ": has no apps, write apps: [...]");
    }
    if (!ignored_keys.empty()) {
        context.remarks.push_back(
            {"apps",
             fmt::format("{}: for PM2 only, without meaning here", fmt::join(ignored_keys, ", "))}
        );
    }
    return apps;
}

}  // namespace tranter::appfile

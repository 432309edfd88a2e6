#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "cli/config_keys.hpp"
#include "cli/config_rules.hpp"
#include "cli/toml_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace tranter::cli {
namespace {

std::string_view last_name(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

bool has_tables(const ConfigNode& node) {
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    return object != nullptr && std::ranges::any_of(*object, [](const ConfigMember& member) {
               return std::holds_alternative<ConfigNode::Object>(member.node.value);
           });
}

/// Turns a tree into a ServerConfig, one member at a time, and remembers where each stood.
class TreeReader {
  public:
    TreeReader(const ConfigSource& source, const Environment& env) : source_(source), env_(env) {}

    Result<ServerConfig> read(const ConfigNode& root);

  private:
    std::unexpected<Error> refuse(
        ConfigPosition where, const ConfigPath& path, std::string_view what
    ) {
        return fail(
            Errc::invalid_argument,
            one_line(fmt::format("{}:{}: {}: {}", source_.name, where.line, format_path(path), what)
            )
        );
    }

    Result<void> read_root(const ConfigNode::Object& root);
    Result<void> read_queues(const ConfigMember& queues);
    Result<void> read_queue(const ConfigMember& member, const ConfigPath& path, QueueConfig& queue);
    template <class Config>
    Result<void> read_tables(
        const ConfigMember& tables,
        std::string_view expected,
        std::span<const ConfigKey<Config>> keys,
        std::string Config::*name,
        std::vector<Config>& configs
    );

    template <class Config>
    Result<void> read_member(
        const ConfigMember& member,
        const ConfigPath& path,
        std::string_view table,
        std::span<const ConfigKey<Config>> keys,
        Config& config
    );
    template <class Config>
    std::unexpected<Error> unknown(
        const ConfigMember& member,
        const ConfigPath& path,
        std::string_view table,
        std::span<const ConfigKey<Config>> keys
    );
    Result<ConfigNode> reveal(const ConfigMember& member, const ConfigPath& path);
    Result<void> reveal_text(const ConfigMember& member, const ConfigPath& path, ConfigNode& node);

    const ConfigSource& source_;
    const Environment& env_;
    ServerConfig config_;
    ConfigPositions positions_;
};

// The names that may stand in `table` ("" is the root).
template <class Config>
std::vector<std::string_view> names_in(
    std::string_view table, std::span<const ConfigKey<Config>> keys
) {
    std::vector<std::string_view> names;
    for (const ConfigKey<Config>& key : keys) {
        std::string_view rest = key.path;
        if (!table.empty()) {
            if (!rest.starts_with(table) || rest.substr(table.size(), 1) != ".") continue;
            rest.remove_prefix(table.size() + 1);
        }
        names.push_back(rest.substr(0, rest.find('.')));
    }
    return names;
}

template <class Config>
std::unexpected<Error> TreeReader::unknown(
    const ConfigMember& member,
    const ConfigPath& path,
    std::string_view table,
    std::span<const ConfigKey<Config>> keys
) {
    std::vector<std::string_view> names = names_in(table, keys);
    if (path.size() == 1) {
        // The first of two that are as near is named: [schedule.x] means schedules, not scheduler.
        const auto place = has_tables(member.node) ? names.begin() : names.end();
        names.insert(place, {"queues", "queue_template", "handlers", "schedules", "apps"});
    }
    std::string hint = did_you_mean(member.key, names);
    if (hint.empty()) {
        const auto elsewhere = std::ranges::find_if(keys, [&](const ConfigKey<Config>& key) {
            return last_name(key.path) == member.key;
        });
        if (elsewhere != keys.end()) hint = fmt::format(" (did you mean {}?)", elsewhere->path);
    }
    return refuse(
        member.position, path, fmt::format("unknown key{}, see docs/configuration.md", hint)
    );
}

// `${NAME}` becomes the variable's value. A secret that stands in the file itself is refused when
// other users can read it there.
Result<void> TreeReader::reveal_text(
    const ConfigMember& member, const ConfigPath& path, ConfigNode& node
) {
    auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return {};
    if (text->empty()) return refuse(member.position, path, "is empty, write a value or remove it");
    if (!text->starts_with("${")) {
        if (!source_.readable_by_others) return {};
        return refuse(
            member.position,
            path,
            "is a secret in a file that other users can read, chmod 600 it or write \"${NAME}\" "
            "to take it from the environment"
        );
    }
    if (!text->ends_with('}') || text->size() < 4) {
        return refuse(member.position, path, "is no reference, write \"${NAME}\"");
    }
    const std::string name = text->substr(2, text->size() - 3);
    const char* value = env_(name);
    if (value == nullptr || *value == '\0') {
        return refuse(
            member.position, path, fmt::format("the environment variable {} is not set", name)
        );
    }
    if (std::string_view(value).starts_with("${") ||
        find_invalid_utf8(value) != std::string_view::npos) {
        return refuse(
            member.position, path, fmt::format("the environment variable {} is no secret", name)
        );
    }
    *text = value;
    return {};
}

Result<ConfigNode> TreeReader::reveal(const ConfigMember& member, const ConfigPath& path) {
    ConfigNode node = member.node;
    if (auto* object = std::get_if<ConfigNode::Object>(&node.value)) {
        for (ConfigMember& inner : *object) {
            ConfigPath inner_path = path;
            inner_path.push_back(inner.key);
            if (Result<void> done = reveal_text(inner, inner_path, inner.node); !done) {
                return std::unexpected(done.error());
            }
        }
    } else if (auto* array = std::get_if<ConfigNode::Array>(&node.value)) {
        for (ConfigNode& element : *array) {
            if (Result<void> done = reveal_text(member, path, element); !done) {
                return std::unexpected(done.error());
            }
        }
    } else if (Result<void> done = reveal_text(member, path, node); !done) {
        return std::unexpected(done.error());
    }
    return node;
}

template <class Config>
Result<void> TreeReader::read_member(
    const ConfigMember& member,
    const ConfigPath& path,
    std::string_view table,
    std::span<const ConfigKey<Config>> keys,
    Config& config
) {
    positions_.emplace(path, member.position);
    // A quoted name with a dot is not the same as two names.
    if (member.key.find('.') != std::string::npos) return unknown(member, path, table, keys);
    const std::string name = table.empty() ? member.key : fmt::format("{}.{}", table, member.key);
    const auto key = std::ranges::find(keys, std::string_view(name), &ConfigKey<Config>::path);
    if (key != keys.end()) {
        Result<ConfigNode> node = key->secret ? reveal(member, path) : member.node;
        if (!node) return std::unexpected(node.error());
        const Result<void> done = key->read(*node, config);
        if (!done) return refuse(member.position, path, done.error().message());
        if constexpr (std::is_same_v<Config, QueueConfig>) config.written.paths.insert(name);
        return {};
    }
    if (const std::string_view why = find_future_key(name); !why.empty() && path.size() <= 2) {
        return refuse(member.position, path, why);
    }
    if (names_in(std::string_view(name), keys).empty()) return unknown(member, path, table, keys);
    const auto* object = std::get_if<ConfigNode::Object>(&member.node.value);
    if (object == nullptr) {
        return refuse(
            member.position,
            path,
            fmt::format("is {}, write a table [{}]", kind_of(member.node), format_path(path))
        );
    }
    for (const ConfigMember& inner : *object) {
        ConfigPath inner_path = path;
        inner_path.push_back(inner.key);
        if (Result<void> done = read_member(inner, inner_path, name, keys, config); !done) {
            return done;
        }
    }
    return {};
}

Result<void> TreeReader::read_queue(
    const ConfigMember& member, const ConfigPath& path, QueueConfig& queue
) {
    positions_.emplace(path, member.position);
    const auto* object = std::get_if<ConfigNode::Object>(&member.node.value);
    if (object == nullptr) {
        return refuse(
            member.position,
            path,
            fmt::format("is {}, write a table [{}]", kind_of(member.node), format_path(path))
        );
    }
    queue.fifo = queue.name.ends_with(".fifo");
    for (const ConfigMember& inner : *object) {
        ConfigPath inner_path = path;
        inner_path.push_back(inner.key);
        if (Result<void> done = read_member(inner, inner_path, "", queue_keys(), queue); !done) {
            return done;
        }
    }
    return {};
}

Result<void> TreeReader::read_queues(const ConfigMember& queues) {
    const auto* object = std::get_if<ConfigNode::Object>(&queues.node.value);
    if (object == nullptr) {
        return refuse(
            queues.position,
            {queues.key},
            fmt::format("is {}, write a table [queues.NAME] for each queue", kind_of(queues.node))
        );
    }
    for (const ConfigMember& member : *object) {
        QueueConfig queue;
        queue.name = member.key;
        if (Result<void> done = read_queue(member, {queues.key, member.key}, queue); !done) {
            return done;
        }
        config_.queues.push_back(std::move(queue));
    }
    return {};
}

template <class Config>
Result<void> TreeReader::read_tables(
    const ConfigMember& tables,
    std::string_view expected,
    std::span<const ConfigKey<Config>> keys,
    std::string Config::*name,
    std::vector<Config>& configs
) {
    const auto* object = std::get_if<ConfigNode::Object>(&tables.node.value);
    if (object == nullptr) {
        return refuse(
            tables.position,
            {tables.key},
            fmt::format("is {}, write a table {}", kind_of(tables.node), expected)
        );
    }
    for (const ConfigMember& member : *object) {
        const ConfigPath path{tables.key, member.key};
        positions_.emplace(path, member.position);
        const auto* table = std::get_if<ConfigNode::Object>(&member.node.value);
        if (table == nullptr) {
            return refuse(
                member.position,
                path,
                fmt::format("is {}, write a table [{}]", kind_of(member.node), format_path(path))
            );
        }
        Config config;
        config.*name = member.key;
        for (const ConfigMember& inner : *table) {
            ConfigPath inner_path = path;
            inner_path.push_back(inner.key);
            Result<void> done = read_member(inner, inner_path, "", keys, config);
            if (!done) return done;
        }
        configs.push_back(std::move(config));
    }
    std::ranges::sort(configs, {}, name);
    return {};
}

Result<void> TreeReader::read_root(const ConfigNode::Object& root) {
    for (const ConfigMember& member : root) {
        Result<void> done;
        if (member.key == "queues") {
            done = read_queues(member);
        } else if (member.key == "handlers") {
            done = read_tables(
                member,
                "[handlers.\"TYPE\"] for each type of job",
                handler_keys(),
                &HandlerConfig::type,
                config_.handlers
            );
        } else if (member.key == "schedules") {
            done = read_tables(
                member,
                "[schedules.NAME] for each schedule",
                schedule_keys(),
                &ScheduleConfig::name,
                config_.schedules
            );
        } else if (member.key == "apps") {
            done = read_tables<AppConfig>(
                member, "[apps.NAME] for each app", app_keys(), &AppConfig::name, config_.apps
            );
        } else if (member.key == "queue_template") {
            done = read_queue(member, {member.key}, config_.auto_create_template);
        } else {
            done = read_member(member, {member.key}, "", server_keys(), config_);
        }
        if (!done) return done;
    }
    return {};
}

Result<ServerConfig> TreeReader::read(const ConfigNode& root) {
    if (const auto* object = std::get_if<ConfigNode::Object>(&root.value)) {
        if (Result<void> done = read_root(*object); !done) return std::unexpected(done.error());
    }
    std::optional<ConfigProblem> found = find_server_problem(config_);
    if (!found) found = find_worker_problem(config_);
    if (!found) found = find_schedule_problem(config_);
    if (!found) found = find_app_problem(config_);
    if (!found) found = find_queue_problem(config_);
    if (!found) found = order_queues(config_.queues);
    if (found) return refuse(find_position(positions_, found->path), found->path, found->text);
    return std::move(config_);
}

}  // namespace

Result<ServerConfig> read_toml_tree(
    const ConfigNode& root, const ConfigSource& source, const Environment& env
) {
    return TreeReader(source, env).read(root);
}

}  // namespace tranter::cli

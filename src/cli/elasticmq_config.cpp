#include "cli/elasticmq_config.hpp"

#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "cli/config_rules.hpp"
#include "cli/elasticmq_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

// Blocks that configure the libraries under ElasticMQ; nearly every real file has one.
constexpr std::array<std::string_view, 5> silent_blocks{
    "akka", "pekko", "spray", "logback", "kamon"};

ConfigPath path_from(ConfigPath path, std::string_view dotted) {
    while (!dotted.empty()) {
        const std::size_t dot = std::min(dotted.find('.'), dotted.size());
        path.emplace_back(dotted.substr(0, dot));
        dotted.remove_prefix(std::min(dot + 1, dotted.size()));
    }
    return path;
}

ConfigPath join_name(ConfigPath path, const std::string& name) {
    path.push_back(name);
    return path;
}

template <class Key>
const Key* find_key(std::span<const Key> keys, const ConfigPath& path) {
    // A quoted name with a dot is not the same as two names.
    for (const std::string& name : path) {
        if (name.find('.') != std::string::npos) return nullptr;
    }
    const auto found = std::ranges::find(keys, fmt::format("{}", fmt::join(path, ".")), &Key::path);
    return found == keys.end() ? nullptr : &*found;
}

// The key as a notice shows it. ElasticMQ ignores a misspelt key silently, and files in the wild
// have them (deadLetterQueue), so say what was probably meant.
template <class Key>
std::string describe_unused(
    std::span<const Key> keys, const ConfigPath& path, const ConfigPath& relative
) {
    std::vector<std::string_view> names;
    for (const Key& key : keys) {
        names.push_back(key.path);
        names.push_back(key.path.substr(0, key.path.find('.')));
    }
    return format_path(path) + did_you_mean(fmt::format("{}", fmt::join(relative, ".")), names);
}

class ElasticReader {
  public:
    explicit ElasticReader(const HoconDocument& document) : document_(document) {
        draft_.config.region = "elasticmq";
        draft_.notices = document.notices;
    }

    Result<LoadedConfig> read();

  private:
    std::unexpected<Error> refuse(
        ConfigPosition where, const ConfigPath& path, std::string_view what
    ) const;
    Result<const ConfigNode::Object*> object_of(const ConfigMember& member, const ConfigPath& path)
        const;
    void remember(const ConfigMember& member, const ConfigPath& path, ConfigPath toml_path);

    Result<void> read_root(const ConfigNode::Object& root);
    Result<void> read_table(const ConfigNode::Object& members, const std::string& table);
    Result<void> read_key(
        const elasticmq::ServerKey& key, const ConfigMember& member, const ConfigPath& path
    );
    Result<void> read_queues(const ConfigMember& queues);
    Result<void> read_template(const ConfigMember& member);

    /// A queue's members, or those of its deadLettersQueue. `path` is where they stand in the
    /// file, `relative` the part of it below the queue, `toml_base` the queue in tranter.toml.
    struct QueuePlace {
        ConfigPath path;
        ConfigPath relative;
        ConfigPath toml_base;
    };
    Result<void> read_queue(
        const ConfigNode::Object& members, const QueuePlace& place, QueueConfig& queue
    );
    Result<void> read_dead_letter(
        const ConfigMember& member, const QueuePlace& place, QueueConfig& queue
    );

    const HoconDocument& document_;
    elasticmq::Draft draft_;
    ConfigPositions positions_;                // by the path in tranter.toml
    std::map<ConfigPath, ConfigPath> origin_;  // that path -> the path in this file
};

std::unexpected<Error> ElasticReader::refuse(
    ConfigPosition where, const ConfigPath& path, std::string_view what
) const {
    return fail(
        Errc::invalid_argument,
        one_line(fmt::format(
            "{}:{}:{}: {}: {}",
            document_.files[where.file],
            where.line,
            where.column,
            format_path(path),
            what
        ))
    );
}

Result<const ConfigNode::Object*> ElasticReader::object_of(
    const ConfigMember& member, const ConfigPath& path
) const {
    if (const auto* object = std::get_if<ConfigNode::Object>(&member.node.value)) return object;
    return refuse(member.position, path, fmt::format("is {}, write {{ }}", kind_of(member.node)));
}

void ElasticReader::remember(
    const ConfigMember& member, const ConfigPath& path, ConfigPath toml_path
) {
    positions_.insert_or_assign(toml_path, member.position);
    origin_.insert_or_assign(std::move(toml_path), path);
}

bool is_null_member(const ConfigMember& member) {
    return std::holds_alternative<std::monostate>(member.node.value);
}

Result<void> ElasticReader::read_key(
    const elasticmq::ServerKey& key, const ConfigMember& member, const ConfigPath& path
) {
    if (!key.toml_path.empty()) remember(member, path, path_from({}, key.toml_path));
    const Result<void> done = key.read(member.node, draft_);
    if (!done) return refuse(member.position, path, done.error().message());
    return {};
}

Result<void> ElasticReader::read_root(const ConfigNode::Object& root) {
    for (const ConfigMember& member : root) {
        if (is_null_member(member) ||
            std::ranges::find(silent_blocks, member.key) != silent_blocks.end())
            continue;
        Result<void> done;
        if (member.key == "queues") {
            done = read_queues(member);
        } else if (const auto* key = find_key(elasticmq::server_keys(), {member.key})) {
            done = read_key(*key, member, {member.key});
        } else if (const auto* table = std::get_if<ConfigNode::Object>(&member.node.value)) {
            done = read_table(*table, member.key);
        } else {
            draft_.unused.push_back(
                describe_unused(elasticmq::server_keys(), {member.key}, {member.key})
            );
        }
        if (!done) return done;
    }
    return {};
}

Result<void> ElasticReader::read_table(
    const ConfigNode::Object& members, const std::string& table
) {
    std::vector<std::string> unused;
    for (const ConfigMember& member : members) {
        const ConfigPath path{table, member.key};
        if (is_null_member(member)) continue;
        Result<void> done;
        if (path == ConfigPath{"auto-create-queues", "template"}) {
            done = read_template(member);
        } else if (const auto* key = find_key(elasticmq::server_keys(), path)) {
            done = read_key(*key, member, path);
        } else {
            unused.push_back(describe_unused(elasticmq::server_keys(), path, path));
        }
        if (!done) return done;
    }
    // A table of which nothing is known is named once, not key by key.
    if (!unused.empty() && unused.size() == members.size())
        unused = {describe_unused(elasticmq::server_keys(), {table}, {table})};
    draft_.unused.insert(draft_.unused.end(), unused.begin(), unused.end());
    return {};
}

Result<void> ElasticReader::read_queues(const ConfigMember& queues) {
    const Result<const ConfigNode::Object*> all = object_of(queues, {queues.key});
    if (!all) return std::unexpected(all.error());
    for (const ConfigMember& member : **all) {
        if (is_null_member(member)) continue;
        const ConfigPath path{queues.key, member.key};
        const Result<const ConfigNode::Object*> members = object_of(member, path);
        if (!members) return std::unexpected(members.error());
        QueueConfig queue = elasticmq::start_queue(member.key, **members);
        const QueuePlace place{.path = path, .relative = {}, .toml_base = {"queues", queue.name}};
        remember(member, path, place.toml_base);
        if (Result<void> done = read_queue(**members, place, queue); !done) return done;
        elasticmq::finish_queue(queue, draft_.notices);
        draft_.config.queues.push_back(std::move(queue));
    }
    return {};
}

Result<void> ElasticReader::read_template(const ConfigMember& member) {
    const QueuePlace place{
        .path = {"auto-create-queues", "template"},
        .relative = {},
        .toml_base = {"queue_template"},
    };
    const Result<const ConfigNode::Object*> members = object_of(member, place.path);
    if (!members) return std::unexpected(members.error());
    QueueConfig& queue = draft_.config.auto_create_template;
    remember(member, place.path, place.toml_base);
    if (Result<void> done = read_queue(**members, place, queue); !done) return done;
    elasticmq::finish_queue(queue, draft_.notices);
    return {};
}

Result<void> ElasticReader::read_queue(
    const ConfigNode::Object& members, const QueuePlace& place, QueueConfig& queue
) {
    for (const ConfigMember& member : members) {
        if (is_null_member(member)) continue;
        const ConfigPath path = join_name(place.path, member.key);
        const ConfigPath relative = join_name(place.relative, member.key);
        if (const auto* key = find_key(elasticmq::queue_keys(), relative)) {
            if (!key->toml_path.empty()) {
                remember(member, path, path_from(place.toml_base, key->toml_path));
            }
            const Result<void> done = key->read(member.node, queue);
            if (!done) return refuse(member.position, path, done.error().message());
            if (!key->toml_path.empty()) queue.written.paths.emplace(key->toml_path);
        } else if (relative == ConfigPath{"deadLettersQueue"}) {
            if (Result<void> done = read_dead_letter(member, place, queue); !done) return done;
        } else {
            draft_.unused.push_back(describe_unused(elasticmq::queue_keys(), path, relative));
        }
    }
    return {};
}

Result<void> ElasticReader::read_dead_letter(
    const ConfigMember& member, const QueuePlace& place, QueueConfig& queue
) {
    const QueuePlace inner{
        .path = join_name(place.path, member.key),
        .relative = {member.key},
        .toml_base = place.toml_base,
    };
    const Result<const ConfigNode::Object*> members = object_of(member, inner.path);
    if (!members) return std::unexpected(members.error());
    remember(member, inner.path, join_name(place.toml_base, "dead_letter"));
    if (Result<void> done = read_queue(**members, inner, queue); !done) return done;
    if (queue.dead_letter.queue.empty() || queue.dead_letter.max_receives == 0) {
        return refuse(member.position, inner.path, "needs both name and maxReceiveCount");
    }
    return {};
}

Result<LoadedConfig> ElasticReader::read() {
    const auto* root = std::get_if<ConfigNode::Object>(&document_.root.value);
    if (root != nullptr) {
        if (Result<void> done = read_root(*root); !done) return std::unexpected(done.error());
    }
    elasticmq::finish(draft_);
    std::optional<ConfigProblem> found = find_server_problem(draft_.config);
    if (!found) found = find_queue_problem(draft_.config);
    if (!found) found = order_queues(draft_.config.queues);
    if (found) {
        const auto origin = origin_.find(found->path);
        return refuse(
            find_position(positions_, found->path),
            origin == origin_.end() ? found->path : origin->second,
            found->text
        );
    }
    std::vector<std::string> notices = std::move(draft_.notices);
    if (!draft_.unused.empty()) {
        notices.push_back(
            fmt::format("keys that have no meaning here: {}", fmt::join(draft_.unused, ", "))
        );
    }
    for (std::string& notice : notices)
        notice = one_line(notice);
    return LoadedConfig{.config = std::move(draft_.config), .notices = std::move(notices)};
}

}  // namespace

Result<LoadedConfig> parse_elasticmq_config(
    std::string_view text, const std::string& name, const HoconContext& context
) {
    const Result<HoconDocument> document = parse_hocon(text, name, context);
    if (!document) return std::unexpected(document.error());
    return ElasticReader(*document).read();
}

}  // namespace tranter::cli

#include "cli/hocon_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tranter::cli::hocon {
namespace {

// Substitutions can multiply what a small file says; these bound the result and the work.
constexpr std::size_t resolved_nodes_max = 200'000;
constexpr std::size_t resolved_bytes_max = 16U << 20;
constexpr std::size_t resolved_depth_max = 256;

/// Nothing when every way to the value is an optional substitution of something that is not there.
using Resolved = Result<std::optional<ConfigNode>>;

class Resolver {
  public:
    Resolver(const ParsedFiles& files, const Environment& env) : files_(files), env_(env) {}

    Result<ConfigNode> resolve_root() {
        Resolved root = resolve_object(files_.root, {});
        if (!root) return std::unexpected(root.error());
        return std::move(**root);
    }

  private:
    /// A value that is being resolved. For Overrides: those before `index` are still unused.
    struct Frame {
        const Value* value;
        std::size_t index;
    };

    Resolved refuse(ConfigPosition where, std::string_view what) const {
        return refuse_at(files_.files, where, what);
    }

    /// `own` is the frame of the Overrides that `value` is directly part of.
    Resolved resolve(const Value& value, const Frame* own);
    Resolved resolve_text(const Text& text, ConfigPosition where);
    Resolved resolve_array(const Array& array, ConfigPosition where);
    Resolved resolve_object(const Object& object, ConfigPosition where);
    Resolved resolve_overrides(const Value& value, std::size_t end);
    Resolved resolve_concatenation(const Value& value, const Frame* own);
    Resolved resolve_substitution(const Value& value, const Frame* own);
    Resolved resolve_target(const Value& target, const Value& asking);
    Resolved find_path(const ConfigPath& path, const Value& asking);
    Result<void> spend(ConfigPosition where, std::size_t bytes);

    const ParsedFiles& files_;
    const Environment& env_;
    std::vector<Frame> frames_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
    std::size_t depth_ = 0;
};

bool is_object(const ConfigNode& node) {
    return std::holds_alternative<ConfigNode::Object>(node.value);
}

// Both sorted by key, because they come from maps.
ConfigNode::Object merge(ConfigNode::Object base, ConfigNode::Object overlay) {
    ConfigNode::Object out;
    out.reserve(base.size() + overlay.size());
    auto left = base.begin();
    auto right = overlay.begin();
    while (left != base.end() || right != overlay.end()) {
        if (right == overlay.end() || (left != base.end() && left->key < right->key)) {
            out.push_back(std::move(*left++));
            continue;
        }
        const bool both = left != base.end() && left->key == right->key;
        if (both && is_object(left->node) && is_object(right->node)) {
            right->node.value = merge(
                std::get<ConfigNode::Object>(std::move(left->node.value)),
                std::get<ConfigNode::Object>(std::move(right->node.value))
            );
        }
        if (both) ++left;
        out.push_back(std::move(*right++));
    }
    return out;
}

Result<void> Resolver::spend(ConfigPosition where, std::size_t bytes) {
    bytes_ += bytes;
    if (++nodes_ > resolved_nodes_max || bytes_ > resolved_bytes_max) {
        return std::unexpected(refuse(where, "substitutions make the file too large").error());
    }
    return {};
}

Resolved Resolver::resolve(const Value& value, const Frame* own) {
    if (depth_ >= resolved_depth_max) {
        return refuse(
            value.position, fmt::format("nested deeper than {} levels", resolved_depth_max)
        );
    }
    if (Result<void> done = spend(value.position, 0); !done) return std::unexpected(done.error());
    ++depth_;
    Resolved result;
    if (const auto* text = std::get_if<Text>(&value.content)) {
        result = resolve_text(*text, value.position);
    } else if (const auto* object = std::get_if<Object>(&value.content)) {
        result = resolve_object(*object, value.position);
    } else if (const auto* array = std::get_if<Array>(&value.content)) {
        result = resolve_array(*array, value.position);
    } else if (const auto* overrides = std::get_if<Overrides>(&value.content)) {
        result = resolve_overrides(value, overrides->values.size());
    } else if (std::holds_alternative<Concatenation>(value.content)) {
        result = resolve_concatenation(value, own);
    } else {
        result = resolve_substitution(value, own);
    }
    --depth_;
    return result;
}

Resolved Resolver::resolve_text(const Text& text, ConfigPosition where) {
    if (Result<void> done = spend(where, text.text.size()); !done) {
        return std::unexpected(done.error());
    }
    ConfigNode node{.value = {}, .position = where};
    if (text.quoted || text.text != "null") node.value = text.text;
    return node;
}

Resolved Resolver::resolve_array(const Array& array, ConfigPosition where) {
    ConfigNode::Array elements;
    for (const Value& element : array.elements) {
        Resolved resolved = resolve(element, nullptr);
        if (!resolved) return resolved;
        if (*resolved) elements.push_back(std::move(**resolved));
    }
    return ConfigNode{.value = std::move(elements), .position = where};
}

Resolved Resolver::resolve_object(const Object& object, ConfigPosition where) {
    ConfigNode::Object members;
    for (const auto& [key, value] : object.fields) {
        frames_.push_back({.value = &value, .index = 0});
        Resolved resolved = resolve(value, nullptr);
        frames_.pop_back();
        if (!resolved) return resolved;
        if (!*resolved) continue;
        members.push_back(
            {.key = key, .node = std::move(**resolved), .position = value.key_position}
        );
    }
    return ConfigNode{.value = std::move(members), .position = where};
}

Resolved Resolver::resolve_overrides(const Value& value, std::size_t end) {
    const std::vector<Value>& values = std::get<Overrides>(value.content).values;
    std::optional<ConfigNode> result;
    for (std::size_t i = end; i > 0; --i) {
        const Frame frame{.value = &value, .index = i - 1};
        frames_.push_back(frame);
        Resolved resolved = resolve(values[i - 1], &frame);
        frames_.pop_back();
        if (!resolved) return resolved;
        if (!*resolved) continue;
        if (!result) {
            result = std::move(*resolved);
        } else if (is_object(**resolved)) {
            result->value = merge(
                std::get<ConfigNode::Object>(std::move((*resolved)->value)),
                std::get<ConfigNode::Object>(std::move(result->value))
            );
        } else {
            return result;
        }
        if (!is_object(*result)) return result;
    }
    return result;
}

Resolved Resolver::resolve_concatenation(const Value& value, const Frame* own) {
    std::string text;
    std::optional<ConfigNode> whole;
    bool has_text = false;
    for (const Value& piece : std::get<Concatenation>(value.content).pieces) {
        Resolved resolved = resolve(piece, own);
        if (!resolved) return resolved;
        if (!*resolved) continue;
        ConfigNode& node = **resolved;
        if (const auto* part = std::get_if<std::string>(&node.value)) {
            const auto* literal = std::get_if<Text>(&piece.content);
            const bool blank = part->find_first_not_of(" \t\r\xC2\xA0") == std::string::npos;
            has_text |= !(blank && literal != nullptr && !literal->quoted);
            text += *part;
        } else if (std::holds_alternative<std::monostate>(node.value)) {
            has_text = true;
            text += "null";
        } else if (!whole) {
            whole = std::move(node);
        } else if (whole->value.index() != node.value.index()) {
            return refuse(value.position, "an object and a list cannot be joined");
        } else if (auto* array = std::get_if<ConfigNode::Array>(&node.value)) {
            auto& elements = std::get<ConfigNode::Array>(whole->value);
            std::ranges::move(*array, std::back_inserter(elements));
        } else {
            whole->value = merge(
                std::get<ConfigNode::Object>(std::move(whole->value)),
                std::get<ConfigNode::Object>(std::move(node.value))
            );
        }
    }
    if (whole && has_text) {
        return refuse(value.position, "text cannot be joined with an object or a list");
    }
    if (whole) return whole;
    if (!has_text) return std::optional<ConfigNode>();
    // Blanks before the first and after the last defined piece stay: pieces end at the line's end.
    if (Result<void> done = spend(value.position, text.size()); !done) {
        return std::unexpected(done.error());
    }
    return ConfigNode{.value = std::move(text), .position = value.position};
}

Resolved Resolver::resolve_target(const Value& target, const Value& asking) {
    const auto frame = std::find_if(frames_.rbegin(), frames_.rend(), [&](const Frame& open) {
        return open.value == &target;
    });
    const bool overrides = std::holds_alternative<Overrides>(target.content);
    if (frame != frames_.rend()) {
        // A key that refers to itself means the value that it had before.
        if (overrides && frame->index > 0) return resolve_overrides(target, frame->index);
        const auto& substitution = std::get<Substitution>(asking.content);
        if (substitution.optional) return std::optional<ConfigNode>();
        return refuse(
            asking.position, fmt::format("${{{}}} refers to itself", format_path(substitution.path))
        );
    }
    if (overrides) return resolve(target, nullptr);
    frames_.push_back({.value = &target, .index = 0});
    Resolved resolved = resolve(target, nullptr);
    frames_.pop_back();
    return resolved;
}

Resolved Resolver::find_path(const ConfigPath& path, const Value& asking) {
    const Object* object = &files_.root;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const auto field = object->fields.find(path[i]);
        if (field == object->fields.end()) return std::optional<ConfigNode>();
        const Value& value = field->second;
        if (i + 1 == path.size()) return resolve_target(value, asking);
        object = std::get_if<Object>(&value.content);
        if (object != nullptr) continue;
        Resolved resolved = resolve_target(value, asking);
        for (++i; resolved && *resolved && i < path.size(); ++i) {
            auto* members = std::get_if<ConfigNode::Object>(&(*resolved)->value);
            if (members == nullptr) return std::optional<ConfigNode>();
            const auto member = std::ranges::find(*members, path[i], &ConfigMember::key);
            if (member == members->end()) return std::optional<ConfigNode>();
            ConfigNode inner = std::move(member->node);
            **resolved = std::move(inner);
        }
        return resolved;
    }
    return std::optional<ConfigNode>();
}

Resolved Resolver::resolve_substitution(const Value& value, const Frame* own) {
    const auto& substitution = std::get<Substitution>(value.content);
    if (substitution.path.empty()) {
        if (own == nullptr) return std::optional<ConfigNode>();
        return resolve_overrides(*own->value, own->index);
    }
    Resolved resolved = find_path(substitution.path, value);
    if (!resolved) return resolved;
    if (!*resolved) {
        std::string name;
        for (const std::string& segment : substitution.path) {
            if (!name.empty()) name += '.';
            name += segment;
        }
        if (const char* text = env_ ? env_(name) : nullptr) {
            return resolve_text(Text{.text = text, .quoted = true}, value.position);
        }
        if (substitution.optional) return resolved;
        return refuse(
            value.position,
            fmt::format("${{{}}} is not set, neither in the file nor in the environment", name)
        );
    }
    (*resolved)->position = value.position;
    return resolved;
}

}  // namespace

Result<ConfigNode> resolve(const ParsedFiles& files, const Environment& env) {
    return Resolver(files, env).resolve_root();
}

}  // namespace tranter::cli::hocon

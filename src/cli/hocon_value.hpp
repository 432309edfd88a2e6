#pragma once

#include "cli/config_node.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

/// What a HOCON text says before its substitutions are resolved. Only for hocon_*.cpp.
namespace tranter::cli::hocon {

struct Value;

struct Text {
    std::string text;
    bool quoted = false;
};

struct Substitution {
    ConfigPath path;  ///< empty: the value that the same key had before
    bool optional = false;
};

struct Array {
    std::vector<Value> elements;
};

struct Object {
    std::map<std::string, Value> fields;
};

/// Pieces that stand side by side: texts are joined, objects merged, arrays appended.
struct Concatenation {
    std::vector<Value> pieces;
};

/// Values given to one key one after the other whose result depends on a substitution. The last
/// one wins unless it is undefined; objects merge.
struct Overrides {
    std::vector<Value> values;
};

struct Value {
    std::variant<Text, Substitution, Array, Object, Concatenation, Overrides> content;
    ConfigPosition position{};
    ConfigPosition key_position{};  ///< of the key that it was given to last
};

/// Gives `key` another value on top of what it may have already.
void add_field(Object& object, const std::string& key, Value value);

}  // namespace tranter::cli::hocon

#include "cli/hocon_parser.hpp"

#include "cli/hocon_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace tranter::cli::hocon {
namespace {

constexpr std::size_t nesting_max = 64;
constexpr std::size_t include_depth_max = 64;
constexpr std::size_t includes_max = 256;

/// One file; includes make further ones that share `out_`.
class Parser {
  public:
    Parser(
        std::string_view text,
        std::vector<std::string> open_files,
        const HoconContext& context,
        ParsedFiles& out
    )
        : lexer_(text, static_cast<std::uint32_t>(out.files.size() - 1)),
          open_files_(std::move(open_files)),
          context_(context),
          out_(out) {}

    Result<void> parse_root(Object& root, std::size_t depth);

  private:
    std::unexpected<Error> refuse(std::string_view what) {
        return refuse_at(out_.files, lexer_.position(), what);
    }

    Result<void> parse_members(Object& object, std::size_t depth, bool braces);
    Result<void> parse_member(Object& object, std::size_t depth);
    Result<ConfigPath> parse_key();
    Result<void> parse_key_piece(std::string& segment, bool& any);
    Result<Value> parse_value(std::size_t depth);
    Result<Value> parse_piece(std::size_t depth);
    Result<Value> parse_array(std::size_t depth);
    Result<Value> parse_substitution();
    bool at_include() const;
    Result<void> parse_include(Object& object, std::size_t depth);
    Result<void> include_file(
        const std::string& name, bool required, Object& object, std::size_t depth
    );

    Lexer lexer_;
    std::vector<std::string> open_files_;
    const HoconContext& context_;
    ParsedFiles& out_;
};

std::string shown(char c) {
    return c == '\0' ? std::string("the end") : fmt::format("'{}'", c);
}

Result<void> Parser::parse_root(Object& root, std::size_t depth) {
    lexer_.skip_lines(false);
    if (lexer_.peek() == '[') return refuse("the file is a list, write key = value");
    if (lexer_.peek() != '{') return parse_members(root, depth, false);
    lexer_.advance();
    if (Result<void> done = parse_members(root, depth, true); !done) return done;
    lexer_.skip_lines(false);
    if (!lexer_.at_end()) return refuse("text after the closing brace, remove it");
    return {};
}

Result<void> Parser::parse_members(Object& object, std::size_t depth, bool braces) {
    if (depth > nesting_max) {
        return refuse(fmt::format("nested deeper than {} levels", nesting_max));
    }
    for (;;) {
        lexer_.skip_lines(true);
        if (lexer_.at_end()) {
            if (braces) return refuse("the file ends inside an object, write }");
            return {};
        }
        if (lexer_.peek() == '}') {
            if (!braces) return refuse("a closing brace without an opening one, remove it");
            lexer_.advance();
            return {};
        }
        Result<void> done =
            at_include() ? parse_include(object, depth) : parse_member(object, depth);
        if (!done) return done;
    }
}

bool Parser::at_include() const {
    if (!lexer_.looks_at("include")) return false;
    Lexer ahead = lexer_;
    ahead.advance(7);
    if (ahead.skip_blanks().empty()) return false;
    return ahead.peek() == '"' || ahead.looks_at("classpath(") || ahead.looks_at("file(") ||
           ahead.looks_at("url(") || ahead.looks_at("required(");
}

Result<void> Parser::parse_include(Object& object, std::size_t depth) {
    lexer_.advance(7);
    lexer_.skip_blanks();
    std::size_t parentheses = 0;
    bool required = false;
    bool classpath = false;
    for (;;) {
        const std::string word = lexer_.read_unquoted("(");
        if (word.empty()) break;
        if (word == "url") return refuse("include url(...) is not supported, use a file");
        required |= word == "required";
        classpath |= word == "classpath";
        if (lexer_.peek() != '(') return refuse("an include needs a name like \"file.conf\"");
        lexer_.advance();
        ++parentheses;
        lexer_.skip_blanks();
    }
    if (lexer_.peek() != '"') return refuse("an include needs a name like \"file.conf\"");
    const Result<std::string> name = lexer_.read_quoted();
    if (!name) return refuse(name.error().message());
    for (; parentheses > 0; --parentheses) {
        lexer_.skip_blanks();
        if (lexer_.peek() != ')') return refuse("the include does not end, write )");
        lexer_.advance();
    }
    if (!classpath) return include_file(*name, required, object, depth);
    if (*name != "application.conf" && *name != "application" && *name != "reference.conf") {
        out_.notices.push_back(fmt::format("include classpath(\"{}\") adds nothing", *name));
    }
    return {};
}

Result<void> Parser::include_file(
    const std::string& name, bool required, Object& object, std::size_t depth
) {
    const std::filesystem::path base = std::filesystem::path(open_files_.back()).parent_path();
    const std::string path = (base / name).lexically_normal().string();
    if (std::ranges::find(open_files_, path) != open_files_.end()) {
        return refuse(fmt::format("{} includes itself", path));
    }
    if (open_files_.size() > include_depth_max || out_.files.size() > includes_max) {
        return refuse(fmt::format(
            "more than {} includes, or {} inside each other", includes_max, include_depth_max
        ));
    }
    Result<std::optional<std::string>> text = std::optional<std::string>();
    if (context_.read_include) text = context_.read_include(path);
    if (!text) return std::unexpected(text.error());
    if (!*text) {
        if (required) return refuse(fmt::format("the included file {} does not exist", path));
        out_.notices.push_back(fmt::format("the included file {} does not exist", path));
        return {};
    }
    out_.files.push_back(path);
    std::vector<std::string> open_files = open_files_;
    open_files.push_back(path);
    return Parser(**text, std::move(open_files), context_, out_).parse_root(object, depth);
}

Result<void> Parser::parse_key_piece(std::string& segment, bool& any) {
    if (lexer_.peek() == '"') {
        const Result<std::string> text = lexer_.read_quoted();
        if (!text) return refuse(text.error().message());
        segment += *text;
        any = true;
        return {};
    }
    const std::string text = lexer_.read_unquoted(".");
    if (text.empty()) {
        return refuse(fmt::format("{} cannot stand in a key, quote it", shown(lexer_.peek())));
    }
    segment += text;
    any = true;
    return {};
}

Result<ConfigPath> Parser::parse_key() {
    ConfigPath path;
    std::string segment;
    bool any = false;
    for (;;) {
        const std::string blanks = lexer_.skip_blanks();
        const char c = lexer_.peek();
        const bool ends = c == '=' || c == ':' || c == '{' || c == '\n' || c == '}' ||
                          lexer_.looks_at("+=") || lexer_.at_end();
        if (ends || c == '.') {
            if (!any) return refuse("a key is missing, write key = value");
            path.push_back(std::move(segment));
            segment.clear();
            any = false;
            if (ends) return path;
            if (path.size() >= nesting_max) {
                return refuse(fmt::format("nested deeper than {} levels", nesting_max));
            }
            lexer_.advance();
            continue;
        }
        if (any) segment += blanks;
        if (Result<void> done = parse_key_piece(segment, any); !done) {
            return std::unexpected(done.error());
        }
    }
}

Result<void> Parser::parse_member(Object& object, std::size_t depth) {
    const ConfigPosition start = lexer_.position();
    Result<ConfigPath> path = parse_key();
    if (!path) return std::unexpected(path.error());
    lexer_.skip_lines(false);
    const bool append = lexer_.looks_at("+=");
    if (append) {
        lexer_.advance(2);
    } else if (lexer_.peek() == '=' || lexer_.peek() == ':') {
        lexer_.advance();
    } else if (lexer_.peek() != '{') {
        return refuse(
            fmt::format("{} after the key {}, write =", shown(lexer_.peek()), format_path(*path))
        );
    }
    lexer_.skip_lines(false);
    Result<Value> value = parse_value(depth + path->size());
    if (!value) return std::unexpected(value.error());
    if (append) {
        // a += b is a = ${?a} [b]; the empty path stands for the value before this one.
        Concatenation sum;
        sum.pieces.push_back(
            {.content = Substitution{.path = {}, .optional = true}, .position = start}
        );
        Array one;
        one.elements.push_back(std::move(*value));
        sum.pieces.push_back({.content = std::move(one), .position = start});
        *value = {.content = std::move(sum), .position = start};
    }
    for (; path->size() > 1; path->pop_back()) {
        Object outer;
        value->key_position = start;
        add_field(outer, path->back(), std::move(*value));
        *value = {.content = std::move(outer), .position = start};
    }
    value->key_position = start;
    add_field(object, path->front(), std::move(*value));
    return {};
}

Result<Value> Parser::parse_array(std::size_t depth) {
    if (depth > nesting_max) {
        return refuse(fmt::format("nested deeper than {} levels", nesting_max));
    }
    Array array;
    const ConfigPosition start = lexer_.position();
    lexer_.advance();
    for (;;) {
        lexer_.skip_lines(true);
        if (lexer_.at_end()) return refuse("the file ends inside a list, write ]");
        if (lexer_.peek() == ']') break;
        Result<Value> element = parse_value(depth + 1);
        if (!element) return element;
        array.elements.push_back(std::move(*element));
    }
    lexer_.advance();
    return Value{.content = std::move(array), .position = start};
}

Result<Value> Parser::parse_substitution() {
    const ConfigPosition start = lexer_.position();
    lexer_.advance(2);
    Substitution substitution;
    if (lexer_.peek() == '?') {
        substitution.optional = true;
        lexer_.advance();
    }
    Result<ConfigPath> path = parse_key();
    if (!path) return std::unexpected(path.error());
    if (lexer_.peek() != '}') return refuse("the substitution does not end, write }");
    lexer_.advance();
    substitution.path = std::move(*path);
    return Value{.content = std::move(substitution), .position = start};
}

Result<Value> Parser::parse_piece(std::size_t depth) {
    const ConfigPosition start = lexer_.position();
    if (lexer_.peek() == '{') {
        lexer_.advance();
        Object object;
        if (Result<void> done = parse_members(object, depth + 1, true); !done) {
            return std::unexpected(done.error());
        }
        return Value{.content = std::move(object), .position = start};
    }
    if (lexer_.peek() == '[') return parse_array(depth + 1);
    if (lexer_.looks_at("${")) return parse_substitution();
    if (lexer_.peek() == '"') {
        Result<std::string> text = lexer_.read_quoted();
        if (!text) return refuse(text.error().message());
        return Value{.content = Text{.text = std::move(*text), .quoted = true}, .position = start};
    }
    std::string text = lexer_.read_unquoted("");
    if (text.empty()) {
        return refuse(fmt::format("{} cannot stand here, quote it", shown(lexer_.peek())));
    }
    return Value{.content = Text{.text = std::move(text)}, .position = start};
}

bool is_text(const Value& value) {
    return std::holds_alternative<Text>(value.content);
}

Result<Value> Parser::parse_value(std::size_t depth) {
    const ConfigPosition start = lexer_.position();
    std::vector<Value> pieces;
    for (;;) {
        const ConfigPosition before = lexer_.position();
        std::string blanks = lexer_.skip_blanks();
        const char c = lexer_.peek();
        const bool ends = lexer_.at_end() || c == '\n' || c == ',' || c == '}' || c == ']';
        if (ends || lexer_.at_comment()) break;
        if (!pieces.empty() && !blanks.empty()) {
            pieces.push_back({.content = Text{.text = std::move(blanks)}, .position = before});
        }
        Result<Value> piece = parse_piece(depth);
        if (!piece) return piece;
        pieces.push_back(std::move(*piece));
    }
    if (pieces.empty()) return refuse("a value is missing, write key = value");
    if (pieces.size() == 1) return std::move(pieces.front());
    if (std::ranges::all_of(pieces, is_text)) {
        std::string joined;
        for (const Value& piece : pieces)
            joined += std::get<Text>(piece.content).text;
        return Value{.content = Text{.text = std::move(joined), .quoted = true}, .position = start};
    }
    return Value{.content = Concatenation{.pieces = std::move(pieces)}, .position = start};
}

bool depends_on_substitution(const Value& value) {
    return std::holds_alternative<Substitution>(value.content) ||
           std::holds_alternative<Concatenation>(value.content) ||
           std::holds_alternative<Overrides>(value.content);
}

}  // namespace

void add_field(Object& object, const std::string& key, Value value) {
    const auto [field, added] = object.fields.try_emplace(key);
    Value& present = field->second;
    if (added) {
        present = std::move(value);
        return;
    }
    auto* old_object = std::get_if<Object>(&present.content);
    auto* new_object = std::get_if<Object>(&value.content);
    if (old_object != nullptr && new_object != nullptr) {
        for (auto& [name, inner] : new_object->fields) {
            add_field(*old_object, name, std::move(inner));
        }
        return;
    }
    const bool merges = new_object != nullptr && depends_on_substitution(present);
    if (!merges && !depends_on_substitution(value)) {
        present = std::move(value);
        return;
    }
    if (!std::holds_alternative<Overrides>(present.content)) {
        Overrides overrides;
        const ConfigPosition position = present.position;
        overrides.values.push_back(std::move(present));
        present = Value{.content = std::move(overrides), .position = position};
    }
    present.key_position = value.key_position;
    std::get<Overrides>(present.content).values.push_back(std::move(value));
}

Result<ParsedFiles> parse_files(
    std::string_view text, const std::string& name, const HoconContext& context
) {
    ParsedFiles out;
    out.files.push_back(name);
    const std::string path = std::filesystem::path(name).lexically_normal().string();
    Object root;
    if (Result<void> done = Parser(text, {path}, context, out).parse_root(root, 0); !done) {
        return std::unexpected(done.error());
    }
    out.root = std::move(root);
    return out;
}

}  // namespace tranter::cli::hocon

#include "appfile/script_evaluator.hpp"
#include "appfile/script_natives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::appfile {
namespace {

constexpr std::array<std::string_view, 14> unevaluated_words{
    "function",
    "class",
    "new",
    "async",
    "await",
    "yield",
    "delete",
    "void",
    "typeof",
    "this",
    "super",
    "import",
    "instanceof",
    "in"};

}  // namespace

Value ScriptEvaluator::primary() {
    const Token token = now();
    if (token.kind == Token::Kind::name) return name();
    if (token.kind == Token::Kind::template_start) return template_text();
    if (token.kind == Token::Kind::number) {
        lexer_.advance();
        return charged({.data = token.number, .place = token.place});
    }
    if (token.kind == Token::Kind::text) {
        lexer_.advance();
        return charged({.data = token.text, .place = token.place});
    }
    if (is_mark("[")) return array();
    if (is_mark("{")) return object();
    if (is_mark("/") || is_mark("/=")) return regex();
    if (take_mark("(")) {
        if (is_mark(")")) refuse(token.place, "a function");
        Value value = expression();
        if (is_mark(",")) refuse(now().place, "a comma between expressions");
        expect(")");
        return value;
    }
    fail_at(token.place, fmt::format("a value is missing in front of {}", found()));
    return {};
}

Value ScriptEvaluator::name() {
    const Token token = now();
    if (std::ranges::find(unevaluated_words, std::string_view(token.text)) !=
        unevaluated_words.end()) {
        lexer_.advance();
        const bool is_meta = token.text == "import" && take_mark(".");
        if (is_meta && options_.form == ScriptOptions::Form::module && take_word("meta")) {
            return value_of(Native::import_meta);
        }
        refuse(token.place, fmt::format("`{}`", token.text));
        return {};
    }
    lexer_.advance();
    if (is_mark("=>")) {
        refuse(now().place, "a function");
        return {};
    }
    if (token.text == "true") return charged({.data = true, .place = token.place});
    if (token.text == "false") return charged({.data = false, .place = token.place});
    if (token.text == "null") return charged({.data = nullptr, .place = token.place});
    if (unused_ > 0) return {};
    if (const auto bound = bindings_.find(token.text); bound != bindings_.end()) {
        return charged(bound->second);
    }
    if (auto global = find_global(token.text, options_)) {
        global->place = token.place;
        return charged(*std::move(global));
    }
    refuse(token.place, fmt::format("`{}`, which is not declared,", token.text));
    return {};
}

Value ScriptEvaluator::template_text() {
    const Place place = now().place;
    std::string text;
    while (lexer_.read_template(text)) {
        lexer_.advance();
        const Value value = expression();
        if (!value.is_plain()) refuse(place, "a list or an object in a template");
        text += to_text(value);
        if (!is_mark("}")) {
            fail_at(now().place, fmt::format("a }} is missing in front of {}", found()));
            return {};
        }
    }
    lexer_.advance();
    return charged({.data = std::move(text), .place = place});
}

Value ScriptEvaluator::regex() {
    const Place place = now().place;
    ScriptLexer::Regex regex = lexer_.read_regex();
    lexer_.advance();
    Value::Object members;
    members.push_back({"$regex", value_of(std::move(regex.source))});
    members.push_back({"$flags", value_of(std::move(regex.flags))});
    return charged({.data = std::move(members), .place = place});
}

Value ScriptEvaluator::array() {
    const Depth depth(*this);
    Value out{.data = Value::Array{}, .place = now().place};
    auto& elements = std::get<Value::Array>(out.data);
    expect("[");
    while (!take_mark("]") && !lexer_.has_failed()) {
        if (is_mark(",")) fail_at(now().place, "an element is missing in front of this comma");
        if (take_mark("...")) {
            const Place place = now().place;
            const Value value = expression();
            const auto* more = value.array();
            if (more == nullptr && unused_ == 0) {
                refuse(place, fmt::format("a spread of {} in a list", kind_of(value)));
            }
            if (more != nullptr) elements.insert(elements.end(), more->begin(), more->end());
        } else {
            elements.push_back(expression());
        }
        if (!is_mark("]")) expect(",");
    }
    charge({});
    return out;
}

Value ScriptEvaluator::object() {
    const Depth depth(*this);
    Value out{.data = Value::Object{}, .place = now().place};
    auto& members = std::get<Value::Object>(out.data);
    expect("{");
    while (!take_mark("}") && !lexer_.has_failed()) {
        object_member(members);
        if (!is_mark("}")) expect(",");
    }
    charge({});
    return out;
}

/// {a} is {a: a}. The token is gone, so that it is looked up here.
void ScriptEvaluator::shorthand_member(Value::Object& members, const Token& token) {
    const auto bound = bindings_.find(token.text);
    if (bound != bindings_.end()) {
        put(members, token.text, charged(bound->second));
    } else if (auto global = find_global(token.text, options_)) {
        put(members, token.text, charged(*std::move(global)));
    } else if (unused_ == 0) {
        refuse(token.place, fmt::format("`{}`, which is not declared,", token.text));
    }
}

void ScriptEvaluator::object_member(Value::Object& members) {
    if (take_mark("...")) {
        const Value value = expression();
        if (unused_ == 0) spread(members, value);
        return;
    }
    const Token token = now();
    std::string key = token.text;
    if (token.kind == Token::Kind::number) key = to_text(token.number);
    if (take_mark("[")) {
        const Value computed = expression();
        key = to_text(computed);
        expect("]");
    } else if (token.kind == Token::Kind::mark || token.kind == Token::Kind::end) {
        fail_at(
            token.place, fmt::format("the name of a member is missing in front of {}", found())
        );
        return;
    } else if (token.kind == Token::Kind::name) {
        lexer_.advance();
        if (is_mark(",") || is_mark("}")) {
            shorthand_member(members, token);
            return;
        }
    } else {
        lexer_.advance();
    }
    if (is_mark("(") || now().kind == Token::Kind::name) {
        refuse(token.place, "a function");
        return;
    }
    expect(":");
    put(members, std::move(key), expression());
}

}  // namespace tranter::appfile

#include "appfile/script.hpp"

#include "appfile/script_evaluator.hpp"
#include "appfile/script_natives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::appfile {
namespace {

constexpr std::array<std::string_view, 14> unevaluated_statements{
    "if",
    "for",
    "while",
    "do",
    "switch",
    "try",
    "throw",
    "return",
    "function",
    "class",
    "async",
    "with",
    "break",
    "continue"};

/// What is left of a value is what JSON has: modules and functions become undefined, as
/// JSON.stringify drops them.
void drop_natives(Value& value) {
    if (std::holds_alternative<Native>(value.data)) value.data = Value::Undefined{};
    if (auto* array = std::get_if<Value::Array>(&value.data)) {
        for (Value& element : *array) {
            drop_natives(element);
            if (element.is_undefined()) element.data = nullptr;
        }
    } else if (auto* object = std::get_if<Value::Object>(&value.data)) {
        for (Member& member : *object)
            drop_natives(member.value);
        std::erase_if(*object, [](const Member& member) { return member.value.is_undefined(); });
    }
}

}  // namespace

Result<Value> ScriptEvaluator::run() {
    if (options_.form == ScriptOptions::Form::expression) {
        exports_ = expression();
        take_mark(";");
        if (now().kind != Token::Kind::end) {
            fail_at(now().place, fmt::format("the file goes on with {} behind its end", found()));
        }
    } else {
        while (now().kind != Token::Kind::end)
            run_statement();
        if (!has_exports_) {
            fail_at(now().place, "exports nothing, write module.exports = { apps: [...] }");
        }
    }
    if (lexer_.has_failed()) return fail(Errc::invalid_argument, lexer_.error());
    drop_natives(exports_);
    return std::move(exports_);
}

bool ScriptEvaluator::take_mark(std::string_view mark) {
    if (!is_mark(mark)) return false;
    lexer_.advance();
    return true;
}

bool ScriptEvaluator::take_word(std::string_view word) {
    if (!is_word(word)) return false;
    lexer_.advance();
    return true;
}

void ScriptEvaluator::expect(std::string_view mark) {
    if (take_mark(mark)) return;
    fail_at(now().place, fmt::format("{} is missing in front of {}", mark, found()));
}

std::string ScriptEvaluator::expect_name() {
    if (now().kind != Token::Kind::name) {
        fail_at(now().place, fmt::format("a name is missing in front of {}", found()));
        return {};
    }
    std::string name = now().text;
    lexer_.advance();
    return name;
}

std::string ScriptEvaluator::expect_text() {
    if (now().kind != Token::Kind::text) {
        fail_at(now().place, fmt::format("text is missing in front of {}", found()));
        return {};
    }
    std::string text = now().text;
    lexer_.advance();
    return text;
}

void ScriptEvaluator::refuse(Place place, std::string_view what) {
    if (options_.form == ScriptOptions::Form::expression) {
        fail_at(place, fmt::format("{} has no place in JSON, write plain values", what));
    } else {
        fail_at(
            place,
            fmt::format(
                "{} is not evaluated without node, install node or convert the file where it is",
                what
            )
        );
    }
}

std::string ScriptEvaluator::found() const {
    constexpr std::size_t shown_max = 20;
    switch (now().kind) {
        case Token::Kind::end:
            return "the end of the file";
        case Token::Kind::number:
            return to_text(now().number);
        case Token::Kind::template_start:
            return "`";
        case Token::Kind::text:
            return fmt::format("\"{}\"", now().text.substr(0, shown_max));
        default:
            return now().text.substr(0, shown_max);
    }
}

void ScriptEvaluator::run_statement() {
    if (take_mark(";")) return;
    const Token token = now();
    if (is_word("const") || is_word("let") || is_word("var")) {
        run_declaration();
    } else if (take_word("import")) {
        if (is_mark("(") || is_mark(".")) refuse(token.place, "`import` of this kind");
        run_import();
    } else if (take_word("export")) {
        run_export();
    } else if (token.kind == Token::Kind::name &&
               std::ranges::find(unevaluated_statements, std::string_view(token.text)) !=
                   unevaluated_statements.end()) {
        refuse(token.place, fmt::format("`{}`", token.text));
    } else if (is_mark("{")) {
        refuse(token.place, "a block");
    } else if (!run_assignment()) {
        expression();
    }
    if (now().kind == Token::Kind::mark && now().text.ends_with('=')) {
        refuse(now().place, "an assignment to this");
    }
    end_statement();
}

void ScriptEvaluator::end_statement() {
    if (take_mark(";") || now().kind == Token::Kind::end || now().begins_line) return;
    fail_at(now().place, fmt::format("; is missing in front of {}", found()));
}

void ScriptEvaluator::bind(const std::string& name, Value value, Place place) {
    if (lexer_.has_failed()) return;
    if (!bindings_.insert_or_assign(name, std::move(value)).second) {
        refuse(place, fmt::format("a second declaration of `{}`", name));
    }
}

/// `{a, b: c}` or `{a, b as c}`, behind its opening mark.
void ScriptEvaluator::bind_names(char closing, const Value& from, std::string_view kind) {
    const std::string_view close(&closing, 1);
    while (!take_mark(close) && !lexer_.has_failed()) {
        const Place place = now().place;
        if (is_mark("...")) refuse(place, "the rest of a pattern");
        const std::string key = expect_name();
        const bool is_renamed = kind == "import" ? take_word("as") : take_mark(":");
        const std::string name = is_renamed ? expect_name() : key;
        Value value = lexer_.has_failed() ? Value{} : member_of(from, key, place);
        if (take_mark("=")) {
            const bool is_there = !value.is_undefined();
            unused_ += is_there ? 1 : 0;
            Value other = expression();
            unused_ -= is_there ? 1 : 0;
            if (!is_there) value = std::move(other);
        }
        bind(name, std::move(value), place);
        if (!is_mark(close)) expect(",");
    }
}

void ScriptEvaluator::run_declaration() {
    lexer_.advance();
    do {
        const Place place = now().place;
        if (is_mark("[")) refuse(place, "a list of names to declare");
        if (take_mark("{")) {
            // The names stand in front of the value: they are read twice.
            const ScriptLexer names = lexer_;
            while (!is_mark("}") && now().kind != Token::Kind::end)
                lexer_.advance();
            expect("}");
            expect("=");
            const Value value = expression();
            const ScriptLexer behind = lexer_;
            if (lexer_.has_failed()) return;
            lexer_ = names;
            bind_names('}', value, "pattern");
            if (!lexer_.has_failed()) lexer_ = behind;
        } else {
            const std::string name = expect_name();
            Value value;
            if (take_mark("=")) value = expression();
            bind(name, std::move(value), place);
        }
    } while (take_mark(","));
}

/// import a from "x"; import * as a from "x"; import {a, b as c} from "x"
void ScriptEvaluator::run_import() {
    const Place place = now().place;
    const ScriptLexer names = lexer_;
    while (!is_word("from") && now().kind != Token::Kind::end && now().kind != Token::Kind::text)
        lexer_.advance();
    take_word("from");
    const std::string module = expect_text();
    if (lexer_.has_failed()) return;
    const auto native = find_module(module);
    if (!native) {
        refuse(place, fmt::format("import of \"{}\"", module));
        return;
    }
    const ScriptLexer behind = lexer_;
    lexer_ = names;
    if (now().kind == Token::Kind::text) {
        lexer_ = behind;
        return;
    }
    const Value value{.data = *native, .place = place};
    do {
        if (take_mark("{")) {
            bind_names('}', value, "import");
        } else if (take_mark("*")) {
            if (!take_word("as")) fail_at(now().place, "`as` and a name are missing behind *");
            bind(expect_name(), value, place);
        } else {
            bind(expect_name(), value, place);
        }
    } while (take_mark(","));
    if (!is_word("from"))
        fail_at(now().place, fmt::format("from is missing in front of {}", found()));
    if (!lexer_.has_failed()) lexer_ = behind;
}

void ScriptEvaluator::run_export() {
    const Place place = now().place;
    if (!take_word("default")) {
        refuse(place, "`export` without `default`");
        return;
    }
    exports_ = expression();
    has_exports_ = true;
}

/// module.exports = ..., module.exports.name = ..., exports.name = ...
bool ScriptEvaluator::run_assignment() {
    if (!is_word("module") && !is_word("exports")) return false;
    const Place place = now().place;
    std::vector<std::string> path;
    do {
        path.push_back(expect_name());
    } while (take_mark("."));
    expect("=");
    if (path.front() == "module" && path.size() > 1 && path[1] == "exports") {
        path.erase(path.begin());
    }
    if (path.front() != "exports" || path.size() > 2) {
        refuse(place, "an assignment to this");
        return true;
    }
    Value value = expression();
    has_exports_ = true;
    if (path.size() == 1) {
        exports_ = std::move(value);
    } else if (auto* object = std::get_if<Value::Object>(&exports_.data)) {
        put(*object, path[1], std::move(value));
    } else {
        fail_at(place, "exports is no object here");
    }
    return true;
}

Result<Value> evaluate_script(std::string_view text, const ScriptOptions& options) {
    return ScriptEvaluator(text, options).run();
}

}  // namespace tranter::appfile

#include "appfile/script_evaluator.hpp"
#include "appfile/script_natives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace tranter::appfile {
namespace {

constexpr std::size_t depth_max = 200;
constexpr std::size_t weight_max = std::size_t{32} << 20;
// Members are looked up one by one.

struct Operator {
    std::string_view mark;
    int level;
};

constexpr std::array<Operator, 16> operators{{
    {"??", 1},
    {"||", 1},
    {"&&", 2},
    {"===", 3},
    {"!==", 3},
    {"==", 3},
    {"!=", 3},
    {"<", 4},
    {">", 4},
    {"<=", 4},
    {">=", 4},
    {"+", 5},
    {"-", 5},
    {"*", 6},
    {"/", 6},
    {"%", 6},
}};
constexpr int level_of_unary = 7;

bool is_same(const Value& left, const Value& right) {
    if (left.data.index() != right.data.index()) return false;
    if (left.text() != nullptr) return *left.text() == *right.text();
    if (left.number() != nullptr) return *left.number() == *right.number();
    if (left.flag() != nullptr) return *left.flag() == *right.flag();
    return left.is_nothing();
}

/// `==`, for what is no object.
bool is_alike(const Value& left, const Value& right) {
    if (left.is_nothing() || right.is_nothing()) return left.is_nothing() && right.is_nothing();
    if (left.data.index() == right.data.index()) return is_same(left, right);
    return to_number(left) == to_number(right);
}

bool is_before(const Value& left, const Value& right) {
    if (left.text() != nullptr && right.text() != nullptr) return *left.text() < *right.text();
    return to_number(left) < to_number(right);
}

bool is_not_after(const Value& left, const Value& right) {
    if (left.text() != nullptr && right.text() != nullptr) return *left.text() <= *right.text();
    return to_number(left) <= to_number(right);
}

double calculate(std::string_view mark, double left, double right) {
    if (mark == "-") return left - right;
    if (mark == "*") return left * right;
    if (mark == "/") return left / right;
    return std::fmod(left, right);
}

}  // namespace

void ScriptEvaluator::enter() {
    if (++depth_ > depth_max) fail_at(now().place, "is nested too deep");
}

void ScriptEvaluator::charge(const Value& value) {
    weight_ += weight_of(value);
    if (weight_ > weight_max) {
        fail_at(now().place, fmt::format("makes values of more than {} bytes", weight_max));
    }
}

Value ScriptEvaluator::charged(Value value) {
    charge(value);
    return value;
}

void ScriptEvaluator::put(Value::Object& members, std::string key, Value value) {
    if (unused_ > 0) return;
    if (members.size() >= members_max) {
        fail_at(now().place, too_many_members());
        return;
    }
    set_member(members, std::move(key), std::move(value));
}

void ScriptEvaluator::spread(Value::Object& members, const Value& value) {
    if (const auto* native = std::get_if<Native>(&value.data)) {
        if (*native != Native::process_env) {
            refuse(now().place, "a spread of this");
            return;
        }
        for (Member& member : environment_object(options_)) {
            charge(member.value);
            put(members, std::move(member.key), std::move(member.value));
        }
    } else if (const auto* object = value.object()) {
        for (const Member& member : *object)
            put(members, member.key, member.value);
    } else if (!value.is_nothing() && value.flag() == nullptr) {
        fail_at(now().place, fmt::format("{} has no members to spread", kind_of(value)));
    }
}

Value ScriptEvaluator::expression() {
    const Depth depth(*this);
    Value condition = binary(1);
    if (is_mark("=>")) {
        refuse(now().place, "a function");
        return {};
    }
    if (!take_mark("?")) return condition;
    const bool is_true = is_truthy(condition);
    unused_ += is_true ? 0 : 1;
    Value first = expression();
    unused_ -= is_true ? 0 : 1;
    expect(":");
    unused_ += is_true ? 1 : 0;
    Value second = expression();
    unused_ -= is_true ? 1 : 0;
    return is_true ? first : second;
}

Value ScriptEvaluator::binary(int level) {
    if (level == level_of_unary) return unary();
    Value left = binary(level + 1);
    for (;;) {
        const Token token = now();
        const auto* const found = std::ranges::find_if(operators, [&](const Operator& one) {
            return token.kind == Token::Kind::mark && one.mark == token.text && one.level == level;
        });
        if (found == operators.end()) return left;
        lexer_.advance();
        const bool is_settled = (token.text == "??" && !left.is_nothing()) ||
                                (token.text == "||" && is_truthy(left)) ||
                                (token.text == "&&" && !is_truthy(left));
        unused_ += is_settled ? 1 : 0;
        Value right = binary(level + 1);
        unused_ -= is_settled ? 1 : 0;
        if (level <= 2) {
            if (!is_settled) left = std::move(right);
        } else if (unused_ == 0) {
            left = charged(apply(token.text, left, right));
            left.place = token.place;
        }
    }
}

Value ScriptEvaluator::apply(std::string_view mark, const Value& left, const Value& right) {
    if (mark == "===") return value_of(is_same(left, right));
    if (mark == "!==") return value_of(!is_same(left, right));
    if (!left.is_plain() || !right.is_plain()) {
        refuse(now().place, fmt::format("`{}` on a list or an object", mark));
        return {};
    }
    if (mark == "==") return value_of(is_alike(left, right));
    if (mark == "!=") return value_of(!is_alike(left, right));
    if (mark == "<") return value_of(is_before(left, right));
    if (mark == ">") return value_of(is_before(right, left));
    if (mark == "<=") return value_of(is_not_after(left, right));
    if (mark == ">=") return value_of(is_not_after(right, left));
    if (mark == "+" && (left.text() != nullptr || right.text() != nullptr)) {
        return value_of(to_text(left) + to_text(right));
    }
    if (mark == "+") return value_of(to_number(left) + to_number(right));
    return value_of(calculate(mark, to_number(left), to_number(right)));
}

Value ScriptEvaluator::unary() {
    const Depth depth(*this);
    const Place place = now().place;
    if (take_mark("!")) return value_of(!is_truthy(unary()));
    if (take_mark("-")) return {.data = -to_number(unary()), .place = place};
    if (take_mark("+")) return {.data = to_number(unary()), .place = place};
    for (const std::string_view mark : {"++", "--", "~"}) {
        if (is_mark(mark)) refuse(place, fmt::format("`{}`", mark));
    }
    Value value = postfix();
    for (const std::string_view mark : {"++", "--", "**", "&", "|", "^", "<<", ">>"}) {
        if (is_mark(mark)) refuse(now().place, fmt::format("`{}`", mark));
    }
    return value;
}

Value ScriptEvaluator::postfix() {
    std::string called = now().kind == Token::Kind::name ? now().text : "this";
    Value value = primary();
    // What follows ?. on nothing is not evaluated.
    bool is_cut = false;
    for (;;) {
        const Place place = now().place;
        if (now().kind == Token::Kind::template_start) refuse(place, "a tagged template");
        const bool is_optional = take_mark("?.");
        if (is_optional && !is_cut && value.is_nothing()) {
            is_cut = true;
            ++unused_;
        }
        if (take_mark("[")) {
            const Value index = expression();
            expect("]");
            value = element_of(value, index, place);
        } else if (is_mark("(")) {
            value = call(value, called);
        } else if (is_optional || take_mark(".")) {
            called = expect_name();
            value = member_of(value, called, place);
        } else {
            break;
        }
    }
    if (!is_cut) return value;
    --unused_;
    return {};
}

Value ScriptEvaluator::member_of(const Value& of, const std::string& name, Place place) {
    if (unused_ > 0) return {};
    if (of.is_nothing()) {
        fail_at(place, fmt::format("{} has no member {}", to_text(of), name));
        return {};
    }
    if (const auto* native = std::get_if<Native>(&of.data)) {
        auto found = find_native_member(*native, name, options_);
        if (!found) refuse(place, fmt::format("`{}` of this", name));
        return found ? charged(*std::move(found)) : Value{};
    }
    if (const auto* object = of.object()) {
        const Value* found = find_member(*object, name);
        return found != nullptr ? charged(*found) : Value{};
    }
    if (name == "length" && of.array() != nullptr) return value_of(double(of.array()->size()));
    if (name == "length" && of.text() != nullptr) {
        const auto is_start = [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        };
        return value_of(double(std::ranges::count_if(*of.text(), is_start)));
    }
    refuse(place, fmt::format("`{}` of {}", name, kind_of(of)));
    return {};
}

Value ScriptEvaluator::element_of(const Value& of, const Value& index, Place place) {
    if (unused_ > 0) return {};
    const auto* array = of.array();
    if (array == nullptr || index.number() == nullptr) return member_of(of, to_text(index), place);
    const double at = *index.number();
    if (!(at >= 0 && at < double(array->size()) && at == std::floor(at))) return {};
    return charged((*array)[static_cast<std::size_t>(at)]);
}

std::vector<Value> ScriptEvaluator::arguments() {
    std::vector<Value> out;
    expect("(");
    while (!take_mark(")") && !lexer_.has_failed()) {
        if (is_mark("...")) refuse(now().place, "a spread of arguments");
        Value value = expression();
        const auto* native = std::get_if<Native>(&value.data);
        if (native != nullptr && *native == Native::process_env) {
            value = charged(value_of(environment_object(options_)));
        }
        out.push_back(std::move(value));
        if (!is_mark(")")) expect(",");
    }
    return out;
}

Value ScriptEvaluator::call(const Value& function, const std::string& name) {
    const Place place = now().place;
    const std::vector<Value> given = arguments();
    if (unused_ > 0 || lexer_.has_failed()) return {};
    const auto* native = std::get_if<Native>(&function.data);
    if (native == nullptr || !is_function(*native)) {
        if (function.is_nothing() || native != nullptr) {
            fail_at(place, fmt::format("{} is no function", name));
        } else {
            refuse(place, fmt::format("a call of `{}`", name));
        }
        return {};
    }
    auto result = call_native(*native, given, options_);
    if (!result) {
        // Others than require() are given what they cannot take, by node's rules too.
        if (*native == Native::require) refuse(place, result.error());
        fail_at(place, result.error());
        return {};
    }
    result->place = place;
    return charged(*std::move(result));
}

}  // namespace tranter::appfile

#pragma once

#include "appfile/script.hpp"
#include "appfile/script_lexer.hpp"
#include "appfile/value.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// Reads and evaluates in one pass. What is not to be evaluated (the other side of a ?:) is read
/// with `unused_` set, and then every value is undefined. After an error the lexer only gives ends,
/// so that all loops end.
class ScriptEvaluator {
  public:
    ScriptEvaluator(std::string_view text, const ScriptOptions& options)
        : lexer_(text), options_(options) {}

    [[nodiscard]] Result<Value> run();

  private:
    /// Refuses what is nested so deep that reading it would use up the stack.
    class Depth {
      public:
        explicit Depth(ScriptEvaluator& evaluator) : evaluator_(evaluator) { evaluator_.enter(); }
        ~Depth() { --evaluator_.depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;

      private:
        ScriptEvaluator& evaluator_;
    };
    void enter();

    // Statements.
    void run_statement();
    void run_declaration();
    void run_import();
    void run_export();
    void bind_names(char closing, const Value& from, std::string_view kind);
    bool run_assignment();
    void end_statement();
    void bind(const std::string& name, Value value, Place place);

    // Expressions.
    Value expression();
    Value binary(int level);
    Value unary();
    Value postfix();
    Value primary();
    Value name();
    Value array();
    Value object();
    void object_member(Value::Object& members);
    void shorthand_member(Value::Object& members, const Token& token);
    Value template_text();
    Value regex();
    Value call(const Value& function, const std::string& name);
    std::vector<Value> arguments();
    Value member_of(const Value& of, const std::string& name, Place place);
    Value element_of(const Value& of, const Value& index, Place place);
    Value apply(std::string_view mark, const Value& left, const Value& right);

    // Limits.
    Value charged(Value value);
    void charge(const Value& value);
    void put(Value::Object& members, std::string key, Value value);
    void spread(Value::Object& members, const Value& value);

    const Token& now() const { return lexer_.current(); }
    bool is_mark(std::string_view mark) const {
        return now().kind == Token::Kind::mark && now().text == mark;
    }
    bool is_word(std::string_view word) const {
        return now().kind == Token::Kind::name && now().text == word;
    }
    bool take_mark(std::string_view mark);
    bool take_word(std::string_view word);
    void expect(std::string_view mark);
    std::string expect_name();
    std::string expect_text();
    /// What is no mistake, but more than is evaluated here.
    void refuse(Place place, std::string_view what);
    void fail_at(Place place, std::string text) { lexer_.fail_at(place, std::move(text)); }
    std::string found() const;

    ScriptLexer lexer_;
    const ScriptOptions& options_;
    std::map<std::string, Value, std::less<>> bindings_{};
    Value exports_{.data = Value::Object{}};
    bool has_exports_ = false;
    std::size_t depth_ = 0;
    std::size_t unused_ = 0;
    std::size_t weight_ = 0;  // of all values that were made
};

}  // namespace tranter::appfile

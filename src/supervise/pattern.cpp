#include "supervise/pattern.hpp"

#include "base/unicode.hpp"
#include "supervise/pattern_syntax.hpp"

#include <string>
#include <utility>

namespace tranter::supervise {
namespace {

/// Repeats of repeats may be long.
constexpr std::size_t pattern_steps_max = 5'000;

bool is_word_letter(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
}

}  // namespace

/// Makes steps of a tree (Thompson 1968).
class PatternCompiler {
  public:
    using Kind = Pattern::Step::Kind;

    /// False when there would be too many.
    bool add(const PatternNode& node) {
        if (out.steps_.size() > pattern_steps_max) return false;
        switch (node.kind) {
            case PatternNode::Kind::sequence:
                for (const PatternNode& part : node.parts) {
                    if (!add(part)) return false;
                }
                return true;
            case PatternNode::Kind::choice:
                return add_choice(node);
            case PatternNode::Kind::repeat:
                return add_repeat(node);
            case PatternNode::Kind::bytes:
                push(Kind::bytes, static_cast<std::uint32_t>(out.sets_.size()));
                out.sets_.push_back(node.bytes);
                return true;
            case PatternNode::Kind::begin:
                push(Kind::begin);
                return true;
            case PatternNode::Kind::end:
                push(Kind::end);
                return true;
            case PatternNode::Kind::edge:
                push(Kind::edge);
                return true;
            case PatternNode::Kind::no_edge:
                push(Kind::no_edge);
                return true;
        }
        return true;
    }
    void finish() { push(Kind::match); }

    Pattern out{};

  private:
    std::uint32_t here() const { return static_cast<std::uint32_t>(out.steps_.size()); }
    std::uint32_t push(Kind kind, std::uint32_t to = 0) {
        out.steps_.push_back({kind, to, 0});
        return here() - 1;
    }
    /// To what follows it, or to somewhere else.
    std::uint32_t push_fork() {
        const std::uint32_t fork = push(Kind::fork);
        out.steps_[fork].to = here();
        return fork;
    }

    bool add_choice(const PatternNode& node) {
        std::vector<std::uint32_t> jumps;
        for (std::size_t i = 0; i + 1 < node.parts.size(); ++i) {
            const std::uint32_t fork = push_fork();
            if (!add(node.parts[i])) return false;
            jumps.push_back(push(Kind::jump));
            out.steps_[fork].other = here();
        }
        if (!add(node.parts.back())) return false;
        for (const std::uint32_t jump : jumps)
            out.steps_[jump].to = here();
        return true;
    }

    bool add_repeat(const PatternNode& node) {
        const PatternNode& part = node.parts.front();
        for (std::uint32_t i = 0; i < node.min; ++i) {
            if (!add(part)) return false;
        }
        if (node.max == PatternNode::unlimited) {
            const std::uint32_t fork = push_fork();
            if (!add(part)) return false;
            push(Kind::jump, fork);
            out.steps_[fork].other = here();
            return true;
        }
        std::vector<std::uint32_t> forks;
        for (std::uint32_t i = node.min; i < node.max; ++i) {
            forks.push_back(push_fork());
            if (!add(part)) return false;
        }
        for (const std::uint32_t fork : forks)
            out.steps_[fork].other = here();
        return true;
    }
};

/// All ways to go at once, a byte at a time (Pike).
class Pattern::Run {
  public:
    Run(const Pattern& pattern, std::string_view text)
        : pattern_(pattern), text_(text), seen_at_(pattern.steps_.size(), 0) {}

    bool finds() {
        for (std::size_t at = 0;; ++at) {
            if (follow(0, at)) return true;
            if (at == text_.size()) return false;
            std::swap(now_, next_);
            next_.clear();
            const auto byte = static_cast<unsigned char>(text_[at]);
            for (const std::uint32_t step : now_) {
                if (!pattern_.sets_[pattern_.steps_[step].to].test(byte)) continue;
                if (follow(step + 1, at + 1)) return true;
            }
        }
    }

  private:
    /// Goes as far as it can without taking a byte. Whether that is the end.
    bool follow(std::uint32_t first, std::size_t at) {
        open_.push_back(first);
        while (!open_.empty()) {
            const std::uint32_t number = open_.back();
            open_.pop_back();
            if (std::exchange(seen_at_[number], at + 1) == at + 1) continue;
            const Step& step = pattern_.steps_[number];
            switch (step.kind) {
                case Step::Kind::match:
                    return true;
                case Step::Kind::bytes:
                    next_.push_back(number);
                    break;
                case Step::Kind::fork:
                    open_.push_back(step.other);
                    open_.push_back(step.to);
                    break;
                case Step::Kind::jump:
                    open_.push_back(step.to);
                    break;
                default:
                    if (holds(step.kind, at)) open_.push_back(number + 1);
            }
        }
        return false;
    }

    bool holds(Step::Kind kind, std::size_t at) const {
        const bool letter_before = at > 0 && is_word_letter(text_[at - 1]);
        const bool letter_after = at < text_.size() && is_word_letter(text_[at]);
        switch (kind) {
            case Step::Kind::begin:
                return at == 0;
            case Step::Kind::end:
                return at == text_.size();
            case Step::Kind::edge:
                return letter_before != letter_after;
            default:
                return letter_before == letter_after;
        }
    }

    const Pattern& pattern_;
    std::string_view text_;
    std::vector<std::size_t> seen_at_;  // by step: one more than where it was last come to
    std::vector<std::uint32_t> now_{};
    std::vector<std::uint32_t> next_{};
    std::vector<std::uint32_t> open_{};
};

Result<Pattern> Pattern::compile(std::string_view expression) {
    const auto tree = parse_pattern(expression);
    if (!tree) return std::unexpected(tree.error());
    PatternCompiler compiler;
    if (!compiler.add(*tree)) {
        return fail(
            Errc::invalid_argument,
            "regular expression " + in_quotes(expression) +
                " is too large, with all that it repeats it may have " +
                std::to_string(pattern_steps_max) + " steps"
        );
    }
    compiler.finish();
    return std::move(compiler.out);
}

bool Pattern::is_in(std::string_view text) const {
    return Run(*this, text).finds();
}

}  // namespace tranter::supervise

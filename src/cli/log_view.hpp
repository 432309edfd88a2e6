#pragma once

#include "cli/terminal_text.hpp"
#include "supervise/view.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tranter::cli {

/// Which lines of apps `tranter logs` shows.
struct LogChoice {
    bool output = true;
    bool errors = true;
    std::string text{};  // that is in it; empty: any
};
bool is_chosen(const supervise::OutputLine& line, const LogChoice& choice);

/// The last `count` chosen lines of each instance, all together in order of time.
std::vector<supervise::OutputLine> last_lines(
    std::vector<supervise::OutputLine> lines, const LogChoice& choice, std::size_t count
);

/// Passes over what comes twice when one first asks for the latest lines and then for those that
/// follow. Lines of one instance come in order of time, and those of one moment together.
class SeenLines {
  public:
    void add(const supervise::OutputLine& line) { last_[line.id] = line.at; }
    bool has(const supervise::OutputLine& line) const {
        const auto seen = last_.find(line.id);
        return seen != last_.end() && line.at <= seen->second;
    }

  private:
    std::map<supervise::InstanceId, Instant> last_{};
};

/// How lines are printed.
class LogPrinter {
  public:
    enum class Form : std::uint8_t {
        text,  // behind the name of the instance
        raw,   // as the app has printed it, but for what steers a terminal when there is one
        json,  // an object with PM2's members, and "number"
    };
    struct Options {
        Form form = Form::text;
        bool is_terminal = false;
        bool colours = false;
        bool timestamps = false;  // in front of each line
    };

    explicit LogPrinter(Options options) : options_(options) {}

    /// Who will print: names are as wide as the widest, and JSON has their keys.
    void know(std::span<const supervise::InstanceView> instances);

    /// With the newline.
    std::string line(const supervise::OutputLine& line) const;
    /// What happened to an instance, among its lines.
    std::string event(const supervise::Event& event) const;

  private:
    std::string prefix(const supervise::InstanceId& id, Instant at, bool is_bad) const;
    std::string json(const supervise::OutputLine& line) const;

    Options options_;
    std::size_t label_columns_ = 0;
    std::map<supervise::InstanceId, std::uint32_t> keys_{};
};

}  // namespace tranter::cli

#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::process {

/// Makes lines of bytes that come in pieces. A line longer than `line_max` comes in several, of
/// which the last alone is `ends`.
class LineSplitter {
  public:
    using Take = std::function<void(std::string_view line, bool ends)>;

    LineSplitter(std::size_t line_max, Take take) : line_max_(line_max), take_(std::move(take)) {}

    void add(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            std::string_view line = bytes.substr(0, end);
            while (rest_.size() + line.size() > line_max_) {
                const std::size_t room = line_max_ - rest_.size();
                rest_ += line.substr(0, room);
                line.remove_prefix(room);
                give(false);
            }
            rest_ += line;
            if (end == std::string_view::npos) return;
            give(true);
            bytes.remove_prefix(end + 1);
        }
    }

    /// The last line may have no newline.
    void finish() {
        if (!rest_.empty()) give(true);
    }

  private:
    void give(bool ends) {
        if (take_) take_(rest_, ends);
        rest_.clear();
    }

    const std::size_t line_max_;
    const Take take_;
    std::string rest_;
};

}  // namespace tranter::process

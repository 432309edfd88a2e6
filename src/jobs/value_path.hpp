#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::jobs {

/// Where in a JSON document we are. The text is only made for an error.
class ValuePath {
  public:
    /// The name has to live until its pop().
    void push(std::string_view name) { steps_.push_back({name, 0, false}); }
    void push(std::size_t index) { steps_.push_back({{}, index, true}); }
    void set_index(std::size_t index) { steps_.back().index = index; }
    void pop() { steps_.pop_back(); }
    void clear() { steps_.clear(); }

    /// `$.items[3].price`, `$["first name"]`. Long names are shortened.
    std::string text() const;

  private:
    struct Step {
        std::string_view name{};
        std::size_t index = 0;
        bool is_index = false;
    };
    std::vector<Step> steps_;
};

/// At most `bytes_max` bytes of UTF-8 text, with "..." for what is left out.
std::string shortened(std::string_view text, std::size_t bytes_max);

}  // namespace tranter::jobs

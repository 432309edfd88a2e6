#pragma once

#include "base/byte_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tranter::postgres {

/// A parameter of type text[] or any other array, as text: `{"a","b",NULL}`.
class ArrayText {
  public:
    void add(std::string_view element) {
        begin_element();
        out_ += '"';
        for (;;) {
            const std::size_t special = find_special(element);
            out_ += element.substr(0, special);
            if (special == element.size()) break;
            out_ += '\\';
            out_ += element[special];
            element.remove_prefix(special + 1);
        }
        out_ += '"';
    }
    /// What needs no quotes: a number, a UUID.
    void add_bare(std::string_view element) {
        begin_element();
        out_ += element;
    }
    void add_null() { add_bare("NULL"); }
    void add_all(const ArrayText& others) {
        if (others.size_ == 0) return;
        out_ += size_ == 0 ? '{' : ',';
        out_ += std::string_view(others.out_).substr(1);
        size_ += others.size_;
    }

    std::size_t size() const { return size_; }
    std::size_t bytes() const { return out_.size(); }
    std::string text() const { return out_ + (size_ == 0 ? "{}" : "}"); }

  private:
    void begin_element() { out_ += size_++ == 0 ? '{' : ','; }

    static std::size_t find_special(std::string_view text) {
        const std::size_t before = bytes_before(text, [](Bytes16 bytes) {
            return (bytes == each_of_16('"')) | (bytes == each_of_16('\\'));
        });
        const auto* const found = std::find_if(text.begin() + before, text.end(), [](char byte) {
            return byte == '"' || byte == '\\';
        });
        return static_cast<std::size_t>(found - text.begin());
    }

    std::string out_{};
    std::size_t size_ = 0;
};

}  // namespace tranter::postgres

#pragma once

#include "http/message.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace tranter::http {

/// Growing bytes that are always followed by body_padding_bytes readable ones.
class ByteBuffer {
  public:
    /// Not worth being given back.
    static constexpr std::size_t small = 4096;

    const char* data() const { return bytes_.get(); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return capacity_; }
    std::string_view view() const { return {bytes_.get(), size_}; }

    void clear() { size_ = 0; }

    void release() {
        bytes_.reset();
        size_ = capacity_ = 0;
    }

    /// Gives memory back that is not needed, when it is much.
    void shrink() {
        if (capacity_ <= small || capacity_ / 4 <= size_) return;
        ByteBuffer fitting;
        fitting.append(view());
        *this = std::move(fitting);
    }

    void append(std::string_view more) {
        if (more.empty()) return;
        reserve(size_ + more.size());
        std::memcpy(bytes_.get() + size_, more.data(), more.size());
        size_ += more.size();
    }

    /// Drops `count` bytes from the front.
    void erase_front(std::size_t count) {
        size_ -= count;
        if (size_ != 0) std::memmove(bytes_.get(), bytes_.get() + count, size_);
    }

    void truncate(std::size_t size) { size_ = size; }

  private:
    void reserve(std::size_t wanted) {
        if (wanted <= capacity_) return;
        const std::size_t capacity = std::max({wanted, capacity_ * 2, std::size_t{448}});
        auto bytes = std::make_unique_for_overwrite<char[]>(capacity + body_padding_bytes);
        if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
        std::memset(bytes.get() + capacity, 0, body_padding_bytes);
        bytes_ = std::move(bytes);
        capacity_ = capacity;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace tranter::http

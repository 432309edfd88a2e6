#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tranter::cli {

/// An open input: stdin or a file, which is closed in the end.
class Input {
  public:
    /// "-" is stdin, "@PATH" a file. `invalid_argument` for a file that cannot be read.
    static Result<Input> open(std::string_view source);

    Input(Input&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)) {}
    Input& operator=(Input&&) = delete;
    ~Input();

    int fd() const { return fd_; }
    /// For error texts.
    const std::string& name() const { return name_; }

  private:
    Input(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

    int fd_;
    std::string name_;
};

/// Whether a word stands for an input and not for itself.
bool names_input(std::string_view word);

}  // namespace tranter::cli

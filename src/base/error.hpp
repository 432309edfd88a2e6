#pragma once

#include <tranter/error.hpp>

#include <cstdint>
#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

namespace tranter {

/// The environment is broken (a port in use, a disk that fails) or a top object cannot be built.
/// Caught in main; `what()` is a sentence the user can act on.
class SystemError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace tranter

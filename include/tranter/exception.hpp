#pragma once

#include <tranter/error.hpp>

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tranter {

/// An Error where there is nobody to return it to: constructors throw it, and or_throw(). what()
/// is the message.
class Exception : public std::runtime_error {
  public:
    explicit Exception(const Error& error)
        : std::runtime_error(error.message()), code_(error.code()) {}

    Errc code() const { return code_; }

  private:
    Errc code_;
};

/// The value, for those who have no better answer to an error than to give up.
template <class T>
T or_throw(Result<T>&& result) {
    if (!result) throw Exception(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace tranter

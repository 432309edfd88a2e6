#pragma once

#include "base/error.hpp"
#include "control/client.hpp"
#include "control/request.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The texts of the protocol, one object to a line (docs/control-protocol.md).
namespace tranter::control {

/// Of a line, and of a file that holds apps.
inline constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

std::string write_request(const Request& request);
/// `invalid_argument` says what is wrong with it.
[[nodiscard]] Result<Request> read_request(std::string_view line);

/// What an answer carries when all went well.
using Payload = std::variant<
    std::monostate,
    DaemonView,
    std::vector<supervise::InstanceView>,
    std::vector<supervise::App>,
    std::vector<supervise::Event>,
    std::vector<supervise::OutputLine>>;

// With the newline.
std::string write_answer(std::uint64_t id, const Payload& payload);
std::string write_failure(std::uint64_t id, const Error& error);
std::string write_line(std::uint64_t id, const supervise::OutputLine& line);
std::string write_event(std::uint64_t id, const supervise::Event& event);

/// Reads what the daemon sends. An answer that says that the call failed is that failure.
template <class T>
[[nodiscard]] Result<T> read_answer(std::string_view line);
template <>
[[nodiscard]] Result<void> read_answer<void>(std::string_view line);

/// What comes while a client follows. Nothing: a member that this version does not know.
using Followed = std::variant<std::monostate, supervise::OutputLine, supervise::Event>;
[[nodiscard]] Result<Followed> read_followed(std::string_view line);

/// An object with the member "apps", as files hold it.
std::string write_apps(const std::vector<supervise::App>& apps);
/// `corrupted` says what is wrong with it.
[[nodiscard]] Result<std::vector<supervise::App>> read_apps(std::string_view text);

}  // namespace tranter::control

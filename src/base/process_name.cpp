#include "base/process_name.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>

namespace tranter {

std::string host_name() {
    // Longer than any name that Linux takes (64 bytes), so it is whole and ends with a zero.
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

std::string process_name() {
    const std::string host = host_name();
    return fmt::format("{}:{}", host.empty() ? "unknown" : host, ::getpid());
}

}  // namespace tranter

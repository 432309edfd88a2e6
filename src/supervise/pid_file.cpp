#include "supervise/pid_file.hpp"

#include "supervise/file_access.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace tranter::supervise {
namespace {

std::string pid_text(pid_t pid) {
    return std::to_string(pid) + "\n";
}

}  // namespace

Result<> write_pid_file(
    const std::string& path, pid_t pid, const std::optional<process::Identity>& owner
) {
    const auto access = FileAccess::to(path, owner);
    if (!access) return std::unexpected(access.error());
    constexpr mode_t readable = 0644;
    const auto file = access->open(path, O_WRONLY | O_CREAT, readable);
    if (!file) return std::unexpected(file.error());
    const std::string text = pid_text(pid);
    // Emptied only now, that it is known to be a file.
    if (::ftruncate(file->get(), 0) == 0 &&
        ::write(file->get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
        return {};
    return fail(Errc::unavailable, path + " cannot be written: " + std::strerror(errno));
}

void remove_pid_file(
    const std::string& path, pid_t pid, const std::optional<process::Identity>& owner
) {
    const auto access = FileAccess::to(path, owner);
    if (!access) return;
    const auto file = access->open(path, O_RDONLY);
    if (!file) return;
    std::array<char, 32> bytes{};
    const ssize_t got = ::read(file->get(), bytes.data(), bytes.size());
    if (got <= 0 || std::string_view(bytes.data(), static_cast<std::size_t>(got)) != pid_text(pid))
        return;
    ::unlink(path.c_str());
}

}  // namespace tranter::supervise

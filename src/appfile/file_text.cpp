#include "appfile/file_text.hpp"

#include "base/descriptor.hpp"
#include "base/encoding.hpp"
#include "base/log_text.hpp"
#include "base/size.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tranter::appfile {
namespace {

std::unexpected<Error> unreadable(const std::string& path, int error) {
    const bool is_missing = error == ENOENT || error == ENOTDIR;
    return fail(
        is_missing ? Errc::not_found : Errc::invalid_argument,
        is_missing ? one_line(path) + ": does not exist, name an existing file"
                   : fmt::format("{}: cannot be read: {}", one_line(path), std::strerror(error))
    );
}

}  // namespace

Result<std::string> read_file_text(const std::string& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return unreadable(path, errno);
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(path, errno);
        if (got == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
            return fail(
                Errc::invalid_argument,
                fmt::format("{}: is larger than {}", one_line(path), format_size(bytes_max))
            );
        }
    }
    if (!is_valid_utf8(text) || text.contains('\0')) {
        return fail(
            Errc::invalid_argument, one_line(path) + ": is not UTF-8 text, save it as that"
        );
    }
    return text;
}

}  // namespace tranter::appfile

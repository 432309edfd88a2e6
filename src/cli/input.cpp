#include "cli/input.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tranter::cli {

Result<Input> Input::open(std::string_view source) {
    if (source == "-") return Input(STDIN_FILENO, "stdin");
    const std::string path(source.substr(1));
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    std::string why;
    if (fd < 0 || ::fstat(fd, &status) != 0) {
        why = std::strerror(errno);
    } else if (S_ISDIR(status.st_mode)) {
        why = "it is a directory";
    }
    if (why.empty()) return Input(fd, path);
    if (fd >= 0) ::close(fd);
    return fail(Errc::invalid_argument, fmt::format("cannot read {}: {}", in_quotes(path), why));
}

Input::~Input() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
}

bool names_input(std::string_view word) {
    return word == "-" || word.starts_with('@');
}

}  // namespace tranter::cli

#include "cli/config_file.hpp"

#include "base/log_text.hpp"
#include "base/size.hpp"
#include "cli/elasticmq_config.hpp"
#include "cli/hocon.hpp"
#include "cli/toml_config.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace tranter::cli {
namespace {

// A configuration of thousands of queues has a few hundred kilobytes.
constexpr std::size_t file_bytes_max = 1U << 20;

struct FileText {
    std::string text;
    bool readable_by_others = false;
};

std::unexpected<Error> bad_file(const std::string& path, std::string_view what) {
    return fail(Errc::invalid_argument, one_line(fmt::format("{}: {}", path, what)));
}

class OpenFile {
  public:
    explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~OpenFile() {
        if (fd_ >= 0) close(fd_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    int fd() const { return fd_; }

  private:
    int fd_;
};

// Group access is fine for a file of root, which is how packages let one service account read it.
bool others_can_read(const struct stat& info) {
    if ((info.st_mode & S_IROTH) != 0) return true;
    return (info.st_mode & S_IRGRP) != 0 && info.st_uid != 0;
}

// UTF-8 without a byte order mark, or why not.
Result<void> check_text(const std::string& path, std::string& text) {
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) {
        return bad_file(path, "is UTF-16, save it as UTF-8");
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    const std::size_t invalid = std::min(find_invalid_utf8(text), text.find('\0'));
    if (invalid == std::string::npos) return {};
    const auto lines =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(invalid), '\n');
    return bad_file(
        fmt::format("{}:{}", path, lines + 1),
        text[invalid] == '\0' ? "has a zero byte, save it as UTF-8 text"
                              : "is not UTF-8, save it as UTF-8 text"
    );
}

/// Nothing when there is no such file.
Result<std::optional<FileText>> read_config_file(const std::string& path) {
    const OpenFile file(path);
    if (file.fd() < 0) {
        if (errno == ENOENT) return std::optional<FileText>();
        return bad_file(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
    }
    struct stat info {};
    if (fstat(file.fd(), &info) != 0) {
        return bad_file(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    FileText out{.text = {}, .readable_by_others = others_can_read(info)};
    // Pipes have no size, so the limit counts what is read.
    char buffer[16384];
    for (;;) {
        const ssize_t bytes = read(file.fd(), buffer, sizeof buffer);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0)
            return bad_file(path, fmt::format("cannot be read: {}", std::strerror(errno)));
        if (bytes == 0) break;
        out.text.append(buffer, static_cast<std::size_t>(bytes));
        if (out.text.size() > file_bytes_max) {
            return bad_file(
                path,
                fmt::format(
                    "is larger than {}, which no configuration is", format_size(file_bytes_max)
                )
            );
        }
    }
    if (Result<void> done = check_text(path, out.text); !done) {
        return std::unexpected(done.error());
    }
    return out;
}

Result<std::optional<std::string>> read_include(const std::string& path) {
    Result<std::optional<FileText>> file = read_config_file(path);
    if (!file) return std::unexpected(file.error());
    if (!*file) return std::optional<std::string>();
    return std::move((*file)->text);
}

Result<FileText> read_existing_config(const std::string& path) {
    Result<std::optional<FileText>> file = read_config_file(path);
    if (!file) return std::unexpected(file.error());
    if (!*file) return bad_file(path, "does not exist, name an existing file");
    return std::move(**file);
}

bool is_elasticmq_name(std::string_view path) {
    return path.ends_with(".conf") || path.ends_with(".hocon") || path.ends_with(".json");
}

}  // namespace

Result<LoadedConfig> load_elasticmq_config(const std::string& path, const Environment& env) {
    const Result<FileText> file = read_existing_config(path);
    if (!file) return std::unexpected(file.error());
    return parse_elasticmq_config(file->text, path, {.env = env, .read_include = &read_include});
}

Result<LoadedConfig> load_config(const std::string& path, const Environment& env) {
    if (is_elasticmq_name(path)) return load_elasticmq_config(path, env);
    const Result<FileText> file = read_existing_config(path);
    if (!file) return std::unexpected(file.error());
    Result<ServerConfig> config = parse_toml_config(
        file->text, {.name = path, .readable_by_others = file->readable_by_others}, env
    );
    if (!config) return std::unexpected(config.error());
    return LoadedConfig{.config = std::move(*config), .notices = {}};
}

}  // namespace tranter::cli

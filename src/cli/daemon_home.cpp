#include "cli/daemon_home.hpp"

#include "base/unicode.hpp"
#include "cli/config_file.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tranter::cli {
namespace {

constexpr off_t daemon_log_bytes_max = off_t{10} << 20;
constexpr mode_t for_us_alone = S_IRUSR | S_IWUSR;

/// Behind the name of a file that is being written.
constexpr const char* unfinished_ending = ".new";

std::string lock_file(const control::Home& home) {
    return home.directory + "/daemon.lock";
}

struct flock whole_file() {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return whole;
}

std::unexpected<Error> broken_file(const std::string& path, std::string_view what) {
    const Errc code = errno == EACCES || errno == EPERM ? Errc::permission_denied : Errc::internal;
    return fail(code, fmt::format("{} cannot be {}: {}", path, what, std::strerror(errno)));
}

Result<> make_private_folder(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return broken_file(path, "made");
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return broken_file(path, "looked at");
    if (!S_ISDIR(info.st_mode)) return fail(Errc::invalid_argument, path + " is no folder");
    if (info.st_uid != ::geteuid()) {
        return fail(
            Errc::permission_denied,
            path + " belongs to another user, TRANTER_HOME names a folder of yours"
        );
    }
    const bool is_open = (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    if (is_open && ::chmod(path.c_str(), S_IRWXU) != 0)
        return broken_file(path, "closed to others");
    return {};
}

Result<> write_file(const std::string& path, std::string_view text, Outlives outlives) {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, for_us_alone)
    );
    if (!file) return broken_file(path, "written");
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return broken_file(path, "written");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (outlives == Outlives::power_loss && ::fdatasync(file.get()) != 0)
        return broken_file(path, "written");
    return {};
}

}  // namespace

Result<control::Home> own_home() {
    return control::home_of(environment_variables());
}

Result<> make_home(const control::Home& home) {
    for (const std::string& folder : {home.directory, home.logs(), home.runtime()}) {
        if (auto made = make_private_folder(folder); !made) return made;
    }
    return {};
}

Result<Descriptor> lock_home(const control::Home& home) {
    const std::string path = lock_file(home);
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, for_us_alone));
    if (!file) return broken_file(path, "opened");
    struct flock whole = whole_file();
    if (::fcntl(file.get(), F_OFD_SETLK, &whole) == 0) return file;
    if (errno != EAGAIN && errno != EACCES) return broken_file(path, "locked");
    return fail(Errc::conflict, "a daemon runs already for " + home.directory);
}

bool is_home_locked(const control::Home& home) {
    const Descriptor file(::open(lock_file(home).c_str(), O_RDWR | O_CLOEXEC));
    struct flock whole = whole_file();
    return file && ::fcntl(file.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

std::string daemon_log(const control::Home& home) {
    return home.directory + "/daemon.log";
}

std::vector<std::string> own_places(const control::Home& home) {
    const std::string log = daemon_log(home);
    return {
        home.directory,
        home.logs(),
        home.runtime(),
        home.socket(),
        home.state_file(),
        home.state_file() + unfinished_ending,
        home.dump_file(),
        home.dump_file() + unfinished_ending,
        lock_file(home),
        log,
        log + ".1"};
}

Result<Descriptor> open_daemon_log(const control::Home& home) {
    const std::string path = daemon_log(home);
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && info.st_size > daemon_log_bytes_max) {
        std::rename(path.c_str(), (path + ".1").c_str());
    }
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, for_us_alone));
    if (!file) return broken_file(path, "opened");
    return file;
}

Result<> replace_file(const std::string& path, std::string_view text, Outlives outlives) {
    const std::string next = path + unfinished_ending;
    if (auto written = write_file(next, text, outlives); !written) return written;
    if (std::rename(next.c_str(), path.c_str()) != 0) return broken_file(path, "replaced");
    return {};
}

Result<std::string> read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return fail(Errc::not_found, "there is no file " + path);
    if (!file) return broken_file(path, "read");
    return read_all(file.get(), path);
}

}  // namespace tranter::cli

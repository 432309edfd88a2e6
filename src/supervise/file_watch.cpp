#include "supervise/file_watch.hpp"

#include "base/descriptor.hpp"
#include "base/log.hpp"
#include "base/unicode.hpp"
#include "supervise/ignored_paths.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace tranter::supervise {
namespace {

constexpr std::uint32_t watched_events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

std::string kernel_limit(const std::string& name) {
    std::string value;
    std::ifstream("/proc/sys/fs/inotify/" + name) >> value;
    return "the limit fs.inotify." + name + " (" + value + ") is reached, sysctl can raise it";
}

std::unexpected<Error> no_inotify(int error) {
    // The same number stands for our own limit of descriptors.
    const Descriptor another(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const bool is_limit = error == EMFILE && another;
    return fail(
        Errc::unavailable,
        "files cannot be watched: " +
            (is_limit ? kernel_limit("max_user_instances") : std::string(std::strerror(error)))
    );
}

/// With inotify(7): a watch belongs to a directory (its inode), however it is called.
class InotifyWatch final : public FileWatch {
  public:
    InotifyWatch(Options options, IgnoredPaths ignored)
        : loop_(options.loop),
          ignored_(std::move(ignored)),
          is_own_(std::move(options.is_own)),
          quiet_(options.quiet),
          changed_(std::move(options.changed)) {}
    ~InotifyWatch() override {
        loop_.cancel(timer_);
        if (inotify_) loop_.unwatch(inotify_.get());
    }
    InotifyWatch(const InotifyWatch&) = delete;
    InotifyWatch& operator=(const InotifyWatch&) = delete;

    Result<> begin(const std::vector<std::string>& paths) {
        inotify_ = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!inotify_) return no_inotify(errno);
        for (const std::string& path : paths) {
            std::error_code failed;
            const auto whole = std::filesystem::absolute(path, failed).lexically_normal();
            if (failed || !std::filesystem::exists(whole, failed))
                return fail(Errc::not_found, "there is no file " + in_quotes(path) + " to watch");
            std::string text = whole.string();
            while (text.size() > 1 && text.ends_with('/'))
                text.pop_back();
            real_roots_.push_back(std::filesystem::weakly_canonical(text, failed).string());
            roots_.push_back(std::move(text));
        }
        if (auto done = watch_roots(); !done) return done;
        loop_.watch(inotify_.get(), [this] { read(); });
        return {};
    }

  private:
    /// What is watched of a directory.
    struct Watched {
        std::string path{};
        std::string real_path{};  // without links
        /// All that is in it, and where it is below which of the roots; empty: it is one.
        std::optional<std::string> relative{};
        std::string root{};
        /// Names in it that are roots.
        std::set<std::string, std::less<>> names{};
    };

    /// Again and again: what is watched already stays as it is.
    Result<> watch_roots() {
        for (const std::string& root : roots_) {
            const std::filesystem::path path(root);
            auto parent = add(path.parent_path().string(), IN_ONLYDIR);
            if (!parent) return std::unexpected(parent.error());
            if (*parent != nullptr) (*parent)->names.insert(path.filename().string());
            std::error_code failed;
            if (!std::filesystem::is_directory(path, failed)) continue;
            if (auto done = watch_tree(root, ""); !done) return done;
        }
        return {};
    }

    /// Null when it is gone meanwhile, or may not be read.
    Result<Watched*> add(const std::string& path, std::uint32_t flags) {
        const int watch = ::inotify_add_watch(
            inotify_.get(), path.c_str(), watched_events | IN_EXCL_UNLINK | flags
        );
        if (watch >= 0) {
            Watched& out = watched_[watch];
            out.path = path;
            std::error_code failed;
            out.real_path = std::filesystem::canonical(path, failed).string();
            return &out;
        }
        if (errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ELOOP)
            return nullptr;
        const bool is_limit = errno == ENOSPC;
        return fail(
            Errc::unavailable,
            "directory " + in_quotes(path) + " cannot be watched: " +
                (is_limit ? kernel_limit("max_user_watches") : std::string(std::strerror(errno)))
        );
    }

    /// The root, or a directory below it.
    Result<> watch_tree(const std::string& root, const std::string& first) {
        std::vector<std::string> open{first};
        while (!open.empty()) {
            const std::string relative = std::move(open.back());
            open.pop_back();
            const std::string path = relative.empty() ? root : root + "/" + relative;
            // Watched first, so that nothing is made between the two that is not seen.
            auto added = add(path, relative.empty() ? IN_ONLYDIR : IN_ONLYDIR | IN_DONT_FOLLOW);
            if (!added) return std::unexpected(added.error());
            if (*added == nullptr) continue;
            // It may be in several roots.
            if (!(*added)->relative) {
                (*added)->relative = relative;
                (*added)->root = root;
            }
            append_directories(root, relative, open);
        }
        return {};
    }

    void append_directories(
        const std::string& root, const std::string& relative, std::vector<std::string>& out
    ) const {
        std::error_code failed;
        const std::string path = relative.empty() ? root : root + "/" + relative;
        for (std::filesystem::directory_iterator one(path, failed), end; !failed && one != end;
             one.increment(failed)) {
            std::error_code unknown;
            if (one->is_symlink(unknown) || !one->is_directory(unknown)) continue;
            std::string below = join(relative, one->path().filename().string());
            if (!ignored_.has(root, below)) out.push_back(std::move(below));
        }
    }

    static std::string join_path(const std::string& folder, const std::string& name) {
        return (folder == "/" ? "" : folder) + "/" + name;
    }

    static std::string join(const std::string& relative, const std::string& name) {
        return relative.empty() ? name : relative + "/" + name;
    }

    void read() {
        alignas(inotify_event) std::array<char, 16384> bytes{};
        const ssize_t got = ::read(inotify_.get(), bytes.data(), bytes.size());
        for (ssize_t at = 0; at < got;) {
            inotify_event event{};
            std::memcpy(&event, bytes.data() + at, sizeof event);
            const char* const name = bytes.data() + at + sizeof event;
            take(event, event.len > 0 ? std::string(name) : std::string());
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }

    void take(const inotify_event& event, const std::string& name) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            // Nobody knows what was missed.
            note(roots_.front());
            return complain(watch_roots());
        }
        const auto found = watched_.find(event.wd);
        if (found == watched_.end()) return;
        if ((event.mask & IN_IGNORED) != 0) {
            watched_.erase(found);
            return;
        }
        if (name.empty()) return;  // of itself; its parent tells that too
        const Watched& where = found->second;
        const bool is_root = where.names.contains(name);
        const bool counts =
            where.relative && !ignored_.has(where.root, join(*where.relative, name));
        if (!is_root && !counts) return;
        const std::string path = join_path(where.path, name);
        const bool is_folder = (event.mask & IN_ISDIR) != 0;
        const bool is_own = !is_root && is_own_ &&
                            is_own_(join_path(where.real_path, name), is_folder, real_roots_);
        if (!is_own) note(path);
        follow(event.mask, found->first, name, is_root);
    }

    /// What comes is watched too, what goes is not any more.
    void follow(std::uint32_t mask, int watch, const std::string& name, bool is_root) {
        const Watched where = watched_.at(watch);
        const std::string path = join_path(where.path, name);
        if ((mask & (IN_MOVED_FROM | IN_DELETE)) != 0) forget(path);
        if ((mask & (IN_MOVED_TO | IN_CREATE)) == 0) return;
        if (is_root) return complain(watch_roots());
        if ((mask & IN_ISDIR) != 0 && where.relative)
            complain(watch_tree(where.root, join(*where.relative, name)));
    }

    /// It may be elsewhere now, where it is none of our business.
    void forget(const std::string& path) {
        for (const auto& [watch, one] : watched_) {
            // The kernel answers with IN_IGNORED, which removes it.
            if (one.path == path || one.path.starts_with(path + "/"))
                ::inotify_rm_watch(inotify_.get(), watch);
        }
    }

    static void complain(const Result<>& done) {
        if (!done)
            log_warn(
                "supervise", "not all files are watched", {{"reason", done.error().message()}}
            );
    }

    void note(const std::string& path) {
        if (first_.empty()) first_ = path;
        loop_.cancel(timer_);
        timer_ = loop_.call_at(loop_.now() + quiet_, [this] {
            const std::string first = std::exchange(first_, {});
            const auto changed = changed_;
            if (changed) changed(first);
        });
    }

    EventLoop& loop_;
    const IgnoredPaths ignored_;
    const OwnFiles::Question is_own_;
    const Duration quiet_;
    const std::function<void(const std::string&)> changed_;
    Descriptor inotify_{};
    std::vector<std::string> roots_{};
    std::vector<std::string> real_roots_{};
    std::map<int, Watched> watched_{};
    std::string first_{};  // that has changed and was not told; empty: none
    EventLoop::TimerId timer_ = EventLoop::TimerId::none;
};

}  // namespace

Result<std::unique_ptr<FileWatch>> FileWatch::make(Options options) {
    auto ignored = IgnoredPaths::make(options.ignored);
    if (!ignored) return std::unexpected(ignored.error());
    const auto paths = options.paths;
    auto out = std::make_unique<InotifyWatch>(std::move(options), std::move(*ignored));
    if (auto done = out->begin(paths); !done) return std::unexpected(done.error());
    return out;
}

}  // namespace tranter::supervise

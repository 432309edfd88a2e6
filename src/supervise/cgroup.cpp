#include "supervise/cgroup.hpp"

#include "base/descriptor.hpp"
#include "supervise/cgroup_tree.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace tranter::supervise {
namespace {

constexpr std::string_view leaf_prefix = "tranter-";
constexpr mode_t group_mode = 0755;

/// With what is below it, of which there are no processes any more. False: not yet.
bool remove_group(const std::string& directory) {
    if (::rmdir(directory.c_str()) == 0) return true;
    std::error_code failed;
    std::vector<std::string> below;
    for (std::filesystem::directory_iterator one(directory, failed), end; !failed && one != end;
         one.increment(failed)) {
        std::error_code unknown;
        if (one->is_directory(unknown)) below.push_back(one->path().string());
    }
    for (const std::string& group : below)
        remove_group(group);
    return ::rmdir(directory.c_str()) == 0 || errno == ENOENT;
}

/// Leaves of a process that is gone; the kernel refuses to remove one that is in use.
void remove_old_leaves(const std::string& directory) {
    std::error_code failed;
    std::vector<std::string> old;
    for (std::filesystem::directory_iterator one(directory, failed), end; !failed && one != end;
         one.increment(failed)) {
        const std::string name = one->path().filename().string();
        if (!name.starts_with(leaf_prefix)) continue;
        const int maker = std::atoi(name.c_str() + leaf_prefix.size());
        if (maker > 0 && ::kill(maker, 0) != 0 && errno == ESRCH)
            old.push_back(one->path().string());
    }
    old.push_back(directory + "/" + std::string(supervisor_cgroup));
    for (const std::string& leaf : old)
        remove_group(leaf);
}

std::string leaf_name(const std::string& name) {
    static std::uint64_t made = 0;
    constexpr std::size_t length_max = 100;
    std::string plain = name.substr(0, length_max);
    std::ranges::replace_if(
        plain,
        [](char one) {
            return !(
                (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') ||
                (one >= '0' && one <= '9') || one == '-' || one == '_'
            );
        },
        '_'
    );
    return std::string(leaf_prefix) + std::to_string(::getpid()) + "-" + std::to_string(++made) +
           "-" + plain;
}

struct GroupLimit {
    std::string controller{};
    std::string file{};
    std::string value{};
};

std::vector<GroupLimit> group_limits(const Limits& limits) {
    constexpr std::uint64_t period_micros = 100'000;
    constexpr std::uint64_t quota_min = 1'000;  // of the kernel
    std::vector<GroupLimit> out;
    if (limits.memory_bytes > 0)
        out.push_back({"memory", "memory.max", std::to_string(limits.memory_bytes)});
    if (limits.cpus > 0) {
        const auto quota = static_cast<std::uint64_t>(
            std::min(limits.cpus, 100'000.0) * static_cast<double>(period_micros)
        );
        out.push_back(
            {"cpu",
             "cpu.max",
             std::to_string(std::max(quota, quota_min)) + " " + std::to_string(period_micros)}
        );
    }
    if (limits.processes > 0) out.push_back({"pids", "pids.max", std::to_string(limits.processes)});
    return out;
}

class LeafDirectory final : public Cgroups::Leaf {
  public:
    explicit LeafDirectory(std::string directory) : directory_(std::move(directory)) {}
    ~LeafDirectory() override {
        using std::chrono::steady_clock;
        constexpr auto patience = std::chrono::seconds(2);
        constexpr int wait_millis = 10;
        if (remove_group(directory_)) return;
        kill_all();
        const Descriptor events(
            ::open((directory_ + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC)
        );
        const auto limit = steady_clock::now() + patience;
        while (!remove_group(directory_) && steady_clock::now() < limit) {
            // Told when the last of them is gone.
            pollfd empty{.fd = events.get(), .events = POLLPRI, .revents = 0};
            ::poll(&empty, 1, wait_millis);
        }
    }
    LeafDirectory(const LeafDirectory&) = delete;
    LeafDirectory& operator=(const LeafDirectory&) = delete;

    std::string procs_path() const override { return directory_ + "/cgroup.procs"; }

    void kill_all() override {
        if (write_kernel_file(directory_ + "/cgroup.kill", "1") == 0) return;
        // Before Linux 5.14. What is started meanwhile is for the next time.
        std::istringstream lines(kernel_file(procs_path()));
        for (pid_t pid = 0; lines >> pid;) {
            if (pid > 0) ::kill(pid, SIGKILL);
        }
    }

    std::uint64_t oom_kills() const override {
        std::istringstream lines(kernel_file(directory_ + "/memory.events"));
        std::string word;
        for (std::uint64_t count = 0; lines >> word >> count;) {
            if (word == "oom_kill") return count;
        }
        return 0;
    }

    Result<> limit(const std::vector<GroupLimit>& limits) const {
        for (const GroupLimit& one : limits) {
            const int error = write_kernel_file(directory_ + "/" + one.file, one.value);
            if (error == 0) continue;
            return fail(
                Errc::unavailable,
                one.file + " of control group " + directory_ + " cannot be set to " + one.value +
                    ": " + std::strerror(error)
            );
        }
        // Half an app is no use. An old kernel has no such file.
        write_kernel_file(directory_ + "/memory.oom.group", "1");
        return {};
    }

  private:
    const std::string directory_;
};

}  // namespace

std::optional<Cgroups> Cgroups::find() {
    auto ours = own_cgroup(kernel_file("/proc/self/mountinfo"), kernel_file("/proc/self/cgroup"));
    if (!ours) return std::nullopt;
    const std::string moved_to = "/" + std::string(supervisor_cgroup);
    if (ours->ends_with(moved_to)) ours->resize(ours->size() - moved_to.size());
    remove_old_leaves(*ours);
    // Programs are moved from ours to those below, for which both have to be writable.
    const std::string trial = *ours + "/" + leaf_name("trial");
    if (::access((*ours + "/cgroup.procs").c_str(), W_OK) != 0 ||
        ::mkdir(trial.c_str(), group_mode) != 0)
        return std::nullopt;
    ::rmdir(trial.c_str());
    return Cgroups(std::move(*ours));
}

Result<std::unique_ptr<Cgroups::Leaf>> Cgroups::make(
    const std::string& name, const Limits& limits
) {
    const auto wanted = group_limits(limits);
    for (const GroupLimit& one : wanted) {
        if (auto done = enable_controller(directory_, one.controller); !done)
            return std::unexpected(done.error());
    }
    std::string path = directory_ + "/" + leaf_name(name);
    if (::mkdir(path.c_str(), group_mode) != 0) {
        return fail(
            Errc::unavailable, "control group " + path + " cannot be made: " + std::strerror(errno)
        );
    }
    auto leaf = std::make_unique<LeafDirectory>(std::move(path));
    if (!wanted.empty()) {
        if (auto done = leaf->limit(wanted); !done) return std::unexpected(done.error());
    }
    return leaf;
}

}  // namespace tranter::supervise

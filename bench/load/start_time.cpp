#include "load/start_time.hpp"

#include "load/client_loop.hpp"
#include "load/usage.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <system_error>

namespace tranter::bench {
namespace {

constexpr std::uint64_t patience_ns = 10'000'000'000U;

/// A started server; stopped and waited for when it goes out of scope.
class Child {
  public:
    explicit Child(const std::vector<std::string>& command) {
        std::vector<char*> arguments;
        for (const std::string& word : command)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        const int error =
            posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw std::system_error(error, std::generic_category(), command[0]);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_{};
};

/// Tries until the server answers. Polls every tenth of a millisecond, so that is the resolution.
void await_first_answer(const Options& options, const Protocol& protocol, std::uint64_t start) {
    for (;;) {
        try {
            create_queue(protocol, options.port);
            return;
        } catch (const std::system_error&) {  // nobody listens yet
            if (now_ns() - start > patience_ns) throw;
            usleep(100);
        }
    }
}

}  // namespace

StartSample measure_starts(const Options& options, const Protocol& protocol) {
    StartSample sample;
    for (unsigned i = 0; i < options.repeats; ++i) {
        const std::uint64_t start = now_ns();
        const Child child(options.command);
        await_first_answer(options, protocol, start);
        sample.milliseconds.push_back(static_cast<double>(now_ns() - start) / 1e6);
        if (i + 1 < options.repeats) continue;
        usleep(500'000);
        sample.idle_rss = usage_of(child.pid()).rss;
    }
    std::ranges::sort(sample.milliseconds);
    return sample;
}

}  // namespace tranter::bench

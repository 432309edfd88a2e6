// The bound for a command per job: threads that start a program and wait for its end, again and
// again, and nothing else. With `pipes` it gets an input and its outputs are read to their end, as
// whoever wants to know what it says has to. Prints JSON.
// Usage: spawn_loop THREADS RUNS bare|pipes PROGRAM [ARGUMENT...]
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Pipe = std::array<int, 2>;  // read, write

bool open_pipe(Pipe& ends) {
    return ::pipe2(ends.data(), O_CLOEXEC) == 0;
}

void close_pipe(const Pipe& ends) {
    ::close(ends[0]);
    ::close(ends[1]);
}

bool start_and_wait(char** words, const posix_spawn_file_actions_t* files) {
    pid_t pid = 0;
    int status = 0;
    return ::posix_spawn(&pid, words[0], files, nullptr, words, nullptr) == 0 &&
           ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool run_bare(char** words) {
    return start_and_wait(words, nullptr);
}

bool read_to_end(int fd) {
    std::array<char, 4096> bytes;  // NOLINT(*-member-init): filled by read
    ssize_t got = 0;
    while ((got = ::read(fd, bytes.data(), bytes.size())) > 0) {
    }
    return got == 0;
}

bool run_with_pipes(char** words) {
    Pipe input{};
    Pipe output{};
    Pipe errors{};
    if (!open_pipe(input) || !open_pipe(output) || !open_pipe(errors)) return false;
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, errors[1], STDERR_FILENO);
    pid_t pid = 0;
    const bool started = ::posix_spawn(&pid, words[0], &files, nullptr, words, nullptr) == 0;
    ::posix_spawn_file_actions_destroy(&files);
    constexpr std::string_view payload = "{\"number\":1}";
    const bool sent = ::write(input[1], payload.data(), payload.size()) > 0;
    close_pipe(input);
    ::close(output[1]);
    ::close(errors[1]);
    const bool heard = read_to_end(output[0]) && read_to_end(errors[0]);
    ::close(output[0]);
    ::close(errors[0]);
    int status = 0;
    return started && sent && heard && ::waitpid(pid, &status, 0) == pid && status == 0;
}

bool run_all(unsigned long count, long runs, bool (*run)(char**), char** words) {
    std::atomic<long> left = runs;
    std::atomic<bool> failed = false;
    std::vector<std::jthread> threads;
    for (unsigned long i = 0; i < count; ++i) {
        threads.emplace_back([&] {
            while (left.fetch_sub(1) > 0) {
                if (!run(words)) failed = true;
            }
        });
    }
    threads.clear();
    return !failed;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fputs("usage: spawn_loop THREADS RUNS bare|pipes PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    const unsigned long count = std::strtoul(argv[1], nullptr, 10);
    const long runs = std::strtol(argv[2], nullptr, 10);
    const auto run = std::string_view(argv[3]) == "pipes" ? run_with_pipes : run_bare;
    const auto began = std::chrono::steady_clock::now();
    if (!run_all(count, runs, run, argv + 4)) {
        std::fputs("spawn_loop: a run failed\n", stderr);
        return 1;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("{\"rate\":%.1f}\n", static_cast<double>(runs) / took.count());
    return 0;
}

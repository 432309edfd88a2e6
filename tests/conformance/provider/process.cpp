#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace tranter::conformance {
namespace {

constexpr int patience_ms = 30'000;

/// Only calls that are allowed between fork and exec of a program with threads.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(output, STDOUT_FILENO);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& command) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    std::vector<char*> arguments;
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become(arguments.data(), pipe[1], parent);
    ::close(pipe[1]);
    output_ = pipe[0];
    if (pid_ < 0) {
        pid_ = 0;
        ::close(output_);
        throw std::runtime_error("cannot fork for " + command.front());
    }
}

Process::~Process() {
    kill();
    ::close(output_);
}

std::optional<std::string> Process::read_line() {
    for (;;) {
        const auto end = pending_.find('\n');
        if (end != std::string::npos) {
            std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return line;
        }
        pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
        if (::poll(&readable, 1, patience_ms) == 0)
            throw std::runtime_error("a process said nothing for 30 s");
        std::array<char, 4096> piece{};
        const ssize_t got = ::read(output_, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return std::nullopt;
        pending_.append(piece.data(), static_cast<std::size_t>(got));
    }
}

void Process::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_end();
}

int Process::stop() {
    if (pid_ == 0) return 0;
    ::kill(pid_, SIGTERM);
    return wait_for_end();
}

int Process::wait_for_end() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ScratchDirectory::ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tranter-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), pattern);
    path_ = std::move(pattern);
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace tranter::conformance

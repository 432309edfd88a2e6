#pragma once

#include "base/descriptor.hpp"
#include "postgres/connection.hpp"
#include "postgres/target.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tranter::postgres::test {

/// A server of PostgreSQL of this process alone: in a temporary directory, on a socket in it, as
/// an unprivileged user since it refuses root. It ends with the object.
class Server {
  public:
    Server() {
        std::string path = (std::filesystem::temp_directory_path() / "postgres-XXXXXX").string();
        if (::mkdtemp(path.data()) == nullptr) return;
        directory_ = path;
        if (::geteuid() == 0) {
            const passwd* user = ::getpwnam("postgres");
            if (user == nullptr) user = ::getpwnam("nobody");
            if (user == nullptr || ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return;
            user_ = user->pw_uid;
            group_ = user->pw_gid;
        }
        EXPECT_EQ(
            run(
                {"initdb",
                 "-D",
                 data(),
                 "-U",
                 "tranter",
                 "-A",
                 "trust",
                 "-E",
                 "UTF8",
                 "--no-sync",
                 "--no-locale"}
            ),
            0
        ) << "PostgreSQL is missing or does not start, `./dev setup` installs it";
        start();
    }
    ~Server() {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void start() {
        const std::string settings =
            "-c listen_addresses='' -c fsync=off -c max_connections=100 -c "
            "unix_socket_directories=" +
            directory_.string();
        EXPECT_EQ(
            run({"pg_ctl", "-D", data(), "-l", data() + "/log", "-w", "-o", settings, "start"}), 0
        );
    }
    void stop() { run({"pg_ctl", "-D", data(), "-m", "immediate", "-w", "stop"}); }

    /// SIGKILL of all its processes.
    void kill() {
        std::ifstream pid_file(data() + "/postmaster.pid");
        pid_t first = 0;
        if (!(pid_file >> first)) return;
        ::kill(first, SIGSTOP);  // makes no more of them
        std::vector<Descriptor> all;
        all.push_back(opened(first));
        const std::string own = "/proc/" + std::to_string(first) + "/";
        std::ifstream children(own + "task/" + std::to_string(first) + "/children");
        for (pid_t child = 0; children >> child;)
            all.push_back(opened(child));
        for (const Descriptor& one : all)
            ::syscall(SYS_pidfd_send_signal, one.get(), SIGKILL, nullptr, 0);
        for (const Descriptor& one : all) {
            if (!one) continue;
            pollfd ended{.fd = one.get(), .events = POLLIN, .revents = 0};
            EXPECT_EQ(::poll(&ended, 1, 60'000), 1) << "a server survived SIGKILL";
        }
        // A dead process that nobody has asked for its end would count as a server that runs.
        std::filesystem::remove(data() + "/postmaster.pid");
        std::filesystem::remove(directory_ / ".s.PGSQL.5432.lock");
    }

    const std::filesystem::path& directory() const { return directory_; }
    /// The URL of a new database.
    std::string new_database() {
        const std::string name = "test" + std::to_string(++databases_);
        Connection connection(parse_target(url("postgres")).value());
        connection.run(("CREATE DATABASE " + name).c_str());
        return url(name);
    }

  private:
    std::string url(const std::string& database) const {
        return "postgres:///" + database + "?user=tranter&host=" + directory_.string();
    }
    std::string data() const { return (directory_ / "data").string(); }

    /// Readable once the process has ended; nothing when it is gone.
    static Descriptor opened(pid_t pid) {
        return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    }

    /// The exit code.
    int run(std::vector<std::string> words) const {
        std::vector<char*> arguments;
        words.front().insert(0, "/usr/lib/postgresql/15/bin/");
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const pid_t child = ::fork();
        if (child == 0) {
            const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
            ::dup2(nowhere, STDIN_FILENO);
            ::dup2(nowhere, STDOUT_FILENO);
            if (user_ != 0 && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
            if (::chdir("/") != 0) ::_exit(126);
            ::execv(arguments.front(), arguments.data());
            ::_exit(127);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    std::filesystem::path directory_{};
    uid_t user_ = 0;  // 0: this one
    gid_t group_ = 0;
    std::atomic<int> databases_ = 0;
};

/// Started by the first test that asks for it.
inline Server& server() {
    static Server one;
    return one;
}

}  // namespace tranter::postgres::test

#pragma once

#include "process/orphans.hpp"
#include "process/process_stat.hpp"
#include "supervise/descendants.hpp"
#include "supervise/supervisor.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// A supervisor of real processes, which are shell scripts, in a folder of its own. After each test
/// no process may be left.
class SupervisorTest : public ::testing::Test {
  public:
    SupervisorTest() {
        std::string pattern = "/tmp/tranter-supervisor-XXXXXX";
        folder = ::mkdtemp(pattern.data());
        process::adopt_orphans();
        make();
    }
    ~SupervisorTest() override {
        supervisor.reset();
        expect_no_process();
        std::filesystem::remove_all(folder);
    }

    void make(Supervisor::Options options) {
        supervisor.reset();
        supervisor.emplace(std::move(options));
        supervisor->on_event([this](const Event& event) { events.push_back(event); });
    }
    void make() { make(options()); }
    Supervisor::Options options() {
        using namespace std::chrono_literals;
        return {.loop = loop, .logs = logs, .runtime_directory = folder, .measure_period = 20ms};
    }

    /// Ready as soon as it runs, restarted at once, killed soon.
    App app(std::string name, std::string script) const {
        using namespace std::chrono_literals;
        App out{.name = std::move(name)};
        out.command = {"/bin/sh", "-c", std::move(script)};
        out.directory = folder;
        out.environment = {{"PATH", "/usr/bin:/bin"}};
        out.readiness.probe.kind = Probe::Kind::none;
        out.restart.delay_max = {};
        out.stop.timeout = 100ms;
        out.logs.output = path(out.name + ".log");
        out.logs.errors = path(out.name + ".err");
        return out;
    }
    void put(App one) {
        std::vector<App> apps;
        apps.push_back(std::move(one));
        const auto done = supervisor->put(std::move(apps));
        ASSERT_TRUE(done) << done.error().message();
    }
    void start(App one) {
        const std::string name = one.name;
        put(std::move(one));
        const auto done = supervisor->start(name, "test");
        ASSERT_TRUE(done) << done.error().message();
    }
    void stop(const std::string& name) {
        ASSERT_TRUE(supervisor->stop(name, "test"));
        wait_for("the end of " + name, [&] {
            const auto views = supervisor->instances();
            return std::ranges::none_of(views, [&](const InstanceView& one) {
                return one.id.app == name && one.state != State::stopped;
            });
        });
    }

    /// Lets time pass until it is so. A test that waits for longer has failed.
    void wait_for(const std::string& what, const std::function<bool()>& is_so) {
        using namespace std::chrono_literals;
        const Instant limit = clock.now() + 60s;
        while (!is_so()) {
            if (clock.now() > limit) {
                ADD_FAILURE() << "waited in vain for " << what << "\n" << told();
                return;
            }
            loop.run_once(clock.now() + 10ms);
        }
    }
    void wait_for(const std::string& name, State state, std::uint32_t number = 0) {
        wait_for(name + " to be " + std::string(name_of(state)), [&] {
            return view(name, number).state == state;
        });
    }
    /// For a line in a file that an app writes itself.
    void wait_for_line(const std::string& file, const std::string& line) {
        wait_for(line + " in " + file, [&] {
            const auto all = lines(file);
            return std::ranges::find(all, line) != all.end();
        });
    }

    InstanceView view(const std::string& name, std::uint32_t number = 0) const {
        for (const InstanceView& one : supervisor->instances()) {
            if (one.id == InstanceId{name, number}) return one;
        }
        return {};
    }
    std::string path(const std::string& name) const { return folder + "/" + name; }
    std::string content(const std::string& name) {
        logs.wait_until_written();
        std::ifstream file(path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::vector<std::string> lines(const std::string& name) {
        std::istringstream text(content(name));
        std::vector<std::string> out;
        for (std::string line; std::getline(text, line);)
            out.push_back(line);
        return out;
    }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
    }

    /// "api/0 ready -> exited (ended by signal 9)", one to a line.
    std::string told() const {
        std::string out;
        for (const Event& event : events)
            out += event.id.app + "/" + std::to_string(event.id.number) + " " +
                   std::string(name_of(event.from)) + " -> " + std::string(name_of(event.to)) +
                   " (" + event.cause + ")\n";
        return out;
    }
    /// How often an instance of it has come to this state.
    std::ptrdiff_t times(const std::string& name, State to) const {
        return std::ranges::count_if(events, [&](const Event& event) {
            return event.kind == Event::Kind::change && event.id.app == name && event.to == to;
        });
    }
    const Event* find_event(const std::function<bool(const Event&)>& is_it) const {
        const auto found = std::ranges::find_if(events, is_it);
        return found == events.end() ? nullptr : &*found;
    }
    static bool runs(pid_t pid) {
        const auto stat = process::read_stat(pid);
        return stat && stat->state != 'Z';
    }

    SteadyClock clock;
    EventLoop loop = EventLoop(clock);
    LogWriter logs = LogWriter({.clock = clock});
    std::string folder;
    std::optional<Supervisor> supervisor;
    std::vector<Event> events;

  private:
    /// What was killed may need a moment to end.
    static void expect_no_process() {
        using namespace std::chrono_literals;
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
            if (std::chrono::steady_clock::now() > limit) break;
            constexpr int moment_millis = 2;
            ::poll(nullptr, 0, moment_millis);
        }
        const auto left = descendants_of(::getpid());
        EXPECT_TRUE(left.empty()) << left.size() << " processes are left, the first is "
                                  << left.front();
        for (const pid_t pid : left)
            ::kill(pid, SIGKILL);
    }
};

}  // namespace tranter::supervise

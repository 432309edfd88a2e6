#pragma once

#include "process/descriptor.hpp"
#include "supervise/keeper.hpp"
#include "supervise/probing.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// One program under a keeper, and what its Probing says of it. For tests.
class ProbingTest : public ::testing::Test {
  public:
    ProbingTest() {
        if (::mkdtemp(folder.data()) == nullptr) ADD_FAILURE() << "no folder can be made";
        app.name = "probed";
        app.readiness.probe.kind = Probe::Kind::none;
        for (Probe* probe : {&app.readiness.probe, &app.liveness})
            probe->period = std::chrono::milliseconds(20);
        app.readiness.probe.timeout = app.liveness.timeout = std::chrono::seconds(60);
    }
    ~ProbingTest() override {
        probing.reset();
        ::rmdir(folder.c_str());
    }

    Result<> make() {
        auto made = Probing::make(
            {.loop = *loop, .app = app, .number = 3, .runtime_directory = folder},
            {.ready = [this] { ++ready; },
             .failed = [this](std::string why) { failures.push_back(std::move(why)); },
             .status = [this](std::string_view text) { status = text; },
             .more_time =
                 [this](Duration more) {
                     asked_for = more;
                 }}
        );
        if (!made) return std::unexpected(made.error());
        probing = std::move(*made);
        return {};
    }

    /// A script of the shell, with what the probing gives it. What it prints is in `output`.
    void start(const std::string& script) { start({"/bin/sh", "-c", script}); }
    void start(std::vector<std::string> command) {
        app.command = std::move(command);
        const auto made = make();
        ASSERT_TRUE(made) << made.error().message();
        auto pipe = process::Pipe::make();
        ASSERT_TRUE(pipe);
        process::SpawnOptions program{.command = app.command};
        const char* path = std::getenv("PATH");
        program.environment = {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin")};
        program.environment.insert(
            program.environment.end(), environment.begin(), environment.end()
        );
        program.output = pipe->write.get();
        probing->prepare(program);
        auto started = Keeper::start(program);
        ASSERT_TRUE(started) << started.error().message();
        keeper.emplace(std::move(*started));
        output = std::move(pipe->read);
        const auto report = next();
        ASSERT_EQ(report.kind, Keeper::Report::Kind::spawned) << report.why;
        probing->spawned(report.pid);
    }

    Keeper::Report next() {
        for (;;) {
            if (auto report = keeper->read()) return *report;
            pollfd said{.fd = keeper->descriptor(), .events = POLLIN, .revents = 0};
            ::poll(&said, 1, -1);
        }
    }

    /// Until it is so; a machine may be very slow.
    void run_until(const std::function<bool()>& is_so) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
        while (!is_so()) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit);
            loop->run_once(loop->now() + std::chrono::milliseconds(100));
        }
    }
    void run_until_ready() {
        run_until([this] { return ready > 0; });
    }
    void run_until_failed() {
        run_until([this] { return !failures.empty(); });
    }
    /// What is there already, and nothing that is to come.
    void run_what_is_there() { loop->run_once(loop->now()); }

    /// A line that it has printed, waited for; empty at the end.
    std::string read_line() {
        std::string line;
        char byte = 0;
        while (::read(output.get(), &byte, 1) == 1 && byte != '\n')
            line += byte;
        return line;
    }

    std::string trouble() {
        const auto made = make();
        return made ? "" : made.error().message();
    }

    std::optional<Duration> asked_for{};
    std::string folder = "/tmp/tranter-probing-XXXXXX";
    SteadyClock clock;
    std::optional<EventLoop> loop{clock};
    App app;
    std::vector<std::string> environment;
    std::unique_ptr<Probing> probing;
    std::optional<Keeper> keeper;
    Descriptor output;

    int ready = 0;
    std::vector<std::string> failures;
    std::string status;
};

}  // namespace tranter::supervise

#include "load/closed_loop.hpp"
#include "load/idle_polls.hpp"
#include "load/open_loop.hpp"
#include "load/options.hpp"
#include "load/protocol.hpp"
#include "load/report.hpp"
#include "load/start_time.hpp"
#include "load/usage.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::bench {
namespace {

/// The loops of all threads. A phase runs on all of them at once and ends when the last is done.
class LoadThreads {
  public:
    LoadThreads(const Options& options, const Protocol& protocol) {
        for (unsigned i = 0; i < options.threads; ++i) {
            const unsigned more = i < options.connections % options.threads ? 1 : 0;
            loops_.push_back(std::make_unique<ClosedLoop>(
                options, protocol, options.connections / options.threads + more
            ));
        }
    }

    Sample run(Mode mode, unsigned batch, Budget budget_for_all) {
        std::vector<Sample> samples(loops_.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < loops_.size(); ++i) {
                threads.emplace_back([&, i] {
                    samples[i] = loops_[i]->run(mode, batch, budget_for_all);
                });
            }
        }
        for (std::size_t i = 1; i < samples.size(); ++i)
            samples[0].merge(samples[i]);
        return samples[0];
    }

  private:
    std::vector<std::unique_ptr<ClosedLoop>> loops_;
};

ClosedReport run_closed(const Options& options, const Protocol& protocol) {
    LoadThreads threads(options, protocol);
    if (options.depth > 0) {
        const auto depth = static_cast<std::int64_t>(options.depth);
        const Sample filled = threads.run(Mode::send, 10, Budget(depth, 0));
        if (filled.errors > 0) throw std::runtime_error("cannot fill: " + filled.first_error);
    }
    if (options.warmup > 0) {
        threads.run(options.mode, options.batch, Budget(Budget::unlimited, options.warmup));
    }

    ClosedReport report;
    if (options.server_pid != 0) report.before = usage_of(options.server_pid);
    const double generator_before = own_cpu();
    const std::uint64_t start = now_ns();
    const std::int64_t messages =
        options.messages > 0 ? static_cast<std::int64_t>(options.messages) : Budget::unlimited;
    report.sample = threads.run(options.mode, options.batch, Budget(messages, options.seconds));
    report.seconds = static_cast<double>(now_ns() - start) / 1e9;
    report.generator_cpu = own_cpu() - generator_before;
    if (options.server_pid != 0) report.after = usage_of(options.server_pid);
    return report;
}

/// Returns the exit code: 1 when the numbers must not be used.
int run(const Options& options) {
    const std::unique_ptr<Protocol> protocol = make_protocol(options);
    if (options.mode == Mode::start) {
        print(options, measure_starts(options, *protocol));
        return 0;
    }
    create_queue(*protocol, options.port);
    if (options.mode == Mode::latency) {
        const LatencySample sample = OpenLoop(options, *protocol).run();
        print(options, sample);
        return sample.void_reason().empty() ? 0 : 1;
    }
    if (options.mode == Mode::idle) {
        const IdleSample sample = hold_idle_polls(options, *protocol);
        print(options, sample);
        return sample.errors == 0 ? 0 : 1;
    }
    const ClosedReport report = run_closed(options, *protocol);
    print(options, report);
    return report.sample.errors == 0 ? 0 : 1;
}

/// The whole program; returns its exit code.
int run_command_line(int argc, char** argv) {
    if (argc > 1 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
        fmt::print("{}", usage());
        return 0;
    }
    const auto options = parse_options(argc, argv);
    if (!options) {
        fmt::print(stderr, "tranter_load: {}\n", options.error());
        return 2;
    }
    try {
        return run(*options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "tranter_load: {}\n", error.what());
        return 1;
    }
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    return tranter::bench::run_command_line(argc, argv);
}

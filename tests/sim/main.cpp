#include "run.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

namespace tranter::sim {

namespace {

constexpr std::string_view usage =
    "usage: tranter_sim [--seeds A..B] [--seconds N] [--operations N] [--require-probes]\n"
    "                   [--no-history] [--history] [--verbose]\n"
    "\n"
    "Runs the queue engine against a naive model under random loads, one for each seed.\n"
    "  --seeds A..B       these seeds (default 1..1000; with --seconds: 1 and on)\n"
    "  --seconds N        stop after the seed during which N seconds were over\n"
    "  --operations N     operations of each seed (default 400)\n"
    "  --require-probes   fail when a rare branch was never reached\n"
    "  --no-history       report a violation without looking for its shortest history\n"
    "  --history          print what happened in the only seed given\n"
    "  --verbose          print each seed\n";

struct Options {
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    std::uint64_t seconds = 0;
    std::uint64_t operations = 400;
    bool require_probes = false;
    bool no_history = false;
    bool history = false;
    bool verbose = false;
};

/// False when the arguments make no sense.
bool read_arguments(int count, char** values, Options& options) {
    for (int i = 1; i < count; ++i) {
        const std::string_view flag = values[i];
        const char* value = i + 1 < count ? values[i + 1] : "";
        const auto number = [&] {
            ++i;
            return std::strtoull(value, nullptr, 10);
        };
        if (flag == "--seeds") {
            const char* dots = std::strstr(value, "..");
            options.first = number();
            options.last = dots == nullptr ? options.first : std::strtoull(dots + 2, nullptr, 10);
        } else if (flag == "--seconds") {
            options.seconds = number();
        } else if (flag == "--operations") {
            options.operations = number();
        } else if (flag == "--require-probes") {
            options.require_probes = true;
        } else if (flag == "--no-history") {
            options.no_history = true;
        } else if (flag == "--history") {
            options.history = true;
        } else if (flag == "--verbose") {
            options.verbose = true;
        } else {
            return false;
        }
    }
    if (options.last == 0) {
        options.last = options.seconds == 0 ? 1000 : std::numeric_limits<std::uint64_t>::max();
    }
    return true;
}

volatile std::sig_atomic_t current_seed = 0;

/// A crash says which seed it was; everything else about it is for a debugger.
void report_crash(int signal) {
    static char text[] = "crashed in seed 0000000000\n";
    auto seed = static_cast<unsigned long>(current_seed);
    for (std::size_t digit = sizeof(text) - 3; seed != 0; --digit, seed /= 10) {
        text[digit] = static_cast<char>('0' + seed % 10);
    }
    [[maybe_unused]] const auto written = write(STDOUT_FILENO, text, sizeof(text) - 1);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void report_failure(std::uint64_t seed, const Run& failed) {
    const char* commit = std::getenv("TRANTER_COMMIT");
    std::printf(
        "seed %llu%s%s: %s: %s\n",
        static_cast<unsigned long long>(seed),
        commit == nullptr ? "" : ", commit ",
        commit == nullptr ? "" : commit,
        std::string(name(failed.failure->invariant)).c_str(),
        failed.failure->text.c_str()
    );
    std::fflush(stdout);
}

void report_shortest(const Run& failed) {
    const std::vector<Operation> shortest = shrink(failed);
    const Replay again = replay(failed.scenario, shortest);
    std::printf("main: %s\n", describe(failed.scenario.policies[0]).c_str());
    std::printf("dead: %s\n", describe(failed.scenario.policies[1]).c_str());
    std::printf(
        "shortest history found: %zu of %zu operations\n", shortest.size(), failed.operations.size()
    );
    for (const std::string& line : again.history)
        std::printf("  %s\n", line.c_str());
    if (again.failure) {
        std::printf(
            "  %s: %s\n",
            std::string(name(again.failure->invariant)).c_str(),
            again.failure->text.c_str()
        );
    }
}

void print_summary(std::uint64_t seeds, const Tally& tally, double elapsed) {
    std::printf(
        "%llu seeds, %llu operations, %llu deliveries, %.0f simulated hours, %.0f operations/s\n",
        static_cast<unsigned long long>(seeds),
        static_cast<unsigned long long>(tally.operations),
        static_cast<unsigned long long>(tally.deliveries),
        static_cast<double>(tally.simulated_microseconds) / 3.6e9,
        static_cast<double>(tally.operations) / elapsed
    );
    for (std::size_t i = 0; i < tally.probes.size(); ++i) {
        std::printf(
            "  %-40s %llu\n",
            std::string(probe_names[i]).c_str(),
            static_cast<unsigned long long>(tally.probes[i])
        );
    }
}

/// Whether every rare branch was reached.
bool require_probes(const Tally& tally) {
    bool all = true;
    for (std::size_t i = 0; i < tally.probes.size(); ++i) {
        if (tally.probes[i] != 0) continue;
        std::printf("never reached: %s\n", std::string(probe_names[i]).c_str());
        all = false;
    }
    return all;
}

Run run_seed(std::uint64_t seed, const Options& options, Tally& tally) {
    SeededChoices choices(seed);
    Run done = run(choices, options.operations, tally);
    constexpr std::uint64_t seeds_per_repeat = 50;
    if (done.failure || seed % seeds_per_repeat != 0) return done;
    SeededChoices same(seed);
    Tally ignored;
    if (run(same, options.operations, ignored).trace != done.trace) {
        done.failure = {Invariant::deterministic, "a second run of the seed went another way"};
    }
    return done;
}

int simulate(const Options& options) {
    const auto began = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    Tally tally;
    std::uint64_t seeds = 0;
    for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
        if (options.seconds != 0 && elapsed() >= static_cast<double>(options.seconds)) break;
        current_seed = static_cast<std::sig_atomic_t>(seed);
        if (options.verbose) std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
        const Run done = run_seed(seed, options, tally);
        ++seeds;
        if (options.history) {
            for (const std::string& line : replay(done.scenario, done.operations).history) {
                std::printf("%s\n", line.c_str());
            }
        }
        if (!done.failure) continue;
        report_failure(seed, done);
        if (!options.no_history) report_shortest(done);
        std::printf("1 violation\n");
        return 1;
    }
    print_summary(seeds, tally, elapsed());
    if (options.require_probes && !require_probes(tally)) return 1;
    std::printf("0 violations\n");
    return 0;
}

int run_program(int count, char** values) {
    Options options;
    if (!read_arguments(count, values, options)) {
        std::fputs(usage.data(), stderr);
        return 2;
    }
    std::signal(SIGSEGV, report_crash);
    std::signal(SIGABRT, report_crash);
    return simulate(options);
}

}  // namespace

}  // namespace tranter::sim

int main(int count, char** values) {
    return tranter::sim::run_program(count, values);
}

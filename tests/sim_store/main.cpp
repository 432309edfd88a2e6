#include "base/log.hpp"
#include "run.hpp"
#include "slots.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

namespace tranter::store_sim {

namespace {

constexpr std::string_view usage =
    "usage: tranter_store_sim [--seed N | --seeds A..B] [--seconds N] [--steps N] [--verbose]\n"
    "                         [--require-probes] [--no-history] [--keep-going]\n"
    "       tranter_store_sim --slots [--seed N | --seeds A..B] [--crashes N]\n"
    "\n"
    "Runs the durable store against a model over a disk that loses what a disk may lose, one run\n"
    "for each seed.\n"
    "  --seed N           this seed only\n"
    "  --seeds A..B       these seeds (default 1..1000; with --seconds: 1 and on)\n"
    "  --seconds N        stop after the seed during which N seconds were over\n"
    "  --steps N          steps of each seed (default 300)\n"
    "  --require-probes   fail when a rare branch was never reached\n"
    "  --no-history       report a violation without looking for its shortest history\n"
    "  --keep-going       report all seeds that fail, in a line each\n"
    "  --verbose          print what happened in each seed\n"
    "  --slots            whether the limits of a queue are exact after crashes, and nothing else\n"
    "  --crashes N        so many of consumers, the server and its machine (default 1000)\n";

struct Options {
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    std::uint64_t seconds = 0;
    std::size_t steps = 300;
    bool require_probes = false;
    bool no_history = false;
    bool keep_going = false;
    bool verbose = false;
    bool slots = false;
    std::uint64_t crashes = 1000;
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
        if (flag == "--seed") {
            options.first = options.last = number();
        } else if (flag == "--seeds") {
            const char* dots = std::strstr(value, "..");
            options.first = number();
            options.last = dots == nullptr ? options.first : std::strtoull(dots + 2, nullptr, 10);
        } else if (flag == "--seconds") {
            options.seconds = number();
        } else if (flag == "--steps") {
            options.steps = number();
        } else if (flag == "--require-probes") {
            options.require_probes = true;
        } else if (flag == "--no-history") {
            options.no_history = true;
        } else if (flag == "--keep-going") {
            options.keep_going = true;
        } else if (flag == "--slots") {
            options.slots = true;
        } else if (flag == "--crashes") {
            options.crashes = number();
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

unsigned long long number(std::uint64_t value) {
    return static_cast<unsigned long long>(value);
}

void print_history(const std::vector<std::string>& history, std::size_t last) {
    const std::size_t skipped = history.size() > last ? history.size() - last : 0;
    for (std::size_t i = skipped; i < history.size(); ++i)
        std::printf("  %s\n", history[i].c_str());
}

void report_failure(std::uint64_t seed, const Failure& failed) {
    const char* commit = std::getenv("TRANTER_COMMIT");
    std::printf(
        "seed %llu%s%s: %s: %s\n",
        number(seed),
        commit == nullptr ? "" : ", commit ",
        commit == nullptr ? "" : commit,
        std::string(name(failed.invariant)).c_str(),
        failed.text.c_str()
    );
    std::fflush(stdout);
}

void report_histories(const Run& failed) {
    constexpr std::size_t lines = 50;
    std::printf("the last %zu events:\n", lines);
    print_history(replay(failed, failed.steps).history, lines);
    const std::vector<Step> shortest = shrink(failed);
    const Run again = replay(failed, shortest);
    std::printf("shortest history found: %zu of %zu steps\n", shortest.size(), failed.steps.size());
    print_history(again.history, 1000);
    if (!again.failure) return;
    std::printf(
        "  %s: %s\n",
        std::string(name(again.failure->invariant)).c_str(),
        again.failure->text.c_str()
    );
}

void print_summary(std::uint64_t seeds, const Tally& tally, double elapsed) {
    std::printf(
        "%llu seeds, %llu operations, %llu power cuts, %llu kills, %llu recoveries,\n"
        "%llu failed syncs, %llu failed writes, %llu writes without space, %llu torn sectors,\n"
        "%.0f simulated hours, %.0f seeds per minute\n",
        number(seeds),
        number(tally.operations),
        number(tally.power_cuts),
        number(tally.kills),
        number(tally.recoveries),
        number(tally.failed_syncs),
        number(tally.failed_writes),
        number(tally.full_writes),
        number(tally.torn_sectors),
        static_cast<double>(tally.simulated_microseconds) / 3.6e9,
        60.0 * static_cast<double>(seeds) / elapsed
    );
    for (std::size_t i = 0; i < tally.probes.size(); ++i) {
        std::printf("  %-50s %llu\n", std::string(probe_names[i]).c_str(), number(tally.probes[i]));
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
    Run done = run(seed, options.steps, tally);
    constexpr std::uint64_t seeds_per_repeat = 50;
    if (done.failure || seed % seeds_per_repeat != 0) return done;
    Tally ignored;
    if (run(seed, options.steps, ignored).trace != done.trace) {
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
    std::uint64_t violations = 0;
    for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
        if (options.seconds != 0 && elapsed() >= static_cast<double>(options.seconds)) break;
        current_seed = static_cast<std::sig_atomic_t>(seed);
        const Run done = run_seed(seed, options, tally);
        ++seeds;
        if (options.verbose) {
            std::printf("seed %llu\n", number(seed));
            print_history(replay(done, done.steps).history, SIZE_MAX);
        }
        if (!done.failure) continue;
        ++violations;
        report_failure(seed, *done.failure);
        if (options.keep_going) continue;
        if (!options.no_history) report_histories(done);
        std::printf("1 violation\n");
        return 1;
    }
    print_summary(seeds, tally, elapsed());
    if (options.require_probes && !require_probes(tally)) return 1;
    std::printf("%llu violations\n", number(violations));
    return violations == 0 ? 0 : 1;
}

int simulate_slots(const Options& options) {
    for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
        current_seed = static_cast<std::sig_atomic_t>(seed);
        try {
            const SlotsTally tally = run_slots(seed, options.crashes);
            std::printf(
                "seed %llu: %llu crashes (%llu consumers, %llu kills, %llu power cuts) with %llu "
                "deliveries held, %llu received, %llu kept waiting by a limit, %llu sends "
                "refused\n",
                number(seed),
                number(tally.crashes),
                number(tally.vanished),
                number(tally.kills),
                number(tally.power_cuts),
                number(tally.held_in_crash),
                number(tally.received),
                number(tally.kept_waiting),
                number(tally.refused)
            );
        } catch (const Violation& violation) {
            report_failure(seed, {violation.invariant(), violation.what()});
            std::printf("1 violation\n");
            return 1;
        }
    }
    std::printf("0 violations\n");
    return 0;
}

int run_program(int count, char** values) {
    Options options;
    if (!read_arguments(count, values, options)) {
        std::fputs(usage.data(), stderr);
        return 2;
    }
    // The faults are meant; what the store has to say about them would fill the screen.
    start_logging({.level = LogLevel::off});
    std::signal(SIGSEGV, report_crash);
    std::signal(SIGABRT, report_crash);
    return options.slots ? simulate_slots(options) : simulate(options);
}

}  // namespace

}  // namespace tranter::store_sim

int main(int count, char** values) {
    return tranter::store_sim::run_program(count, values);
}

#pragma once

#include <tranter/client.hpp>
#include <tranter/worker.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {

/// What the command line of jobs_bench says.
struct JobsRun {
    std::string mode{};  // as the usage says
    std::string url{};
    std::uint64_t jobs = 100'000;
    std::uint64_t batch = 1;  // in one call of a producer; 1: enqueue() of a single job
    unsigned producers = 1;
    unsigned concurrency = 1;        // of the worker
    pid_t server = 0;                // whose CPU is counted too
    std::uint64_t backlog = 20'000;  // of a flow: jobs that wait at most
    std::uint64_t parts = 10;        // of a flow: each has a rate
    unsigned seconds = 3'600;        // of a flow: after which it ends unfinished
    ProviderOptions options{};
};

/// About 256 bytes of JSON.
struct NoopJob {
    std::uint64_t number{};
    std::string text{};
    static constexpr std::string_view kind = "bench.noop";
    static constexpr JobDefaults defaults{.queue = "bench"};
};

NoopJob make_noop(std::uint64_t number);
// Both throw std::runtime_error when a job was refused.
/// Those with the numbers from `from` to before `to`, in one call.
void enqueue_batch(const Client& client, std::uint64_t from, std::uint64_t to);
void enqueue_all(const Client& client, const JobsRun& run);

/// Wall clock and CPU from its construction on.
class Meter {
  public:
    explicit Meter(const JobsRun& run);
    /// The figures of so many jobs as members of a JSON object.
    std::string figures(std::uint64_t jobs) const;

  private:
    pid_t server_;
    std::uint64_t began_;
    double client_cpu_;
    double server_cpu_;
};

// Each prints one JSON object.
void measure_throughput(const JobsRun& run);
/// One call for each receive and one for each settle, as by workers that take one job at a time.
void measure_one_by_one(const JobsRun& run);
void measure_latency(const JobsRun& run);
/// Rates of all parts that were done in time.
void measure_flow(const JobsRun& run);
void measure_finished(const JobsRun& run);

}  // namespace tranter::bench

#include "cli/bench_command.hpp"

#include "base/uuid.hpp"
#include "cli/json.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::cli {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::string_view job_type = "tranter.bench";
constexpr std::int64_t jobs_default = 100'000;
constexpr std::int64_t jobs_max = 100'000'000;
constexpr std::int64_t bench_threads_max = 1024;
constexpr std::int64_t batch_default = 256;
constexpr std::int64_t latency_jobs_max = 1000;
// Long for anybody who looks on, and a job that takes longer to begin is not on its way any more.
constexpr std::chrono::seconds patience(60);
constexpr std::chrono::milliseconds look_every(1);

struct BenchOptions {
    std::int64_t jobs = jobs_default;
    std::int64_t batch = batch_default;
    std::int64_t producers = 1;
    std::int64_t concurrency = 1;
};

Result<BenchOptions> read_bench_options(const Arguments& arguments) {
    BenchOptions options;
    options.concurrency = std::max<std::int64_t>(std::thread::hardware_concurrency(), 1);
    for (const auto& [name, most, target] : {
             std::tuple("jobs", jobs_max, &options.jobs),
             std::tuple("batch", std::int64_t{jobs_per_call_max}, &options.batch),
             std::tuple("producers", bench_threads_max, &options.producers),
             std::tuple("concurrency", bench_threads_max, &options.concurrency),
         }) {
        const auto given = arguments.integer(name, {.min = 1, .max = most});
        if (!given) return std::unexpected(given.error());
        *target = given->value_or(*target);
    }
    return options;
}

/// What people read of a measurement.
double rounded(double value) {
    return std::round(value * 100) / 100;
}

/// User and system time of this process so far.
microseconds cpu_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

/// When the newest job began; whoever enqueued it waits for that.
class Starts {
  public:
    /// In a handler.
    void begin() {
        const auto now = steady_clock::now();
        if (!watched_) {
            ++count_;
            return;
        }
        const std::lock_guard lock(mutex_);
        ++count_;
        last_ = now;
        changed_.notify_all();
    }

    std::uint64_t count() const { return count_; }
    /// From now on somebody waits for single jobs.
    void watch() { watched_ = true; }

    /// When the job after the first `count` began.
    std::optional<steady_clock::time_point> after(std::uint64_t count) {
        std::unique_lock lock(mutex_);
        const bool began = changed_.wait_for(lock, patience, [&] { return count_ > count; });
        return began ? std::optional(last_) : std::nullopt;
    }

  private:
    std::atomic<std::uint64_t> count_ = 0;
    std::atomic<bool> watched_ = false;

    std::mutex mutex_;
    // guarded by mutex_
    std::condition_variable changed_{};
    steady_clock::time_point last_{};
};

class JobBench {
  public:
    JobBench(JobSession& session, const BenchOptions& options)
        : session_(session),
          options_(options),
          queue_(fmt::format("bench-{}", format_uuid(make_uuid()).substr(0, 8))),
          client_(session.shared_provider()),
          worker_(client_, handlers(), worker_options()) {}

    Result<Json> run() {
        worker_.start();
        session_.progress.start("running jobs", static_cast<std::uint64_t>(options_.jobs));
        Json record;
        record.set("provider", session_.provider.name()).set("jobs", options_.jobs);
        if (auto done = measure_rate(record); !done) return std::unexpected(done.error());
        session_.progress.start("measuring the latency");
        if (auto done = measure_latency(record); !done) return std::unexpected(done.error());
        session_.progress.stop();
        worker_.stop();
        return record;
    }

  private:
    JobSession& session_;
    const BenchOptions options_;
    const std::string queue_;
    Starts starts_{};
    Client client_;
    Worker worker_;

    Registry handlers() {
        Registry handlers;
        handlers.on(job_type, [this](Context&) { starts_.begin(); });
        return handlers;
    }

    WorkerOptions worker_options() const {
        WorkerOptions options;
        options.queues = {queue_};
        options.concurrency = static_cast<unsigned>(options_.concurrency);
        return options;
    }

    JobRequest request() const {
        JobRequest request{.type = std::string(job_type)};
        request.options.queue = queue_;
        return request;
    }

    Result<> produce(std::int64_t jobs) {
        while (jobs > 0) {
            const auto batch = static_cast<std::size_t>(std::min(jobs, options_.batch));
            const auto handles = client_.enqueue_all(std::vector<JobRequest>(batch, request()));
            if (!handles) return std::unexpected(handles.error());
            jobs -= static_cast<std::int64_t>(batch);
        }
        return {};
    }

    Result<> produce_everything() {
        std::mutex mutex;
        Result<> done;
        {
            std::vector<std::jthread> producers;
            for (std::int64_t i = 0; i < options_.producers; ++i) {
                const std::int64_t jobs = options_.jobs * (i + 1) / options_.producers -
                                          options_.jobs * i / options_.producers;
                producers.emplace_back([this, jobs, &mutex, &done] {
                    auto produced = produce(jobs);
                    const std::lock_guard lock(mutex);
                    if (done && !produced) done = std::move(produced);
                });
            }
        }
        return done;
    }

    /// All jobs as fast as they go, from the first enqueue until the last is settled.
    Result<> measure_rate(Json& record) {
        const auto cpu_before = cpu_time();
        const auto begin = steady_clock::now();
        if (auto done = produce_everything(); !done) return done;
        auto moved = steady_clock::now();
        for (std::uint64_t completed = 0; completed < static_cast<std::uint64_t>(options_.jobs);) {
            std::this_thread::sleep_for(look_every);
            const std::uint64_t now_completed = worker_.figures().counts.completed;
            session_.progress.update(now_completed);
            if (now_completed != completed) moved = steady_clock::now();
            completed = now_completed;
            if (steady_clock::now() - moved > patience) {
                return fail(
                    Errc::timed_out,
                    fmt::format("no job was completed for 60s, {} were before", completed)
                );
            }
        }
        const std::chrono::duration<double> spent = steady_clock::now() - begin;
        const auto cpu = cpu_time() - cpu_before;
        const auto jobs = static_cast<double>(options_.jobs);
        record.set("seconds", rounded(spent.count()))
            .set("jobs_per_second", static_cast<std::int64_t>(jobs / spent.count()))
            .set("cpu_us_per_job", rounded(static_cast<double>(cpu.count()) / jobs));
        return {};
    }

    /// One job at a time, from the call of enqueue until its handler begins.
    Result<> measure_latency(Json& record) {
        starts_.watch();
        std::vector<double> latencies;
        for (std::int64_t i = 0; i < std::min(options_.jobs, latency_jobs_max); ++i) {
            const std::uint64_t before = starts_.count();
            const auto begin = steady_clock::now();
            const auto handle = client_.enqueue(request());
            if (!handle) return std::unexpected(handle.error());
            const auto began = starts_.after(before);
            if (!began) return fail(Errc::timed_out, "a job did not begin within 60s");
            const std::chrono::duration<double, std::micro> latency = *began - begin;
            latencies.push_back(latency.count());
        }
        std::ranges::sort(latencies);
        const auto at = [&](double share) {
            const auto last = static_cast<double>(latencies.size() - 1);
            return rounded(latencies[static_cast<std::size_t>(share * last)]);
        };
        Json percentiles;
        percentiles.set("p50", at(0.5)).set("p90", at(0.9)).set("p99", at(0.99)).set("max", at(1));
        record.set("start_latency_us", std::move(percentiles));
        return {};
    }
};

}  // namespace

Result<int> bench_jobs(JobSession& session, const Arguments& arguments) {
    const auto options = read_bench_options(arguments);
    if (!options) return std::unexpected(options.error());
    const auto record = JobBench(session, *options).run();
    if (!record) return std::unexpected(record.error());
    session.output.one(*record);
    return 0;
}

Command bench_command() {
    return {
        .name = "bench",
        .summary = "measure a store of jobs",
        .commands =
            {{.name = "jobs",
              .summary = "enqueue and run jobs that do nothing, and say how fast that was",
              .description =
                  "First all jobs at once, for jobs per second and the CPU time of this process "
                  "(a server\nhas its own). Then up to 1000 one at a time, for the time from "
                  "enqueue to the start of the\nhandler. They go to a queue of their own, bench-"
                  "..., and into the history of the store.",
              .options = with_provider_options(
                  {{.name = "jobs", .value = "N", .help = "how many (default: 100000)"},
                   {.name = "batch", .value = "N", .help = "jobs in one enqueue (default: 256)"},
                   {.name = "producers", .value = "N", .help = "threads that enqueue (default: 1)"},
                   {.name = "concurrency",
                    .value = "N",
                    .help = "handlers at a time (default: one per core)"}}
              ),
              .examples =
                  {{"this process alone", "tranter bench jobs --provider memory:"},
                   {"a server, without batches",
                    "tranter bench jobs --jobs 10000 --batch 1 --producers 32"}},
              .run = in_job_session<bench_jobs, JobSession::NoStore::is_made>}},
    };
}

}  // namespace tranter::cli

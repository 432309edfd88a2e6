// The job library over one store: how many jobs per second go in, out and through, how long one
// waits for its handler, and how long questions about finished jobs take. Prints JSON.
// Usage: jobs_bench enqueue|process|drain|one_by_one|both|flow|latency|finished URL
//            [jobs=N] [batch=N] [producers=N] [concurrency=N] [history=0] [durability=os]
//            [pid=SERVER] [backlog=N] [parts=N] [seconds=N]
#include "jobs_bench.hpp"

#include "load/histogram.hpp"
#include "load/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tranter::bench {
namespace {

constexpr std::size_t text_bytes = 225;

/// Counts the runs of the handler, and lets one thread wait for a number of them.
class Finish {
  public:
    explicit Finish(std::uint64_t jobs) : left_(jobs) {}

    void count() {
        if (left_.fetch_sub(1) == 1) left_.notify_all();
    }
    void wait() const {
        for (std::uint64_t left = left_; left != 0; left = left_)
            left_.wait(left);
    }

  private:
    std::atomic<std::uint64_t> left_;
};

/// Handlers have run; this is when the last outcome has reached the store.
void wait_until_settled(const Worker& worker, std::uint64_t jobs) {
    while (worker.figures().counts.completed < jobs)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
}

WorkerOptions worker_options(const JobsRun& run) {
    return {.concurrency = run.concurrency};
}

void enqueue_one_by_one(const Client& client, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t number = from; number < to; ++number) {
        const auto job = client.enqueue(make_noop(number));
        if (!job) throw std::runtime_error(job.error().message());
    }
}

}  // namespace

NoopJob make_noop(std::uint64_t number) {
    return {.number = number, .text = std::string(text_bytes, 'x')};
}

void enqueue_batch(const Client& client, std::uint64_t from, std::uint64_t to) {
    std::vector<NoopJob> jobs;
    jobs.reserve(to - from);
    for (std::uint64_t number = from; number < to; ++number)
        jobs.push_back(make_noop(number));
    const auto answers = client.enqueue_all(jobs);
    if (!answers) throw std::runtime_error(answers.error().message());
}

void enqueue_all(const Client& client, const JobsRun& run) {
    const std::uint64_t share = run.batch == 1 ? 64 : run.batch;
    std::atomic<std::uint64_t> next = 0;
    std::atomic<bool> failed = false;
    const auto produce = [&] {
        for (std::uint64_t from = next.fetch_add(share); from < run.jobs;
             from = next.fetch_add(share)) {
            const auto enqueue = run.batch == 1 ? enqueue_one_by_one : enqueue_batch;
            enqueue(client, from, std::min(from + share, run.jobs));
        }
    };
    std::vector<std::jthread> producers;
    for (unsigned i = 0; i < run.producers; ++i) {
        producers.emplace_back([&] {
            try {
                produce();
            } catch (const std::exception& error) {
                if (!failed.exchange(true)) fmt::print(stderr, "jobs_bench: {}\n", error.what());
            }
        });
    }
    producers.clear();
    if (failed) throw std::runtime_error("a job was refused");
}

Meter::Meter(const JobsRun& run)
    : server_(run.server),
      began_(now_ns()),
      client_cpu_(own_cpu()),
      server_cpu_(run.server == 0 ? 0 : cpu_with_children(run.server)) {}

std::string Meter::figures(std::uint64_t jobs) const {
    const double seconds = static_cast<double>(now_ns() - began_) / 1e9;
    const double client = own_cpu() - client_cpu_;
    const double server = server_ == 0 ? 0 : cpu_with_children(server_) - server_cpu_;
    const auto each = static_cast<double>(jobs);
    return fmt::format(
        R"("rate":{:.0f},"client_us":{:.3f},"server_us":{:.3f})",
        each / seconds,
        client / each * 1e6,
        server / each * 1e6
    );
}

void measure_throughput(const JobsRun& run) {
    const Client client(run.url, run.options);
    if (run.mode == "enqueue") {
        const Meter meter(run);
        enqueue_all(client, run);
        fmt::print("{{{}}}\n", meter.figures(run.jobs));
        return;
    }
    Finish finish(run.jobs);
    Registry handlers;
    handlers.on<NoopJob>([&finish](const NoopJob&) { finish.count(); });
    Worker worker(client, handlers, worker_options(run));
    if (run.mode == "process") {
        JobsRun fill = run;
        fill.batch = 1'000;
        fill.producers = 1;
        enqueue_all(client, fill);
    }
    const Meter meter(run);
    worker.start();
    if (run.mode == "both") enqueue_all(client, run);
    finish.wait();
    wait_until_settled(worker, run.jobs);
    fmt::print("{{{}}}\n", meter.figures(run.jobs));
    worker.stop();
}

void measure_one_by_one(const JobsRun& run) {
    JobsRun fill = run;
    fill.batch = 1'000;
    fill.producers = 1;
    enqueue_all(Client(run.url, run.options), fill);
    const auto opened = open_provider(run.url, run.options);
    if (!opened) throw std::runtime_error(opened.error().message());
    Provider& store = **opened;
    std::atomic<std::uint64_t> left = run.jobs;
    std::atomic<bool> failed = false;
    const auto work = [&] {
        const ReceiveRequest request{.queue = std::string(NoopJob::defaults.queue)};
        while (left > 0 && !failed) {
            const auto jobs = store.receive(request);
            if (!jobs) failed = true;
            if (!jobs || jobs->empty()) continue;
            const Settlement completed{.receipt = jobs->front().receipt, .outcome = Completed{}};
            const auto settled = store.settle(request.queue, {&completed, 1});
            if (!settled || !settled->front()) failed = true;
            --left;
        }
    };
    const Meter meter(run);
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < run.concurrency; ++i)
            workers.emplace_back(work);
    }
    if (failed) throw std::runtime_error("the store did not answer");
    fmt::print("{{{}}}\n", meter.figures(run.jobs));
}

void measure_latency(const JobsRun& run) {
    const Client client(run.url, run.options);
    std::atomic<std::uint64_t> started_at = 0;
    Registry handlers;
    handlers.on<NoopJob>([&started_at](const NoopJob&) {
        started_at = now_ns();
        started_at.notify_all();
    });
    Worker worker(client, handlers, worker_options(run));
    worker.start();
    const std::uint64_t warm_up = run.jobs / 10;
    Histogram histogram;
    for (std::uint64_t number = 0; number < run.jobs + warm_up; ++number) {
        started_at = 0;
        const std::uint64_t began = now_ns();
        enqueue_one_by_one(client, number, number + 1);
        started_at.wait(0);
        if (number >= warm_up) histogram.add(started_at - began);
        // The next one finds a worker that waits.
        while (!worker.figures().receiving || worker.figures().counts.completed <= number)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    worker.stop();
    const auto micros = [&histogram](double share) {
        return static_cast<double>(histogram.quantile(share)) / 1e3;
    };
    fmt::print(
        R"({{"p50_us":{:.1f},"p90_us":{:.1f},"p99_us":{:.1f},"max_us":{:.1f}}})"
        "\n",
        micros(0.5),
        micros(0.9),
        micros(0.99),
        static_cast<double>(histogram.max()) / 1e3
    );
}

namespace {

JobsRun parse(const std::vector<std::string>& words) {
    JobsRun run{.mode = words.at(0), .url = words.at(1)};
    std::map<std::string, std::string> values;
    for (std::size_t i = 2; i < words.size(); ++i) {
        const auto equals = words[i].find('=');
        if (equals == std::string::npos) throw std::invalid_argument(words[i]);
        values[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
    for (const auto& [key, value] : values) {
        if (key == "jobs")
            run.jobs = std::stoull(value);
        else if (key == "batch")
            run.batch = std::stoull(value);
        else if (key == "producers")
            run.producers = static_cast<unsigned>(std::stoul(value));
        else if (key == "concurrency")
            run.concurrency = static_cast<unsigned>(std::stoul(value));
        else if (key == "pid")
            run.server = static_cast<pid_t>(std::stol(value));
        else if (key == "backlog")
            run.backlog = std::stoull(value);
        else if (key == "parts")
            run.parts = std::max<std::uint64_t>(std::stoull(value), 1);
        else if (key == "seconds")
            run.seconds = static_cast<unsigned>(std::stoul(value));
        else if (key == "history")
            run.options.history = value != "0";
        else if (key == "durability")
            run.options.durability = value;
        else
            throw std::invalid_argument(key);
    }
    return run;
}

int run_command_line(const std::vector<std::string>& words) {
    static const std::map<std::string, void (*)(const JobsRun&), std::less<>> modes{
        {"enqueue", measure_throughput},
        {"process", measure_throughput},
        {"drain", measure_throughput},  // process, of jobs that are there already
        {"one_by_one", measure_one_by_one},
        {"both", measure_throughput},
        {"flow", measure_flow},
        {"latency", measure_latency},
        {"finished", measure_finished}};
    if (words.size() < 2 || !modes.contains(words.front())) {
        std::fputs(
            "usage: jobs_bench enqueue|process|drain|one_by_one|both|flow|latency|finished URL "
            "[NAME=VALUE...]\n",
            stderr
        );
        return 2;
    }
    const JobsRun run = parse(words);
    modes.at(run.mode)(run);
    return 0;
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    try {
        return tranter::bench::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "jobs_bench: %s\n", error.what());
        return 1;
    }
}

// Schedules and jobs for later: fills a store with them, runs a scheduler in this process until
// everything that is due is enqueued, and watches when jobs come to a handler. Prints JSON.
// Usage: schedule_bench fill STORE spread|same|far N [at=MS]
//        schedule_bench fill_jobs STORE same|far N [at=MS]
//        schedule_bench promote STORE PROVIDER recurring|timers N at=MS [pid=SERVER]
//        schedule_bench watch PROVIDER N [at=MS]
// `at` is in milliseconds since 1970: when `same` is due, and the minute of `spread` begins.
#include "base/log.hpp"
#include "base/uuid.hpp"
#include "jobs/time_text.hpp"
#include "load/histogram.hpp"
#include "load/usage.hpp"
#include "schedule/registration.hpp"
#include "schedule/store.hpp"

#include <tranter/scheduler.hpp>
#include <tranter/worker.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace tranter::bench {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view queue_name = "bench";
constexpr std::string_view job_type = "bench.noop";
constexpr std::string_view slot_prefix = "scheduled_for=";
constexpr std::size_t fill_batch = 1000;

struct ScheduleRun {
    std::vector<std::string> words{};
    TimePoint at{};
    pid_t server = 0;

    const std::string& word(std::size_t place) const {
        if (place >= words.size()) throw std::invalid_argument("a word is missing");
        return words[place];
    }
    std::uint64_t count(std::size_t place) const { return std::stoull(word(place)); }
};

template <class T>
T value_of(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
}

void must(const Result<>& result) {
    if (!result) throw std::runtime_error(result.error().message());
}

TimePoint wall_clock() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

std::string payload_of(std::uint64_t number) {
    return fmt::format(R"({{"number":{},"text":"{}"}})", number, std::string(225, 'x'));
}

std::string daily_at(TimePoint when) {
    const std::tm utc = fmt::gmtime(std::chrono::system_clock::to_time_t(when));
    return fmt::format("{} {} {} * * *", utc.tm_sec, utc.tm_min, utc.tm_hour);
}

/// Daily: at `at`, or in the minute that begins with it. Or one of 86,400 seconds of a day half a
/// year from now.
std::string expression_of(std::string_view kind, std::uint64_t number, TimePoint at) {
    if (kind == "same") return daily_at(at);
    if (kind == "spread") return daily_at(at + std::chrono::seconds(number % 60));
    if (kind != "far") throw std::invalid_argument(std::string(kind));
    const std::tm then =
        fmt::gmtime(std::chrono::system_clock::to_time_t(wall_clock() + std::chrono::days(180)));
    return fmt::format(
        "{} {} {} {} {} *",
        number % 60,
        number / 60 % 60,
        number / 3600 % 24,
        then.tm_mday,
        then.tm_mon + 1
    );
}

void print_rate(std::uint64_t count, std::uint64_t began, double cpu_before) {
    const double seconds = static_cast<double>(now_ns() - began) / 1e9;
    const auto each = static_cast<double>(count);
    fmt::print(
        R"({{"rate":{:.0f},"client_us":{:.2f}}})"
        "\n",
        each / seconds,
        (own_cpu() - cpu_before) / each * 1e6
    );
}

/// As a file of schedules is registered.
void fill(const ScheduleRun& run) {
    const auto store = value_of(schedule::open_store(run.word(0)));
    const std::uint64_t count = run.count(2);
    schedule::ZoneDirectory zones;
    const schedule::Registry registry{.store = *store, .zones = zones};
    const std::uint64_t began = now_ns();
    const double cpu = own_cpu();
    std::vector<ScheduleDefinition> definitions;
    for (std::uint64_t number = 0; number < count; ++number) {
        definitions.push_back(
            {.name = fmt::format("{}-{:06}", run.word(1), number),
             .expression = expression_of(run.word(1), number, run.at),
             .queue = std::string(queue_name),
             .type = std::string(job_type),
             .payload = payload_of(number)}
        );
        if (definitions.size() < fill_batch && number + 1 < count) continue;
        for (const auto& one :
             schedule::reconcile_all(registry, definitions, ScheduleSource::file, wall_clock()))
            if (!one) throw std::runtime_error(one.error().message());
        definitions.clear();
    }
    print_rate(count, began, cpu);
}

void fill_jobs(const ScheduleRun& run) {
    const auto store = value_of(schedule::open_store(run.word(0)));
    const std::uint64_t count = run.count(2);
    const bool far = run.word(1) == "far";
    const TimePoint now = wall_clock();
    const std::uint64_t began = now_ns();
    const double cpu = own_cpu();
    std::vector<ScheduledJob> jobs;
    for (std::uint64_t number = 0; number < count; ++number) {
        jobs.push_back(
            {.id = format_uuid(make_uuid()),
             .queue = std::string(queue_name),
             .type = std::string(job_type),
             .payload = payload_of(number),
             .due = far ? now + std::chrono::days(30) + std::chrono::seconds(number) : run.at,
             .created_at = now}
        );
        if (jobs.size() < fill_batch && number + 1 < count) continue;
        must(store->add_jobs(jobs));
        jobs.clear();
    }
    print_rate(count, began, cpu);
}

TimePoint last_created(Provider& provider) {
    TimePoint last{};
    ListRequest request{.filter = fmt::format("queue:{}", queue_name), .jobs_max = 1000};
    do {
        const JobPage page = value_of(provider.list(request));
        for (const JobRecord& job : page.jobs)
            last = std::max(last, job.created_at);
        request.cursor = page.next;
    } while (!request.cursor.empty());
    return last;
}

/// From the moment at which all are due until the last is in its queue.
void promote(const ScheduleRun& run) {
    const Client client(run.word(1));
    const bool recurring = run.word(2) == "recurring";
    const std::uint64_t count = run.count(3);
    Scheduler scheduler(client, run.word(0), {.recurring = recurring, .timers = !recurring});
    scheduler.start();
    std::this_thread::sleep_until(run.at - milliseconds(200));
    if (wall_clock() > run.at) throw std::runtime_error("the scheduler was not ready in time");
    const double before = own_cpu();
    const double server_before = run.server == 0 ? 0 : usage_of(run.server).cpu;
    while (scheduler.figures().enqueued < count)
        std::this_thread::sleep_for(milliseconds(5));
    const double used = own_cpu() - before;
    const double server = run.server == 0 ? 0 : usage_of(run.server).cpu - server_before;
    scheduler.stop();
    const TimePoint last = last_created(*client.provider());
    const auto each = static_cast<double>(count);
    fmt::print(
        R"({{"seconds":{:.3f},"client_us":{:.1f},"server_us":{:.1f}}})"
        "\n",
        std::chrono::duration<double>(last - run.at).count(),
        used / each * 1e6,
        server / each * 1e6
    );
}

/// How late something was, over all jobs.
class Lateness {
  public:
    void add(TimePoint slot, TimePoint moment) {
        early_ = early_ || moment < slot;
        const auto late = std::max(moment - slot, TimePoint::duration(0));
        histogram_.add(static_cast<std::uint64_t>(late.count()));
    }
    std::string figures(std::string_view name) const {
        if (early_) throw std::runtime_error("a job came early");
        const auto millis = [this](double share) {
            return static_cast<double>(histogram_.quantile(share)) / 1e3;
        };
        return fmt::format(
            R"("{0}_p50_ms":{1:.3f},"{0}_p99_ms":{2:.3f},"{0}_max_ms":{3:.3f})",
            name,
            millis(0.5),
            millis(0.99),
            static_cast<double>(histogram_.max()) / 1e3
        );
    }

  private:
    Histogram histogram_{};  // of microseconds
    bool early_ = false;
};

TimePoint slot_of(const ReceivedJob& job, TimePoint at) {
    for (const std::string& tag : job.options.tags) {
        if (!tag.starts_with(slot_prefix)) continue;
        const auto micros = value_of(
            jobs::parse_time_count(std::string_view(tag).substr(slot_prefix.size()), {1, 1'000'000})
        );
        return TimePoint(TimePoint::duration(micros));
    }
    return at;
}

void watch(const ScheduleRun& run) {
    const Client client(run.word(0));
    const std::uint64_t count = run.count(1);
    std::mutex mutex;
    Lateness enqueued;
    Lateness begun;
    std::atomic<std::uint64_t> left = count;
    Registry handlers;
    handlers.otherwise([&](Context& context) {
        const TimePoint now = wall_clock();
        const TimePoint slot = slot_of(context.job(), run.at);
        {
            const std::lock_guard lock(mutex);
            enqueued.add(slot, context.job().created_at);
            begun.add(slot, now);
        }
        if (left.fetch_sub(1) == 1) left.notify_all();
    });
    Worker worker(client, handlers, {.queues = {std::string(queue_name)}});
    worker.start();
    fmt::print("ready\n");
    std::fflush(stdout);
    for (std::uint64_t seen = left; seen != 0; seen = left)
        left.wait(seen);
    worker.stop();
    fmt::print("{{{},{}}}\n", enqueued.figures("enqueue"), begun.figures("start"));
}

ScheduleRun parse_words(const std::vector<std::string>& words) {
    ScheduleRun run;
    for (const std::string& word : words) {
        if (word.starts_with("at=")) {
            run.at = TimePoint(milliseconds(std::stoll(word.substr(3))));
        } else if (word.starts_with("pid=")) {
            run.server = static_cast<pid_t>(std::stol(word.substr(4)));
        } else {
            run.words.push_back(word);
        }
    }
    return run;
}

int run_words(const std::vector<std::string>& words) {
    static const std::map<std::string, void (*)(const ScheduleRun&), std::less<>> modes{
        {"fill", fill}, {"fill_jobs", fill_jobs}, {"promote", promote}, {"watch", watch}};
    if (words.empty() || !modes.contains(words.front())) {
        std::fputs("usage: schedule_bench fill|fill_jobs|promote|watch WORD...\n", stderr);
        return 2;
    }
    set_log_level(LogLevel::warn);
    modes.at(words.front())(parse_words({words.begin() + 1, words.end()}));
    return 0;
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    try {
        return tranter::bench::run_words(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "schedule_bench: %s\n", error.what());
        return 1;
    }
}

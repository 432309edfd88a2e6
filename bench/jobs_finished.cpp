// Questions about finished jobs, through the same calls as the command line and the Jobs API.
#include "jobs_bench.hpp"
#include "load/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace tranter::bench {
namespace {

constexpr unsigned queues = 10;  // each keeps 100,000 finished jobs
constexpr std::size_t per_call = 1'000;
constexpr std::uint64_t written_every = 10'000;
constexpr int repeats = 15;

struct Question {
    std::string_view name;
    std::string filter;
};

void stop_when_refused(const std::optional<Error>& error) {
    if (error) throw std::runtime_error(error->message());
}

template <class T>
T must(Result<T> result) {
    stop_when_refused(result ? std::nullopt : std::optional(result.error()));
    return *std::move(result);
}

NewJob shop_job(std::uint64_t number) {
    return {
        .type = fmt::format("shop:task-{}", number % 37),
        .payload = fmt::format(
            R"({{"order":{},"customer":{{"id":{}}},"note":"parcel {} of {}","filler":"{}"}})",
            number,
            number % 5'000,
            number % 7,
            number % 9'973,
            std::string(150, 'x')
        ),
        .options = {
            .group = fmt::format("tenant-{}", number % 500),
            .tags = {fmt::format("region={}", number % 40)}}};
}

/// A list waits for a while for what is on its way into the history, which drops jobs when it is
/// too far behind.
void wait_until_written(Provider& store) {
    constexpr std::uint64_t quick_ns = 100'000'000;
    for (std::uint64_t asked = 0; asked == 0 || now_ns() - asked > quick_ns;) {
        asked = now_ns();
        must(store.list({.filter = "state:completed", .jobs_max = 1}));
    }
}

void finish_jobs(Provider& store, std::uint64_t jobs) {
    for (std::uint64_t from = 0; from < jobs; from += per_call) {
        const std::string queue = fmt::format("queue-{}", from / per_call % queues);
        std::vector<NewJob> batch;
        for (std::uint64_t i = 0; i < per_call; ++i)
            batch.push_back(shop_job(from + i));
        must(store.enqueue(queue, batch));
        const auto received = must(store.receive({.queue = queue, .jobs_max = per_call}));
        std::vector<Settlement> settlements;
        for (const ReceivedJob& one : received) {
            AttemptOutcome outcome = Completed{.result = R"({"ok":true})"};
            if (settlements.size() % 100 == 7)
                outcome = Dead{.type = "TimeoutError", .reason = "connection to db timed out"};
            settlements.push_back({.receipt = one.receipt, .outcome = std::move(outcome)});
        }
        must(store.settle(queue, settlements));
        if (from % written_every == 0) wait_until_written(store);
    }
    wait_until_written(store);
}

std::uint64_t count_kept(Provider& store) {
    std::uint64_t kept = 0;
    ListRequest request{.jobs_max = 1'000};
    do {
        JobPage page = must(store.list(request));
        kept += page.jobs.size();
        request.cursor = std::move(page.next);
    } while (!request.cursor.empty());
    return kept;
}

/// The median, in milliseconds.
double time_of(Provider& store, const ListRequest& request) {
    std::array<double, repeats> times{};
    for (double& time : times) {
        const std::uint64_t began = now_ns();
        must(store.list(request));
        time = static_cast<double>(now_ns() - began) / 1e6;
    }
    std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
    return times[repeats / 2];
}

}  // namespace

void measure_finished(const JobsRun& run) {
    const auto store = must(open_provider(run.url, run.options));
    const Meter meter(run);
    finish_jobs(*store, run.jobs);
    std::string out = meter.figures(run.jobs);
    out += fmt::format(R"(,"kept":{})", count_kept(*store));
    const std::vector<Question> questions{
        {"first page", ""},
        {"state:completed", "state:completed"},
        {"state:dead", "state:dead"},
        {"one queue and type", "queue:queue-3 type:shop:task-5"},
        {"group", "group:tenant-123"},
        {"tag", "tag:region=17"},
        {"field of the payload", "args.customer.id:1234"},
        {"two words", "parcel 9172"},
        {"error", "error:timed"},
        {"nothing", "nosuchword"},
    };
    for (const Question& one : questions)
        out += fmt::format(R"(,"{}":{:.3f})", one.name, time_of(*store, {.filter = one.filter}));
    fmt::print("{{{}}}\n", out);
}

}  // namespace tranter::bench

// What the tests start to kill it:
//     provider_child URL consume QUEUE LEASE_MS   receives a job, says "R ID ATTEMPT", keeps it
//     provider_child URL traffic QUEUE            enqueues and completes until the store is gone;
//                                                 says "E ID" once a job is acknowledged, "S ID"
//                                                 before it is completed, and then "C ID"
//     provider_child URL prepare QUEUE            one of each kind, for a test that looks for them
#include <tranter/provider.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::conformance {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// In one write, so that a kill cuts between lines.
void say(const std::string& lines) {
    if (::write(STDOUT_FILENO, lines.data(), lines.size()) < 0) std::_Exit(1);
}

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

[[noreturn]] void wait_to_be_killed() {
    for (;;)
        ::pause();
}

NewJob job(std::string payload, JobOptions options = {}) {
    return {.type = "test.job", .payload = std::move(payload), .options = std::move(options)};
}

[[noreturn]] void consume(Provider& store, const std::string& queue, Milliseconds lease) {
    const auto jobs = must(store.receive({.queue = queue, .lease = lease, .wait = seconds(30)}));
    if (jobs.size() != 1) throw std::runtime_error("received no job");
    const ReceivedJob& got = jobs.front();
    if (store.capabilities().steps)
        must(store.save_step(queue, got.receipt, {.name = "begun", .result = "1"}));
    say(fmt::format("R {} {}\n", got.id, got.attempt));
    wait_to_be_killed();
}

void traffic(Provider& store, const std::string& queue) {
    for (int round = 0;; ++round) {
        const std::vector<NewJob> jobs(5, job(std::to_string(round)));
        const auto enqueued = store.enqueue(queue, jobs);
        if (!enqueued) return;
        std::string lines;
        for (const Enqueued& one : *enqueued)
            lines += fmt::format("E {}\n", one.id);
        say(lines);

        // Three of five are completed, one fails, and one is left to its lease.
        const auto got = store.receive({.queue = queue, .jobs_max = 5, .lease = seconds(1)});
        if (!got) return;
        std::vector<Settlement> settlements;
        lines.clear();
        for (std::size_t i = 0; i + 1 < got->size(); ++i) {
            if (i < 3) lines += fmt::format("S {}\n", got->at(i).id);
            const AttemptOutcome outcome =
                i < 3 ? AttemptOutcome(Completed{.result = "1"})
                      : AttemptOutcome(Failed{.type = "E", .retry_after = Milliseconds(0)});
            settlements.push_back({.receipt = got->at(i).receipt, .outcome = outcome});
        }
        say(lines);
        const auto settled = store.settle(queue, settlements);
        if (!settled) return;
        lines.clear();
        for (std::size_t i = 0; i < settlements.size(); ++i) {
            if (i < 3 && settled->at(i)) lines += fmt::format("C {}\n", got->at(i).id);
        }
        say(lines);
    }
}

[[noreturn]] void prepare(Provider& store, const std::string& queue) {
    const auto enqueue = [&](const NewJob& one) {
        const std::string id = must(store.enqueue(queue, {&one, 1})).front().id;
        say(fmt::format("{}\n", id));
        return id;
    };
    const auto settle = [&](AttemptOutcome outcome) {
        const auto got = must(store.receive({.queue = queue, .wait = seconds(30)}));
        const Settlement settlement{.receipt = got.at(0).receipt, .outcome = std::move(outcome)};
        must(must(store.settle(queue, {&settlement, 1})).front());
    };
    enqueue(job("\"dead\""));
    settle(Dead{.type = "E", .reason = "no use"});
    enqueue(job("\"failed\"", {.retry = {.base = hours(1), .max = hours(1)}}));
    settle(Failed{.type = "io", .text = "no such host"});
    NewJob later = job("\"scheduled\"");
    later.delay = hours(1);
    enqueue(later);
    const Dedup dedup{.key = "k", .mode = DedupMode::throttle, .ttl = hours(1)};
    enqueue(job("\"throttled\"", {.tags = {"a=1"}, .dedup = dedup}));
    enqueue(job("\"urgent\"", {.priority = 0}));
    const std::string cancelled = enqueue(job("\"cancelled\""));
    must(store.cancel(cancelled));
    must(store.set_limits(queue, {.max_in_flight = 3, .fair = false}));
    must(store.set_paused(queue, true));
    say("ready\n");
    wait_to_be_killed();
}

int run(const std::vector<std::string>& words) {
    const std::string& what = words.at(1);
    const std::string& queue = words.at(2);
    const auto store = must(open_provider(words.at(0)));
    if (what == "consume") consume(*store, queue, Milliseconds(std::stol(words.at(3))));
    if (what == "prepare") prepare(*store, queue);
    traffic(*store, queue);
    return 0;
}

}  // namespace
}  // namespace tranter::conformance

int main(int argc, char** argv) {
    try {
        return tranter::conformance::run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "provider_child: %s\n", error.what());
        return 1;
    }
}

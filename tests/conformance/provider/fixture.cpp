#include "fixture.hpp"

#include "base/error_names.hpp"
#include "base/uuid.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

namespace tranter {

void PrintTo(Errc code, std::ostream* out) {
    *out << name_of(code);
}

void PrintTo(JobState state, std::ostream* out) {
    static constexpr std::array names{
        "pending", "scheduled", "processing", "completed", "failed", "dead", "cancelled"};
    *out << names.at(static_cast<std::size_t>(state));
}

}  // namespace tranter

namespace tranter::conformance {
namespace {

/// How long tests wait for what must come.
constexpr milliseconds patience = seconds(20);
constexpr milliseconds virtual_patience = hours(24);

template <class Jobs>
std::vector<std::string> collect_ids(const Jobs& jobs) {
    std::vector<std::string> ids;
    for (const auto& one : jobs)
        ids.push_back(one.id);
    return ids;
}

}  // namespace

std::vector<std::string> ids_of(const std::vector<ReceivedJob>& jobs) {
    return collect_ids(jobs);
}
std::vector<std::string> ids_of(const std::vector<JobRecord>& jobs) {
    return collect_ids(jobs);
}
std::vector<std::string> ids_of(const std::vector<Enqueued>& jobs) {
    return collect_ids(jobs);
}

std::vector<std::string> payloads_of(const std::vector<ReceivedJob>& jobs) {
    std::vector<std::string> payloads;
    for (const ReceivedJob& one : jobs)
        payloads.push_back(one.payload);
    return payloads;
}

RetryPolicy at_once(std::uint32_t max_attempts) {
    return {.max_attempts = max_attempts, .base = milliseconds(0), .max = milliseconds(0)};
}

NewJob job(std::string payload, JobOptions options) {
    return {.type = "test.job", .payload = std::move(payload), .options = std::move(options)};
}

std::string new_id() {
    return format_uuid(make_uuid());
}

StoreTest::~StoreTest() {
    close_store();
}

std::optional<std::string> StoreTest::open_store(const StoreKind& kind) {
    kind_ = &kind;
    auto place = kind.place();
    if (!place) return place.error().message();
    place_ = *std::move(place);
    store_ = must(open_provider(place_.url, kind.options));
    queue_ = new_queue();
    return std::nullopt;
}

void StoreTest::close_store() {
    if (store_) store_->close();
}

std::string StoreTest::new_queue(std::string_view suffix) const {
    static std::atomic<int> number{0};
    return fmt::format("t-{}-{}{}", ::getpid(), ++number, suffix);
}

TimePoint StoreTest::now() const {
    if (VirtualTime* time = store_->virtual_time()) return time->now();
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()
    );
}

void StoreTest::let_pass(milliseconds time) {
    if (VirtualTime* clock = store_->virtual_time()) {
        clock->advance_to(clock->now() + time);
        return;
    }
    // A job is never handed out before its delay has passed.
    const std::string timer = new_queue("-timer");
    NewJob alarm = job();
    alarm.delay = time;
    enqueue(timer, alarm);
    complete(take(timer));
}

std::string StoreTest::enqueue(const std::string& queue, const NewJob& job) {
    const auto answers = must(store_->enqueue(queue, {&job, 1}));
    if (answers.size() != 1)
        throw std::runtime_error(fmt::format("{} answers for one job", answers.size()));
    return answers.front().id;
}

std::vector<std::string> StoreTest::enqueue_all(const std::vector<NewJob>& jobs) {
    return ids_of(must(try_enqueue(jobs)));
}

Result<std::vector<Enqueued>> StoreTest::try_enqueue(const std::vector<NewJob>& jobs) {
    return store_->enqueue(queue_, jobs);
}

std::vector<ReceivedJob> StoreTest::receive(ReceiveRequest request) {
    VirtualTime* clock = store_->virtual_time();
    if (clock == nullptr) return must(store_->receive(request));
    const TimePoint end = clock->now() + request.wait;
    request.wait = milliseconds(0);
    for (;;) {
        auto jobs = must(store_->receive(request));
        const auto next = clock->next_event();
        if (!jobs.empty() || clock->now() >= end) return jobs;
        const TimePoint soon = clock->now() + std::chrono::microseconds(1);
        clock->advance_to(next ? std::min(std::max(*next, soon), end) : end);
    }
}

ReceivedJob StoreTest::take(const std::string& queue, milliseconds lease) {
    auto jobs = receive({.queue = queue, .jobs_max = 1, .lease = lease, .wait = longest_wait()});
    if (jobs.size() != 1)
        throw std::runtime_error(fmt::format("received {} jobs instead of one", jobs.size()));
    return std::move(jobs.front());
}

milliseconds StoreTest::longest_wait() const {
    return can().virtual_time ? virtual_patience : patience;
}

std::vector<ReceivedJob> StoreTest::take_many(std::size_t count, milliseconds lease) {
    std::vector<ReceivedJob> all;
    while (all.size() < count) {
        const std::size_t more = std::min(count - all.size(), can().batch_max);
        auto jobs =
            receive({.queue = queue_, .jobs_max = more, .lease = lease, .wait = longest_wait()});
        if (jobs.empty())
            throw std::runtime_error(fmt::format("only {} of {} jobs came", all.size(), count));
        std::move(jobs.begin(), jobs.end(), std::back_inserter(all));
    }
    return all;
}

Result<> StoreTest::settle(const ReceivedJob& job, AttemptOutcome outcome) {
    const Settlement settlement{.receipt = job.receipt, .outcome = std::move(outcome)};
    auto results = must(store_->settle(job.queue, {&settlement, 1}));
    if (results.size() != 1)
        throw std::runtime_error(fmt::format("{} results for one settlement", results.size()));
    return results.front();
}

void StoreTest::complete(const ReceivedJob& job, std::string result) {
    must(settle(job, Completed{.result = std::move(result)}));
}

JobRecord StoreTest::finished(const std::string& id) {
    return must(store_->wait(id, patience));
}

void StoreTest::expect_ended(const std::string& id, JobState state) {
    if (can().history) {
        EXPECT_EQ(finished(id).state, state);
    } else if (can().look_up) {
        const auto record = store_->find(id);
        if (record) {
            EXPECT_EQ(record->state, JobState::dead);
            EXPECT_EQ(record->state, state);
        } else {
            EXPECT_EQ(record.error().code(), Errc::not_found);
        }
    }
}

void ProviderTest::SetUp() {
    const auto missing = open_store(GetParam());
    if (!missing) return;
    if (std::getenv("CI") != nullptr) FAIL() << *missing;
    GTEST_SKIP() << *missing;
}

std::string name_of_kind(const testing::TestParamInfo<StoreKind>& info) {
    return std::string(info.param.name);
}

void PrintTo(const StoreKind& kind, std::ostream* out) {
    *out << kind.name;
}

bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(milliseconds(10));
    }
    return true;
}

}  // namespace tranter::conformance

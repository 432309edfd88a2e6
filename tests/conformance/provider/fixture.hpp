#pragma once

#include "stores.hpp"

#include <tranter/provider.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter {

/// How failed assertions show them.
void PrintTo(Errc code, std::ostream* out);       // NOLINT(readability-identifier-naming)
void PrintTo(JobState state, std::ostream* out);  // NOLINT(readability-identifier-naming)

}  // namespace tranter

namespace tranter::conformance {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// The value; a failed test that shows the error when there is none.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error("refused: " + std::string(result.error().message()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Nothing when it succeeded.
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
    return result ? std::nullopt : std::optional(result.error().code());
}

template <class T>
std::string message_of(const Result<T>& result) {
    return result ? std::string() : result.error().message();
}

std::vector<std::string> ids_of(const std::vector<ReceivedJob>& jobs);
std::vector<std::string> ids_of(const std::vector<JobRecord>& jobs);
std::vector<std::string> ids_of(const std::vector<Enqueued>& jobs);
std::vector<std::string> payloads_of(const std::vector<ReceivedJob>& jobs);

/// Retries without a rest: a job that failed is available at once.
RetryPolicy at_once(std::uint32_t max_attempts = 25);
NewJob job(std::string payload = "1", JobOptions options = {});
/// For a job that its caller names; no other job has it, nor had one of an earlier run.
std::string new_id();

/// One store of one kind, and queues that no other test has. Time may be virtual: tests let it pass
/// only by let_pass(), take() and wait().
class StoreTest {
  public:
    StoreTest() = default;
    StoreTest(const StoreTest&) = delete;
    StoreTest& operator=(const StoreTest&) = delete;
    virtual ~StoreTest();

    /// Why it cannot be had here; nothing when it is open.
    std::optional<std::string> open_store(const StoreKind& kind);
    void close_store();

    const StoreKind& kind() const { return *kind_; }
    Provider& store() const { return *store_; }
    const Capabilities& can() const { return store_->capabilities(); }
    const std::string& url() const { return place_.url; }
    /// The queue of this test, or another one that no other test has.
    const std::string& queue() const { return queue_; }
    std::string new_queue(std::string_view suffix = "") const;

    TimePoint now() const;
    /// Delays and leases as long as this are exact in this store.
    milliseconds grain() const { return kind_->grain; }
    /// Returns once the clock of the store is at least `time` further.
    void let_pass(milliseconds time);

    std::string enqueue(const NewJob& job) { return enqueue(queue_, job); }
    std::string enqueue(const std::string& queue, const NewJob& job);
    std::vector<std::string> enqueue_all(const std::vector<NewJob>& jobs);
    Result<std::vector<Enqueued>> try_enqueue(const std::vector<NewJob>& jobs);

    /// Receives once. Waits up to request.wait, under virtual time for what comes by then.
    std::vector<ReceivedJob> receive(ReceiveRequest request);
    /// The next job of the queue of this test; fails when none comes.
    ReceivedJob take(milliseconds lease = seconds(30)) { return take(queue_, lease); }
    ReceivedJob take(const std::string& queue, milliseconds lease = seconds(30));
    /// So many jobs in the order of hand-outs; fails when they do not come.
    std::vector<ReceivedJob> take_many(std::size_t count, milliseconds lease = seconds(30));
    /// Nothing of the queue can be had now.
    bool nothing_left() { return receive({.queue = queue_, .jobs_max = 10}).empty(); }

    Result<> settle(const ReceivedJob& job, AttemptOutcome outcome);
    void complete(const ReceivedJob& job, std::string result = "");
    /// Once it is finished.
    JobRecord finished(const std::string& id);
    /// It has ended so; without a history it is only gone, unless its dead letter is there.
    void expect_ended(const std::string& id, JobState state);
    /// As the store finds it.
    JobRecord find(const std::string& id) { return must(store_->find(id)); }
    JobState state_of(const std::string& id) { return find(id).state; }
    QueueStats stats() { return must(store_->stats(queue_)); }

  private:
    milliseconds longest_wait() const;

    const StoreKind* kind_ = nullptr;
    StorePlace place_{};
    std::shared_ptr<Provider> store_{};
    std::string queue_{};
};

/// All tests of the interface are parameterised over the kinds of stores.
class ProviderTest : public StoreTest, public testing::TestWithParam<StoreKind> {
  public:
    void SetUp() override;
    void TearDown() override { close_store(); }
};

std::string name_of_kind(const testing::TestParamInfo<StoreKind>& info);
void PrintTo(const StoreKind& kind, std::ostream* out);  // NOLINT(readability-identifier-naming)

/// True once condition() is; false when it is not within 20 s. For what no call waits for.
bool eventually(const std::function<bool()>& condition);

}  // namespace tranter::conformance

#define TRANTER_FOR_ALL_STORES(suite)                      \
    INSTANTIATE_TEST_SUITE_P(                              \
        Stores,                                            \
        suite,                                             \
        testing::ValuesIn(tranter::conformance::stores()), \
        tranter::conformance::name_of_kind                 \
    )

/// The rest of the test needs this member of Capabilities. That a store which lacks it refuses what
/// it is about is tested in capabilities.cpp.
#define TRANTER_NEEDS(capability) \
    if (!can().capability) GTEST_SKIP() << kind().name << " has no " #capability

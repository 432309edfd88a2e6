#pragma once

#include "postgres/connection.hpp"
#include "postgres/test_server.hpp"
#include "postgres_jobs/provider.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tranter::postgres_jobs::test {

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error("refused: " + result.error().message());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// A provider in a database of its own, which can be looked at beside it.
class ProviderInDatabase : public testing::Test {
  public:
    ProviderInDatabase()
        : url_(postgres::test::server().new_database()),
          provider_(must(open_postgres_provider(url_, {}))),
          connection_(postgres::parse_target(url_).value()) {}
    ~ProviderInDatabase() override { provider_->close(); }

    Provider& provider() { return *provider_; }
    const std::string& url() const { return url_; }
    postgres::Connection& database() { return connection_; }
    /// The first column of the only row.
    std::int64_t number(const char* sql) { return connection_.query(sql).integer(0, 0); }
    std::string text(const char* sql) { return std::string(connection_.query(sql).text(0, 0)); }

    static NewJob job(std::string payload, JobOptions options = {}) {
        return {.type = "test.job", .payload = std::move(payload), .options = std::move(options)};
    }
    static RetryPolicy at_once(std::uint32_t max_attempts = 25) {
        return {.max_attempts = max_attempts, .base = {}, .max = {}};
    }
    std::string enqueue(const NewJob& one, std::string_view queue = "q") {
        return must(provider_->enqueue(queue, {&one, 1})).front().id;
    }
    void enqueue_all(const std::vector<NewJob>& jobs, std::string_view queue = "q") {
        must(provider_->enqueue(queue, jobs));
    }
    std::vector<ReceivedJob> receive(std::size_t jobs_max, std::string queue = "q") {
        return must(provider_->receive({.queue = std::move(queue), .jobs_max = jobs_max}));
    }
    /// The only one that comes.
    ReceivedJob take(std::string queue = "q", Milliseconds lease = std::chrono::seconds(30)) {
        auto jobs = must(provider_->receive(
            {.queue = std::move(queue), .lease = lease, .wait = std::chrono::seconds(60)}
        ));
        if (jobs.empty()) throw std::runtime_error("no job came");
        return std::move(jobs.front());
    }
    Result<> settle(const ReceivedJob& job, AttemptOutcome outcome) {
        const Settlement settlement{.receipt = job.receipt, .outcome = std::move(outcome)};
        return must(provider_->settle(job.queue, {&settlement, 1})).front();
    }
    static std::vector<std::string> payloads_of(const std::vector<ReceivedJob>& jobs) {
        std::vector<std::string> payloads;
        for (const ReceivedJob& one : jobs)
            payloads.push_back(one.payload);
        return payloads;
    }

  private:
    const std::string url_;
    std::shared_ptr<Provider> provider_;
    postgres::Connection connection_;
};

}  // namespace tranter::postgres_jobs::test

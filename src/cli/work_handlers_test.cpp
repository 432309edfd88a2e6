#include "cli/work_handlers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::cli {
namespace {

HandlerConfig child_with(unsigned processes) {
    HandlerConfig handler{};
    handler.type = "a";
    handler.child = {"true"};
    handler.processes = processes;
    return handler;
}

/// In a worker that runs eight at a time.
HandlerOptions options_of(const HandlerConfig& handler) {
    ServerConfig config;
    config.handlers = {handler};
    const auto no_variables = [](const std::string&) -> const char* {
        return nullptr;
    };
    const Registry registry = make_registry(config, 8, no_variables);
    return registry.find(handler.type)->options;
}

TEST(WorkHandlersTest, NoMoreJobsOfAPoolBeginThanItHasProcesses) {
    HandlerConfig fewer = child_with(3);
    fewer.concurrency = 2;
    HandlerConfig more = child_with(3);
    more.concurrency = 7;

    EXPECT_EQ(options_of(child_with(3)).concurrency, 3U);
    EXPECT_EQ(options_of(fewer).concurrency, 2U);
    EXPECT_EQ(options_of(more).concurrency, 3U);
}

TEST(WorkHandlersTest, APoolForTheWholeWorkerNeedsNoLimit) {
    EXPECT_EQ(options_of(child_with(0)).concurrency, 0U);
    EXPECT_EQ(options_of(child_with(8)).concurrency, 0U);
    EXPECT_EQ(options_of(child_with(8)).max_parallel_runs, 0U);
}

TEST(WorkHandlersTest, RunsOfAJobHaveAProcessEach) {
    HandlerConfig handler = child_with(4);
    handler.runs = 2;
    EXPECT_EQ(options_of(handler).concurrency, 2U);

    handler.runs = 3;
    EXPECT_EQ(options_of(handler).concurrency, 1U);

    handler.runs = 10;
    EXPECT_EQ(options_of(handler).concurrency, 1U);
    EXPECT_EQ(options_of(handler).max_parallel_runs, 4U);
}

}  // namespace
}  // namespace tranter::cli

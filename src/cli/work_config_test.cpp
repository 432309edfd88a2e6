#include "cli/work_config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace tranter::cli {
namespace {

class WorkConfigTest : public testing::Test {
  public:
    WorkConfigTest() {
        std::ofstream(path_) << "provider = \"http://10.0.0.1:9325\"\n"
                                "[worker]\nqueues = [\"file\"]\nconcurrency = 3\n"
                                "[handlers.a]\nexec = [\"true\"]\n";
    }
    ~WorkConfigTest() override = default;

  protected:
    using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

    Result<WorkConfig> load(Values flags, const std::vector<std::string>& environment = {}) {
        flags["config"] = {path_};
        return load_work_config(Arguments(std::move(flags)), environment);
    }

    const std::string path_ = testing::TempDir() + "work-config-test.toml";
};

TEST_F(WorkConfigTest, ReadsTheFile) {
    const auto work = load({});
    ASSERT_TRUE(work) << work.error().message();
    EXPECT_EQ(work->config.provider, "http://10.0.0.1:9325");
    EXPECT_EQ(work->config.worker.queues, std::vector<WorkerQueue>{"file"});
    EXPECT_EQ(work->concurrency, 3U);
}

TEST_F(WorkConfigTest, LetsVariablesWinOverTheFileAndFlagsOverBoth) {
    const auto by_deployment = load({}, {"EXECUTION_WORKER_CONCURRENCY=5"});
    ASSERT_TRUE(by_deployment);
    EXPECT_EQ(by_deployment->concurrency, 5U);
    const auto by_variable =
        load({}, {"EXECUTION_WORKER_CONCURRENCY=5", "TRANTER_WORKER_CONCURRENCY=6"});
    ASSERT_TRUE(by_variable);
    EXPECT_EQ(by_variable->concurrency, 6U);
    const auto by_flag = load(
        {{"concurrency", {"7"}}, {"queue", {"x", "y"}}, {"provider", {"memory:"}}},
        {"TRANTER_WORKER_CONCURRENCY=6"}
    );
    ASSERT_TRUE(by_flag);
    EXPECT_EQ(by_flag->concurrency, 7U);
    EXPECT_EQ(by_flag->config.worker.queues, (std::vector<WorkerQueue>{"x", "y"}));
    EXPECT_EQ(by_flag->config.provider, "memory:");
}

TEST_F(WorkConfigTest, QueuesHaveWeightsAndAnOrder) {
    const auto work = load({{"queue", {"mail:3", "reports"}}, {"queue-order", {"strict"}}});
    ASSERT_TRUE(work) << work.error().message();
    EXPECT_EQ(work->config.worker.queues, (std::vector<WorkerQueue>{{"mail", 3}, "reports"}));
    EXPECT_EQ(work->config.worker.queue_order, QueueOrder::strict);

    const auto by_variable =
        load({}, {"TRANTER_WORKER_QUEUES=mail:3,reports", "TRANTER_WORKER_QUEUE_ORDER=strict"});
    ASSERT_TRUE(by_variable) << by_variable.error().message();
    EXPECT_EQ(by_variable->config.worker.queues, work->config.worker.queues);
    EXPECT_EQ(by_variable->config.worker.queue_order, QueueOrder::strict);
}

TEST_F(WorkConfigTest, SaysWhichFlagIsWrong) {
    const auto error = [&](const Values& flags) {
        const auto work = load(flags);
        return work ? std::string("accepted") : work.error().message();
    };
    EXPECT_EQ(error({{"lease", {"10ms"}}}), "--lease: is 10ms, it must be 1s to 12h");
    EXPECT_EQ(error({{"queue", {"a", "a"}}}), "worker.queues: names a twice, remove one");
    EXPECT_EQ(
        error({{"queue", {"a:many"}}}),
        "--queue is \"a:many\", write a name, or NAME:WEIGHT with a weight from 1 to 1000"
    );
    EXPECT_TRUE(error({{"provider", {"redis://x"}}}).starts_with("provider: is of a kind"));
    EXPECT_TRUE(error({{"health", {"nowhere"}}}).starts_with("--health: "));
}

TEST(WorkConfigWithoutHandlers, SaysWhereTheyBelong) {
    const auto work = load_work_config(Arguments(), {});
    ASSERT_FALSE(work);
    EXPECT_TRUE(work.error().message().starts_with("there is no handler, name a file"));
}

}  // namespace
}  // namespace tranter::cli

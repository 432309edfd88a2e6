#include "admin/worker_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tranter::admin {
namespace {

using testing::HasSubstr;

class WorkerServiceTest : public testing::Test {
  public:
    ~WorkerServiceTest() override = default;

  protected:
    http::Response get(std::string_view path, std::string_view method = "GET") {
        return service_.answer({.method = method, .target = path, .path = path});
    }

    WorkerFigures figures_{.running = 1, .waiting = 2, .receiving = true};
    WorkerService service_{
        {.version = "1",
         .worker = "w",
         .concurrency = 4,
         .figures =
             [this] {
                 return figures_;
             }},
        Instant{}};
};

TEST_F(WorkerServiceTest, IsReadyWhileItReceives) {
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/readyz").body, "ok\n");
    figures_.receiving = false;
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "the provider does not answer\n");
    EXPECT_EQ(get("/livez").status, 200) << "starting it again would not help";
}

TEST_F(WorkerServiceTest, IsNotAliveWhenItIsStuck) {
    figures_.stuck = true;
    EXPECT_EQ(get("/livez").status, 503);
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_THAT(get("/health").body, HasSubstr(R"("status":"fail")"));
}

TEST_F(WorkerServiceTest, IsNotReadyOnceItDrains) {
    service_.set_draining();
    EXPECT_EQ(get("/readyz").body, "draining\n");
    EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(WorkerServiceTest, CountsAttemptsAndSlots) {
    figures_.counts.completed = 7;
    const std::string metrics = get("/metrics").body;
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_attempts_total{outcome=\"completed\"} 7\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_slots{state=\"busy\"} 1\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_slots{state=\"idle\"} 3\n"));
    EXPECT_THAT(metrics, HasSubstr("tranter_worker_saturation_ratio 0.25\n"));
    EXPECT_THAT(get("/health").body, HasSubstr(R"("running":1,"waiting":2,"concurrency":4)"));
}

TEST_F(WorkerServiceTest, RefusesWhatItDoesNotServe) {
    EXPECT_EQ(get("/nothing").status, 404);
    EXPECT_EQ(get("/livez", "POST").status, 405);
}

}  // namespace
}  // namespace tranter::admin

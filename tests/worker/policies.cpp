// Two policies for tenants and users on a virtual clock: fifty groups, workers that take jobs,
// finish them, give them back and die; after every step exactly as many jobs can be had as the
// limits allow.
#include "fixture.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tranter {
namespace {

struct Policy {
    const char* name;
    QueueLimits limits;
};

std::ostream& operator<<(std::ostream& out, const Policy& policy) {
    return out << policy.name;
}

constexpr Policy one_per_user{
    "OneActiveAndFiveQueuedPerUserFiveInAll",
    {.max_in_flight = 5, .max_in_flight_per_group = 1, .max_queued_per_group = 5}};
constexpr Policy three_per_tenant{
    "ThreePerTenantTwelveInAll", {.max_in_flight = 12, .max_in_flight_per_group = 3}};

class PolicyTest : public testing::TestWithParam<Policy> {
  public:
    PolicyTest() { or_throw(provider_.set_limits("work", limits_)); }
    ~PolicyTest() override = default;

  protected:
    static constexpr int groups = 50;
    static constexpr Milliseconds lease = 30s;

    struct Held {
        std::string receipt{};
        std::string group{};
        TimePoint lease_until{};
        bool worker_lives = true;
    };

    static std::string group(std::uint64_t number) {
        return "group-" + std::to_string(number % groups);
    }

    void enqueue(const std::string& group) {
        NewJob job{.type = "execute"};
        job.options.group = group;
        const auto added = provider_.enqueue("work", std::span(&job, 1));
        const bool is_full =
            limits_.max_queued_per_group > 0 && waiting_[group] >= limits_.max_queued_per_group;
        ASSERT_EQ(added.has_value(), !is_full) << group;
        if (is_full) {
            EXPECT_EQ(added.error().code(), Errc::limit_exceeded);
        } else {
            ++waiting_[group];
            ++enqueued_;
        }
    }

    std::size_t active_of(const std::string& group) const {
        return static_cast<std::size_t>(std::ranges::count(held_, group, &Held::group));
    }

    /// How many jobs can begin now.
    std::size_t possible() const {
        std::size_t free = 0;
        for (const auto& [group, count] : waiting_) {
            const std::size_t places = limits_.max_in_flight_per_group - active_of(group);
            free += std::min<std::size_t>(places, count);
        }
        return std::min(free, limits_.max_in_flight - held_.size());
    }

    void receive(std::size_t wanted) {
        const std::size_t expected = std::min(possible(), wanted);
        const auto jobs =
            or_throw(provider_.receive({.queue = "work", .jobs_max = wanted, .lease = lease}));
        ASSERT_EQ(jobs.size(), expected);
        for (const ReceivedJob& job : jobs) {
            ASSERT_GT(waiting_[job.options.group], 0U);
            --waiting_[job.options.group];
            held_.push_back({job.receipt, job.options.group, job.lease_until});
            EXPECT_LE(active_of(job.options.group), limits_.max_in_flight_per_group);
        }
        EXPECT_LE(held_.size(), limits_.max_in_flight);
    }

    void settle(std::size_t index, const AttemptOutcome& outcome) {
        const Settlement settlement{held_[index].receipt, outcome};
        const auto results = or_throw(provider_.settle("work", std::span(&settlement, 1)));
        ASSERT_TRUE(results.front().has_value()) << results.front().error().message();
        if (std::holds_alternative<Completed>(outcome)) {
            ++completed_;
        } else {
            ++waiting_[held_[index].group];
        }
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    }

    /// Its jobs come back when their leases end, and not earlier.
    void let_leases_end() {
        TimePoint next = TimePoint::max();
        for (const Held& held : held_)
            next = held.worker_lives ? next : std::min(next, held.lease_until);
        if (next == TimePoint::max()) return;
        // Workers that live renew theirs in time.
        renew_all();
        clock_.advance_to(next - std::chrono::microseconds(1));
        renew_all();
        clock_.advance_to(next);
        std::erase_if(held_, [&](const Held& held) {
            const bool has_ended = held.lease_until <= clock_.now();
            if (has_ended) ++waiting_[held.group];
            return has_ended;
        });
    }

    void renew_all() {
        for (Held& held : held_) {
            if (held.worker_lives) renew(held);
        }
    }

    void renew(Held& held) {
        auto extended = or_throw(provider_.extend("work", std::span(&held.receipt, 1), lease));
        held.lease_until = or_throw(std::move(extended.front())).lease_until;
    }

    std::size_t any_that_lives(std::mt19937_64& random) const {
        std::vector<std::size_t> living;
        for (std::size_t i = 0; i < held_.size(); ++i)
            if (held_[i].worker_lives) living.push_back(i);
        return living.empty() ? held_.size() : living[random() % living.size()];
    }

    void step(std::mt19937_64& random) {
        const auto choice = random() % 10;
        if (choice < 3) return enqueue(group(random()));
        if (choice < 6) return receive(1 + random() % 20);
        if (choice == 9) return let_leases_end();
        const std::size_t index = any_that_lives(random);
        if (index == held_.size()) return;
        if (choice == 6) return settle(index, Completed{});
        if (choice == 7) return settle(index, Released{});
        held_[index].worker_lives = false;
        ++crashes_;
    }

    const QueueLimits limits_ = GetParam().limits;
    Client client_{"memory:", {.virtual_time = true}};
    Provider& provider_ = *client_.provider();
    VirtualTime& clock_ = *provider_.virtual_time();
    std::map<std::string, std::uint32_t> waiting_;
    std::vector<Held> held_;
    std::size_t enqueued_ = 0;
    std::size_t completed_ = 0;
    std::size_t crashes_ = 0;
};

TEST_P(PolicyTest, LimitsAreExactAfterAThousandCrashes) {
    std::mt19937_64 random(1);

    while (crashes_ < 1'000) {
        step(random);
        ASSERT_FALSE(HasFatalFailure());
    }
    while (enqueued_ > completed_) {
        receive(100);
        let_leases_end();
        const std::size_t index = any_that_lives(random);
        if (index < held_.size()) settle(index, Completed{});
        ASSERT_FALSE(HasFatalFailure());
    }

    const auto stats = or_throw(provider_.stats("work"));
    EXPECT_EQ(stats.completed, enqueued_);
    EXPECT_EQ(stats.pending + stats.scheduled + stats.processing, 0U);
    for (int i = 0; i < 200; ++i)
        enqueue(group(static_cast<std::uint64_t>(i)));
    receive(100);
    EXPECT_EQ(held_.size(), limits_.max_in_flight);
}

TEST_P(PolicyTest, GroupsTakeTurnsHoweverMuchOneOfThemHas) {
    constexpr std::size_t each = 5;
    const std::size_t flood = limits_.max_queued_per_group == 0 ? 1'000 : each;
    for (std::size_t i = 0; i < flood; ++i)
        enqueue("group-0");
    for (std::uint64_t number = 1; number < groups; ++number)
        for (std::size_t i = 0; i < each; ++i)
            enqueue(group(number));
    Registry handlers;
    std::vector<std::string> order;
    handlers.on("execute", [&](Context& context) { order.push_back(context.group()); });

    const auto counts = Worker(client_, handlers, {.queues = {"work"}}).drain();

    EXPECT_EQ(counts.completed, enqueued_);
    ASSERT_GE(order.size(), groups * each);
    for (std::size_t round = 0; round < each; ++round) {
        const auto begin = order.begin() + static_cast<std::ptrdiff_t>(round * groups);
        const std::set<std::string> turn(begin, begin + groups);
        EXPECT_EQ(turn.size(), groups) << "round " << round;
    }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    PolicyTest,
    testing::Values(one_per_user, three_per_tenant),
    [](const testing::TestParamInfo<Policy>& policy) { return policy.param.name; }
);

}  // namespace
}  // namespace tranter

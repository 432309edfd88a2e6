#include "base/log.hpp"
#include "schedule/registration.hpp"
#include "schedule/test_jobs.hpp"
#include "schedule/test_time.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

// Schedulers on a virtual clock, with chance deciding who works, who dies and when.
namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

// Sanitizers take ten times as long.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int schedules_of_two_years = 40;
#else
constexpr int schedules_of_two_years = 200;
#endif
constexpr TimePoint simulation_begin{std::chrono::sys_days(std::chrono::year(2026) / 3 / 28)};

struct Crash {};

/// A fixed one, so that CI is the same every time; TRANTER_SEED takes another.
std::uint64_t simulation_seed() {
    const char* given = std::getenv("TRANTER_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20'260'328;
    std::printf("TRANTER_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

std::string slot_text(TimePoint slot) {
    return jobs::time_text(slot.time_since_epoch().count(), {1, 1'000'000}).value();
}

class ScheduleSimulation : public testing::Test {
  public:
    ScheduleSimulation() : chance_(simulation_seed()) {
        set_component_log_level("schedule", LogLevel::off);
        jobs_.now = [this] {
            return now_;
        };
    }
    ~ScheduleSimulation() override { set_component_log_level("schedule", LogLevel::info); }
    ScheduleSimulation(const ScheduleSimulation&) = delete;
    ScheduleSimulation& operator=(const ScheduleSimulation&) = delete;

  protected:
    std::int64_t random(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(chance_);
    }
    bool one_in(std::int64_t n) { return random(1, n) == 1; }

    Registry registry() { return {.store = *store_, .zones = zones_}; }

    ScheduleDefinition definition(int number, std::string expression, std::string zone = {}) {
        return {
            .name = "s" + std::to_string(number),
            .expression = std::move(expression),
            .timezone = std::move(zone),
            .queue = "q" + std::to_string(number % 3),
            .type = "t",
            .rules = {.misfire = {.policy = Misfire::run_all, .window = 24h, .cap = 10'000}}};
    }
    void add_schedule(const ScheduleDefinition& one) {
        const auto added = add(registry(), one, ScheduleSource::code, simulation_begin);
        ASSERT_TRUE(added) << added.error().message();
        definitions_.push_back(one);
    }

    std::unique_ptr<Promoter> make_promoter(const Promoter::AtStep& at_step) {
        return std::make_unique<Promoter>(
            *store_, jobs_, zones_, [this] { return now_; }, Promoter::Options{}, at_step
        );
    }

    /// Each schedule made a job of each of its slots until now, and of nothing else.
    void check_all_slots() {
        std::size_t sum = 0;
        auto slots = jobs_.slots();
        for (const ScheduleDefinition& one : definitions_) {
            const Cadence cadence =
                Cadence::parse(one.expression, {.zone = one.timezone}, zones_).value();
            std::vector<std::string> expected;
            UtcMillis slot = to_slot(simulation_begin);
            while (true) {
                const auto next = cadence.next(slot);
                if (!next || *next > now_) break;
                slot = *next;
                expected.push_back(slot_text(slot));
            }
            ASSERT_EQ(slots[one.name], expected) << one.name;
            sum += expected.size();
        }
        EXPECT_EQ(jobs_.jobs.size(), sum);
    }

    TimePoint now_ = simulation_begin;
    std::mt19937_64 chance_;
    ZoneDirectory zones_{};
    std::shared_ptr<ScheduleStore> store_ = open_store("memory:").value();
    test::RecordedJobs jobs_{};
    std::vector<ScheduleDefinition> definitions_{};
};

TEST_F(ScheduleSimulation, NoSlotIsLostOrDoubledWhoeverDiesWhen) {
    constexpr std::size_t slots_wanted = 10'000;
    for (int i = 0; i < 40; ++i)
        add_schedule(definition(i, "every " + std::to_string(random(5, 60)) + " seconds"));
    std::array<std::size_t, 5> crashes{};
    std::optional<Step> dies_at;
    const auto at_step = [&](Step step) {
        if (dies_at != step) return;
        dies_at.reset();
        ++crashes.at(static_cast<std::size_t>(step));
        throw Crash();
    };
    bool dies_in_provider = false;
    jobs_.before = [&](std::string_view, std::span<const NewJob>) -> Result<> {
        if (one_in(20)) return fail(Errc::unavailable, "no answer");
        return {};
    };
    jobs_.after = [&] {
        if (!dies_in_provider) return;
        dies_in_provider = false;
        throw Crash();
    };
    std::array<std::unique_ptr<Promoter>, 3> schedulers;
    while (jobs_.jobs.size() < slots_wanted) {
        auto& scheduler = schedulers.at(static_cast<std::size_t>(random(0, 2)));
        if (!scheduler) scheduler = make_promoter(at_step);
        if (one_in(4)) dies_at = static_cast<Step>(random(0, 4));
        dies_in_provider = one_in(30);
        try {
            ASSERT_TRUE(scheduler->promote());
        } catch (const Crash&) {
            scheduler.reset();
        }
        now_ += std::chrono::milliseconds(random(0, 1500));
        if (one_in(100)) now_ += std::chrono::seconds(random(1, 600));
        if (one_in(100)) now_ -= std::chrono::seconds(random(1, 600));
    }

    // Holds and rests end, and nobody dies any more.
    dies_at.reset();
    dies_in_provider = false;
    jobs_.before = {};
    now_ += 20min;
    const auto last = make_promoter([](Step) {});
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(last->promote());

    check_all_slots();
    EXPECT_GT(jobs_.duplicates, 0U);
    for (const std::size_t count : crashes)
        EXPECT_GT(count, 5U);
    for (const ScheduleDefinition& one : definitions_)
        EXPECT_EQ(store_->find(one.name)->missed, 0U);
}

/// Calls take up to half of a hold, and others work meanwhile. Nobody dies.
TEST_F(ScheduleSimulation, JobsOfASlowProviderComeOnce) {
    constexpr std::size_t slots_wanted = 3'000;
    jobs_.can.atomic_batch = false;  // no call is repeated, and each is of few jobs
    // Many are due at once, and all of them take longer than a hold.
    for (int i = 0; i < 30; ++i)
        add_schedule(definition(i, "every " + std::to_string(random(1, 3) * 5) + " minutes"));
    std::array<std::unique_ptr<Promoter>, 3> schedulers;
    for (auto& scheduler : schedulers)
        scheduler = make_promoter([](Step) {});
    std::vector<bool> works(schedulers.size(), false);
    const auto work = [&](std::size_t index) {
        if (works[index]) return;
        works[index] = true;
        ASSERT_TRUE(schedulers.at(index)->promote());
        works[index] = false;
    };
    bool goes_on = false;  // a call, in the middle of which another one works
    jobs_.before = [&](std::string_view, std::span<const NewJob>) -> Result<> {
        if (!goes_on) {
            goes_on = true;
            const std::chrono::milliseconds takes(random(0, one_in(5) ? 15'000 : 2'000));
            now_ += takes / 2;
            if (one_in(3)) work(static_cast<std::size_t>(random(0, 2)));
            now_ += takes - takes / 2;
            goes_on = false;
        }
        if (one_in(50)) return fail(Errc::unavailable, "no answer");
        return {};
    };
    while (jobs_.jobs.size() < slots_wanted) {
        work(static_cast<std::size_t>(random(0, 2)));
        now_ += std::chrono::milliseconds(random(0, 1500));
    }
    jobs_.before = {};
    now_ += 20min;
    for (int i = 0; i < 1000; ++i)
        work(0);

    check_all_slots();
    EXPECT_EQ(jobs_.duplicates, 0U);
}

TEST_F(ScheduleSimulation, JobsForLaterAreEnqueuedOnceAndNeverEarlyWhoeverDiesWhen) {
    constexpr int jobs_wanted = 2000;
    std::vector<ScheduledJob> wanted;
    for (int i = 0; i < jobs_wanted; ++i) {
        wanted.push_back(
            {.id = job_id_of({"later", TimePoint(TimePoint::duration(i)), false}),
             .queue = "q",
             .type = "t",
             .payload = "null",
             .due = simulation_begin + std::chrono::seconds(random(0, 100'000))}
        );
    }
    ASSERT_TRUE(store_->add_jobs(wanted));
    std::optional<Step> dies_at;
    const auto at_step = [&](Step step) {
        if (dies_at != step) return;
        dies_at.reset();
        throw Crash();
    };
    while (now_ < simulation_begin + std::chrono::seconds(101'000)) {
        const auto scheduler = make_promoter(at_step);
        if (one_in(3)) dies_at = static_cast<Step>(random(2, 4));
        try {
            ASSERT_TRUE(scheduler->move_timers());
        } catch (const Crash&) {
            now_ += 1ms;
        }
        now_ += std::chrono::milliseconds(random(0, 200'000));
    }
    dies_at.reset();
    now_ += 20min;
    const auto last = make_promoter([](Step) {});
    while (last->move_timers().value()) {
    }

    ASSERT_EQ(jobs_.jobs.size(), static_cast<std::size_t>(jobs_wanted));
    for (const ScheduledJob& job : wanted) {
        EXPECT_GE(jobs_.jobs.at(job.id).at, job.due);
        EXPECT_EQ(store_->find_job(job.id)->state, ScheduledState::enqueued);
    }
}

TEST_F(ScheduleSimulation, TwoYearsInEightZonesAreWhatAFreshStartWouldSay) {
    constexpr std::array zones = {
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "America/Havana",
        "Africa/Cairo",
        "Pacific/Chatham",
        "Antarctica/Troll",
        "UTC"};
    for (int i = 0; i < schedules_of_two_years; ++i) {
        const std::string minute = std::to_string(random(0, 59));
        const std::string hour = std::to_string(random(0, 4));
        std::string expression = minute + " " + hour + " * * *";
        if (i % 3 == 1) expression = minute + " " + hour + " * * " + std::to_string(random(0, 6));
        if (i % 3 == 2) expression = minute + " " + hour + " L * *";
        if (i % 40 == 0) expression = "*/30 1-3 * * SUN";
        if (i % 40 == 1) expression = "every 1000 minutes between 01:00 and 03:00";
        add_schedule(definition(i, expression, zones.at(static_cast<std::size_t>(i) % 8)));
    }
    const TimePoint end = simulation_begin + std::chrono::days(731);
    auto scheduler = make_promoter([](Step) {});
    while (true) {
        const auto next = store_->next_work().value().recurring;
        if (!next || *next > end) break;
        ASSERT_GT(*next, now_);
        now_ = *next;
        if (one_in(500)) {
            scheduler = make_promoter([](Step) {});
            ASSERT_TRUE(scheduler->refresh());
        }
        ASSERT_TRUE(scheduler->promote());
    }
    now_ = end;

    check_all_slots();
    EXPECT_GT(jobs_.jobs.size(), 250U * schedules_of_two_years);
    EXPECT_EQ(jobs_.duplicates, 0U);
    for (const auto& [id, job] : jobs_.jobs) {
        const std::string at = std::string(slot_tag) + slot_text(job.at);
        EXPECT_EQ(job.job.options.tags.back(), at);
    }
}

/// Half count from their registration, at odd moments, half from the end of the job before.
TEST_F(ScheduleSimulation, AnchorsHoldWhoeverDiesWhen) {
    constexpr std::size_t jobs_wanted = 3000;
    for (int i = 0; i < 20; ++i) {
        ScheduleDefinition one =
            definition(i, "every " + std::to_string(random(5, 60)) + " seconds");
        one.rules.anchor =
            i % 2 == 0 ? IntervalAnchor::registration : IntervalAnchor::after_completion;
        if (i % 2 != 0) one.rules.misfire = {.window = 24h};
        now_ += std::chrono::milliseconds(random(1, 5000));
        ASSERT_TRUE(add(registry(), one, ScheduleSource::code, now_));
        definitions_.push_back(one);
    }
    std::map<std::string, TimePoint> ends;  // of jobs, by id
    std::optional<Step> dies_at;
    const auto at_step = [&](Step step) {
        if (dies_at != step) return;
        dies_at.reset();
        throw Crash();
    };
    std::array<std::unique_ptr<Promoter>, 3> schedulers;
    while (jobs_.jobs.size() < jobs_wanted) {
        for (auto& [id, job] : jobs_.jobs) {
            if (job.finished_at) continue;
            const auto [end, fresh] =
                ends.try_emplace(id, job.at + std::chrono::milliseconds(random(0, 90'000)));
            if (end->second > now_) continue;
            job.finished_at = end->second;
            job.state = one_in(5) ? JobState::dead : JobState::completed;
        }
        auto& scheduler = schedulers.at(static_cast<std::size_t>(random(0, 2)));
        if (!scheduler) scheduler = make_promoter(at_step);
        if (one_in(4)) dies_at = static_cast<Step>(random(0, 4));
        try {
            ASSERT_TRUE(scheduler->promote());
        } catch (const Crash&) {
            scheduler.reset();
        }
        now_ += std::chrono::milliseconds(random(0, 1500));
        if (one_in(200)) now_ += std::chrono::seconds(random(1, 600));
    }

    for (const ScheduleDefinition& one : definitions_) {
        const Schedule schedule = store_->find(one.name).value();
        const auto period = Cadence::parse(one.expression, {}, zones_)->period().value();
        std::vector<const test::RecordedJobs::Job*> ours;
        for (const std::string& id : jobs_.order) {
            const auto& job = jobs_.jobs.at(id);
            const auto& tags = job.job.options.tags;
            if (tags.front() == std::string(schedule_tag) + one.name) ours.push_back(&job);
        }
        ASSERT_GT(ours.size(), 10U) << one.name;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            const auto slot = jobs::parse_time_count(
                ours[i]->job.options.tags.back().substr(slot_tag.size()), {1, 1'000'000}
            );
            const TimePoint at{TimePoint::duration(slot.value())};
            EXPECT_GE(ours[i]->at, at);
            if (one.rules.anchor == IntervalAnchor::registration) {
                EXPECT_EQ((at - schedule.created_at) % period, 0us) << one.name;
            } else if (i > 0) {
                ASSERT_TRUE(ours[i - 1]->finished_at) << one.name;
                EXPECT_GE(at, *ours[i - 1]->finished_at + period) << one.name;
            }
        }
    }
}

}  // namespace
}  // namespace tranter::schedule

#pragma once

#include "jobs/test_provider.hpp"
#include "schedule/promoter.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::schedule::test {

/// A store of jobs that knows ids and states, and does what a test says. One thread.
class RecordedJobs final : public NoProvider {
  public:
    RecordedJobs() { can.look_up = can.priorities = can.groups = true; }

    struct Job {
        std::string queue{};
        NewJob job{};
        TimePoint at{};
        JobState state = JobState::pending;
        std::optional<TimePoint> finished_at{};
    };

    Result<std::vector<Enqueued>> enqueue(std::string_view queue, std::span<const NewJob> batch)
        override {
        ++calls;
        if (before) {
            if (auto ok = before(queue, batch); !ok) return std::unexpected(ok.error());
        }
        std::vector<Enqueued> answers;
        for (const NewJob& job : batch) {
            const auto [found, fresh] =
                jobs.try_emplace(job.id, Job{std::string(queue), job, now ? now() : TimePoint()});
            if (fresh) {
                order.push_back(job.id);
            } else {
                ++duplicates;
            }
            answers.push_back({.id = job.id, .duplicate_of = fresh ? std::string() : job.id});
        }
        if (after) after();
        return answers;
    }
    Result<JobRecord> find(std::string_view id) override {
        if (find_error) return std::unexpected(*find_error);
        const auto found = jobs.find(std::string(id));
        if (found == jobs.end()) return fail(Errc::not_found, "no such job");
        return JobRecord{
            .id = std::string(id),
            .state = found->second.state,
            .finished_at = found->second.finished_at};
    }
    Result<Cancelled> cancel(std::string_view id) override {
        cancelled.emplace_back(id);
        return Cancelled::requested;
    }

    /// The slots that became jobs, as RFC 3339 and in order, by schedule.
    std::map<std::string, std::vector<std::string>> slots() const {
        std::map<std::string, std::vector<std::string>> out;
        for (const auto& [id, job] : jobs) {
            const auto& tags = job.job.options.tags;
            const auto named = [&](std::string_view prefix) {
                const auto found = std::ranges::find_if(tags, [&](const std::string& tag) {
                    return tag.starts_with(prefix);
                });
                return found == tags.end() ? std::string() : found->substr(prefix.size());
            };
            out[named(schedule_tag)].push_back(named(slot_tag));
        }
        for (auto& [name, all] : out)
            std::ranges::sort(all);
        return out;
    }

    std::map<std::string, Job> jobs{};
    std::vector<std::string> order{};
    std::vector<std::string> cancelled{};
    std::size_t duplicates = 0;
    std::size_t calls = 0;
    std::optional<Error> find_error{};
    std::function<TimePoint()> now{};
    std::function<Result<>(std::string_view queue, std::span<const NewJob>)> before{};
    std::function<void()> after{};
};

}  // namespace tranter::schedule::test

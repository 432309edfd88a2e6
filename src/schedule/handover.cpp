#include "schedule/handover.hpp"

#include "jobs/supported.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>

namespace tranter::schedule {
namespace {

constexpr std::size_t call_jobs_max = 1000;
/// Of a call that is not all or nothing it is not known which of its jobs were taken when it fails:
/// what is then enqueued again may be there twice, so it should be little.
constexpr std::size_t partial_call_jobs_max = 10;

using Answers = std::vector<Result<Enqueued>>;

/// What a job has wrong in itself, or asks for and the provider cannot do.
Result<> check_job(const Provider& provider, const NewJob& job) {
    if (auto problem = problem_of(job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    if (auto problem = jobs::what_is_unsupported(job, provider); !problem.empty()) {
        return fail(Errc::unsupported, std::move(problem));
    }
    return {};
}

bool may_be_one_job(Errc code) {
    return code == Errc::invalid_argument || code == Errc::unsupported ||
           code == Errc::limit_exceeded || code == Errc::already_exists;
}

void enqueue_some(
    Provider& provider,
    const std::string& queue,
    std::span<const NewJob> jobs,
    std::span<const std::size_t> places,
    Answers& answers
) {
    auto enqueued = provider.enqueue(queue, jobs);
    if (enqueued && enqueued->size() == jobs.size()) {
        for (std::size_t i = 0; i < jobs.size(); ++i)
            answers[places[i]] = std::move((*enqueued)[i]);
        return;
    }
    if (enqueued) {
        enqueued = fail(
            Errc::internal,
            fmt::format("{} jobs were enqueued and {} answers came", jobs.size(), enqueued->size())
        );
    }
    if (jobs.size() > 1 && may_be_one_job(enqueued.error().code())) {
        for (std::size_t i = 0; i < jobs.size(); ++i)
            enqueue_some(provider, queue, jobs.subspan(i, 1), places.subspan(i, 1), answers);
        return;
    }
    for (const std::size_t place : places)
        answers[place] = std::unexpected(enqueued.error());
}

}  // namespace

std::vector<Result<Enqueued>> hand_over(Provider& provider, std::span<const Parcel> parcels) {
    Answers answers(parcels.size());
    std::map<std::string, std::vector<std::size_t>> by_queue;
    for (std::size_t i = 0; i < parcels.size(); ++i) {
        if (auto checked = check_job(provider, parcels[i].job); !checked) {
            answers[i] = std::unexpected(checked.error());
        } else {
            by_queue[parcels[i].queue].push_back(i);
        }
    }
    const Capabilities can = provider.capabilities();
    const std::size_t most =
        std::min(can.atomic_batch ? call_jobs_max : partial_call_jobs_max, can.batch_max);
    for (const auto& [queue, all] : by_queue) {
        std::span<const std::size_t> places(all);
        while (!places.empty()) {
            const auto some = places.first(std::min(most, places.size()));
            std::vector<NewJob> jobs;
            jobs.reserve(some.size());
            for (const std::size_t place : some)
                jobs.push_back(parcels[place].job);
            enqueue_some(provider, queue, jobs, some, answers);
            places = places.subspan(some.size());
        }
    }
    return answers;
}

}  // namespace tranter::schedule

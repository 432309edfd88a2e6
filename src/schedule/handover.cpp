#include "schedule/handover.hpp"

#include "base/log.hpp"
#include "jobs/supported.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::size_t call_jobs_max = 1000;

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

/// Parcels on their way, and what became of them.
class HandOver {
  public:
    HandOver(
        Provider& provider,
        std::span<const Parcel> parcels,
        const std::function<TimePoint()>& now,
        EnqueueJointly jointly
    )
        : provider_(provider),
          parcels_(parcels),
          now_(now),
          jointly_(std::move(jointly)),
          begin_(now()),
          out_(parcels.size()) {}

    std::vector<HandedOver> run() {
        std::map<std::string, std::vector<std::size_t>> by_queue;
        for (std::size_t i = 0; i < parcels_.size(); ++i) {
            if (auto checked = check_job(provider_, parcels_[i].job); !checked) {
                out_[i] = {.begun = true, .answer = std::unexpected(checked.error())};
            } else {
                by_queue[parcels_[i].queue].push_back(i);
            }
        }
        const Capabilities& can = provider_.capabilities();
        const std::size_t most = std::clamp<std::size_t>(
            can.atomic_batch ? call_jobs_max : can.partial_batch, 1, can.batch_max
        );
        for (const auto& [queue, all] : by_queue) {
            for (std::span<const std::size_t> rest(all); !rest.empty();) {
                const auto some = rest.first(std::min(most, rest.size()));
                enqueue_some(queue, some);
                rest = rest.subspan(some.size());
            }
        }
        return std::move(out_);
    }

  private:
    std::vector<std::size_t> those_in_time(std::span<const std::size_t> places) const {
        const TimePoint now = now_();
        std::vector<std::size_t> in_time;
        for (const std::size_t place : places) {
            if (now >= begin_ && now < parcels_[place].begin_before) in_time.push_back(place);
        }
        return in_time;
    }

    void enqueue_some(const std::string& queue, std::span<const std::size_t> wanted) {
        const auto places = those_in_time(wanted);
        if (places.empty() || enqueue_jointly(queue, places)) return;
        std::vector<NewJob> jobs;
        jobs.reserve(places.size());
        for (const std::size_t place : places)
            jobs.push_back(parcels_[place].job);
        auto answers = provider_.enqueue_each(queue, jobs);
        const Error silent(Errc::internal, "the store did not answer for all");
        answers.resize(places.size(), std::unexpected(silent));
        const bool refused = std::ranges::all_of(answers, [](const Result<Enqueued>& answer) {
            return !answer && may_be_one_job(answer.error().code());
        });
        if (refused && places.size() > 1) {
            for (const std::size_t place : places)
                enqueue_some(queue, {&place, 1});
            return;
        }
        for (std::size_t i = 0; i < places.size(); ++i)
            out_[places[i]] = {.begun = true, .answer = std::move(answers[i])};
    }

    /// False: that is not possible.
    bool enqueue_jointly(const std::string& queue, std::span<const std::size_t> places) {
        if (!jointly_) return false;
        auto answers = jointly_(queue, places);
        if (!answers && answers.error().code() == Errc::permission_denied) {
            log_warn(
                "schedule",
                "the user of the store of schedules may not enqueue, so the provider does",
                {{"error", answers.error().message()}}
            );
            jointly_ = {};
            return false;
        }
        if (!answers && may_be_one_job(answers.error().code()) && places.size() > 1) {
            const std::size_t half = places.size() / 2;
            enqueue_some(queue, places.first(half));
            enqueue_some(queue, places.subspan(half));
            return true;
        }
        for (std::size_t i = 0; i < places.size(); ++i) {
            HandedOver& out = out_[places[i]];
            if (!answers) {
                out = {.begun = true, .answer = std::unexpected(answers.error())};
            } else if (auto& one = (*answers)[i]; one) {
                out = {.begun = true, .written = true, .answer = std::move(*one)};
            } else {
                out = {.written = true};
            }
        }
        return true;
    }

    Provider& provider_;
    const std::span<const Parcel> parcels_;
    const std::function<TimePoint()>& now_;
    EnqueueJointly jointly_;
    const TimePoint begin_;
    std::vector<HandedOver> out_;
};

}  // namespace

std::vector<HandedOver> hand_over(
    Provider& provider,
    std::span<const Parcel> parcels,
    const std::function<TimePoint()>& now,
    EnqueueJointly jointly
) {
    return HandOver(provider, parcels, now, std::move(jointly)).run();
}

}  // namespace tranter::schedule

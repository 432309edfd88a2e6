#include "jobs/job_of_request.hpp"
#include "jobs/supported.hpp"

#include <tranter/client.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <map>

namespace tranter {

namespace {

/// Which of several it is about.
Error about(std::size_t index, std::size_t count, const Error& error) {
    if (count == 1) return error;
    return {error.code(), fmt::format("job {} of {}: {}", index + 1, count, error.message())};
}

Result<> check(const NewJob& job, const Provider& provider) {
    if (auto problem = problem_of(job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    if (auto problem = jobs::what_is_unsupported(job, provider); !problem.empty()) {
        return fail(Errc::unsupported, std::move(problem));
    }
    return {};
}

Result<std::vector<Enqueued>> pass_on(
    std::span<const EnqueueMiddleware> layers, Provider& provider, EnqueueCall& call
) {
    if (layers.empty()) return jobs::enqueue_in_batches(provider, call.queue, call.jobs);
    return layers.front(
    )(call, [&](EnqueueCall& changed) { return pass_on(layers.subspan(1), provider, changed); });
}

Result<std::vector<Enqueued>> send(
    std::span<const EnqueueMiddleware> layers, Provider& provider, EnqueueCall call
) {
    for (std::size_t i = 0; i < call.jobs.size(); ++i) {
        if (auto ok = check(call.jobs[i], provider); !ok) {
            return std::unexpected(about(i, call.jobs.size(), ok.error()));
        }
    }
    const std::size_t count = call.jobs.size();
    auto answers = pass_on(layers, provider, call);
    if (answers && answers->size() != count) {
        return fail(
            Errc::internal,
            fmt::format("{} jobs were enqueued and {} answers came", count, answers->size())
        );
    }
    return answers;
}

/// The jobs of one queue, and which of all they are.
struct Share {
    EnqueueCall call{};
    std::vector<std::size_t> places{};
};

std::vector<Share> by_queue(std::vector<JobRequest> requests) {
    std::vector<Share> shares;
    std::map<std::string, std::size_t> place_of;
    std::size_t last = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const std::string queue = jobs::take_queue(requests[i]);
        if (shares.empty() || shares[last].call.queue != queue) {
            const auto [found, is_new] = place_of.try_emplace(queue, shares.size());
            if (is_new) shares.push_back({.call = {.queue = queue}});
            last = found->second;
        }
        shares[last].call.jobs.push_back(jobs::to_job(std::move(requests[i])));
        shares[last].places.push_back(i);
    }
    return shares;
}

}  // namespace

Client::Client(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {
    if (!provider_) throw Exception(Error(Errc::invalid_argument, "a client needs a provider"));
}

Result<JobHandle> Client::enqueue(JobRequest request) const {
    if (auto json = jobs::make_sure_it_is_json(request); !json)
        return std::unexpected(json.error());
    return send_one(std::move(request));
}

Result<std::vector<JobHandle>> Client::enqueue_all(std::vector<JobRequest> requests) const {
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (auto json = jobs::make_sure_it_is_json(requests[i]); !json) {
            return std::unexpected(about(i, requests.size(), json.error()));
        }
    }
    return send_all(std::move(requests));
}

Result<JobHandle> Client::send_one(JobRequest request) const {
    EnqueueCall call{.queue = jobs::take_queue(request)};
    call.jobs.push_back(jobs::to_job(std::move(request)));
    auto answers = send(layers_, *provider_, std::move(call));
    if (!answers) return std::unexpected(std::move(answers.error()));
    return JobHandle(provider_, std::move(answers->front()));
}

Result<std::vector<JobHandle>> Client::send_all(std::vector<JobRequest> requests) const {
    std::vector<JobHandle> handles(requests.size(), JobHandle(provider_, {}));
    for (Share& share : by_queue(std::move(requests))) {
        auto answers = send(layers_, *provider_, std::move(share.call));
        if (!answers) return std::unexpected(std::move(answers.error()));
        for (std::size_t i = 0; i < share.places.size(); ++i) {
            handles[share.places[i]] = JobHandle(provider_, std::move((*answers)[i]));
        }
    }
    return handles;
}

void Client::use(EnqueueMiddleware layer) {
    if (!layer) throw Exception(Error(Errc::invalid_argument, "the middleware is empty"));
    layers_.push_back(std::move(layer));
}

JobHandle Client::job(std::string id) const {
    return {provider_, {.id = std::move(id)}};
}

Result<JobRecord> Client::find(std::string_view id) const {
    return provider_->find(id);
}

Result<LogPage> Client::log_of(std::string_view id) const {
    return provider_->log_of(id);
}

Result<JobPage> Client::list(const ListRequest& request) const {
    return provider_->list(request);
}

Result<Cancelled> Client::cancel(std::string_view id) const {
    return provider_->cancel(id);
}

Result<> Client::retry(std::string_view id) const {
    return provider_->retry(id);
}

Result<> Client::promote(std::string_view id) const {
    return provider_->promote(id);
}

Result<JobRecord> Client::wait(std::string_view id, Milliseconds timeout) const {
    return provider_->wait(id, timeout);
}

Result<std::vector<QueueStats>> Client::queues() const {
    return provider_->queues();
}

Result<QueueStats> Client::stats(std::string_view queue) const {
    return provider_->stats(queue);
}

Result<> Client::pause(std::string_view queue) const {
    return provider_->set_paused(queue, true);
}

Result<> Client::resume(std::string_view queue) const {
    return provider_->set_paused(queue, false);
}

Result<> Client::set_limits(std::string_view queue, const QueueLimits& limits) const {
    return provider_->set_limits(queue, limits);
}

Result<std::vector<std::string>> Client::waiting_payloads(std::string_view type) const {
    std::vector<std::string> payloads;
    ListRequest request{
        .filter = fmt::format("type:{} state:pending,scheduled", type), .jobs_max = 1000};
    do {
        auto page = provider_->list(request);
        if (!page) return std::unexpected(std::move(page.error()));
        for (JobRecord& job : page->jobs) {
            if (job.attempt == 0) payloads.push_back(std::move(job.payload));
        }
        request.cursor = std::move(page->next);
    } while (!request.cursor.empty());
    return payloads;
}

Result<JobRecord> JobHandle::find() const {
    return provider_->find(id());
}

Result<JobRecord> JobHandle::wait_for(Milliseconds timeout) const {
    return provider_->wait(id(), timeout);
}

}  // namespace tranter

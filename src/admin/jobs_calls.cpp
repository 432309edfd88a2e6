#include "admin/jobs_api.hpp"
#include "admin/jobs_checks.hpp"
#include "admin/jobs_reply.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/wire.hpp"
#include "jobs/wire_json.hpp"

#include <tranter/payload.hpp>

#include <utility>

// The calls that may block.
namespace tranter::admin {
namespace {

namespace wire = jobs::wire;

template <class T>
http::Response answer(const Result<T>& result) {
    if (!result) return problem_reply(result.error());
    auto text = to_json(*result);
    return text ? json_reply(200, std::move(*text)) : problem_reply(text.error());
}

}  // namespace

http::Response JobsApi::extend(const JobCall& call) {
    auto request = jobs::read_extend_request(call.body);
    if (!request) return problem_reply(request.error());
    auto checked = check_count("receipts", request->receipts.size());
    if (checked) checked = check_lease(request->lease);
    if (!checked) return problem_reply(checked.error());
    const auto results = provider_.extend(call.queue, request->receipts, request->lease);
    if (!results) return problem_reply(results.error());
    if (request->single && results->size() == 1) return answer(results->front());
    return json_reply(200, jobs::write_extended(*results));
}

http::Response JobsApi::set_progress(const JobCall& call) {
    const auto body = jobs::from_json_strictly<wire::Progress>(call.body);
    if (!body) return problem_reply(body.error());
    return answer_done(provider_.set_progress(call.queue, body->receipt, body->progress.text()));
}

http::Response JobsApi::append_log(const JobCall& call) {
    const auto body = jobs::from_json_strictly<wire::LogLines>(call.body);
    if (!body) return problem_reply(body.error());
    return answer_done(provider_.append_log(call.queue, body->receipt, body->lines));
}

http::Response JobsApi::save_step(const JobCall& call) {
    auto body = jobs::from_json_strictly<wire::SaveStep>(call.body);
    if (!body) return problem_reply(body.error());
    const Step step{.name = std::move(body->name), .result = body->result.text()};
    return answer_done(provider_.save_step(call.queue, body->receipt, step));
}

http::Response JobsApi::list(const JobCall& call) {
    const auto request = read_list(call);
    if (!request) return problem_reply(request.error());
    const auto page = provider_.list(*request);
    return page ? json_reply(200, jobs::write_job_page(*page)) : problem_reply(page.error());
}

http::Response JobsApi::find(const JobCall& call) {
    const auto job = provider_.find(call.id);
    return job ? json_reply(200, jobs::write_job_record(*job)) : problem_reply(job.error());
}

http::Response JobsApi::log(const JobCall& call) {
    return answer(provider_.log_of(call.id));
}

http::Response JobsApi::cancel(const JobCall& call) {
    const auto cancelled = provider_.cancel(call.id);
    if (!cancelled) return problem_reply(cancelled.error());
    return answer(Result<wire::CancelAnswer>({.cancelled = *cancelled}));
}

http::Response JobsApi::retry(const JobCall& call) {
    return answer_done(provider_.retry(call.id));
}

http::Response JobsApi::promote(const JobCall& call) {
    return answer_done(provider_.promote(call.id));
}

http::Response JobsApi::remove(const JobCall& call) {
    return answer_done(provider_.remove(call.id));
}

http::Response JobsApi::workers(const JobCall&) {
    auto workers = provider_.workers();
    if (!workers) return problem_reply(workers.error());
    return answer(Result<wire::Workers>({.workers = std::move(*workers)}));
}

http::Response JobsApi::queues(const JobCall&) {
    auto queues = provider_.queues();
    if (!queues) return problem_reply(queues.error());
    return answer(Result<wire::Queues>({.queues = std::move(*queues)}));
}

http::Response JobsApi::stats(const JobCall& call) {
    return answer(provider_.stats(call.queue));
}

http::Response JobsApi::pause(const JobCall& call) {
    return set_paused(call, true);
}

http::Response JobsApi::resume(const JobCall& call) {
    return set_paused(call, false);
}

http::Response JobsApi::set_paused(const JobCall& call, bool paused) {
    const auto done = provider_.set_paused(call.queue, paused);
    return done ? stats(call) : problem_reply(done.error());
}

http::Response JobsApi::set_limits(const JobCall& call) {
    const auto limits = jobs::from_json_strictly<QueueLimits>(call.body);
    if (!limits) return problem_reply(limits.error());
    const auto done = provider_.set_limits(call.queue, *limits);
    return done ? stats(call) : problem_reply(done.error());
}

http::Response JobsApi::info(const JobCall&) {
    const wire::ServerInfo info{
        .name = "tranter", .version = options_.version, .capabilities = provider_.capabilities()};
    return answer(Result<wire::ServerInfo>(info));
}

http::Response JobsApi::openapi(const JobCall&) {
    return json_reply(200, openapi_document(options_.version));
}

}  // namespace tranter::admin

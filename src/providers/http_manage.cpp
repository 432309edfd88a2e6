#include "base/encoding.hpp"
#include "jobs/wire.hpp"
#include "jobs/wire_json.hpp"
#include "providers/http_store.hpp"

#include <fmt/format.h>

// Looking at jobs and queues, and changing them.
namespace tranter::providers {
namespace {

using Repeat = HttpCall::Repeat;

// Who asks for them does not expect to wait.
constexpr Duration capabilities_timeout = std::chrono::seconds(5);

/// What it is until the server has said.
Capabilities usual_capabilities() {
    Capabilities all;
    all.look_up = all.list = all.history = all.priorities = all.groups = all.dedup = true;
    all.ttl = all.cancel_running = all.progress = all.steps = true;
    all.pause = all.limits = all.events = all.workers = all.atomic_batch = true;
    return all;
}

}  // namespace

std::string HttpStore::queue_path(std::string_view queue, std::string_view action) {
    std::string path = "/v1/queues/";
    append_percent_encoded(path, queue);
    if (!action.empty()) path.append("/").append(action);
    return path;
}

std::string HttpStore::job_path(std::string_view id, std::string_view action) {
    std::string path = "/v1/jobs/";
    append_percent_encoded(path, id);
    if (!action.empty()) path.append("/").append(action);
    return path;
}

Result<std::string> HttpStore::get(std::string path) const {
    auto answer = link_.call({.path = std::move(path), .repeat = Repeat::yes});
    if (!answer) return std::unexpected(std::move(answer.error()));
    return std::move(answer->body);
}

Result<> HttpStore::send(
    std::string_view method, std::string path, std::string body, Repeat repeat
) {
    const auto answer = link_.call(
        {.method = method, .path = std::move(path), .body = std::move(body), .repeat = repeat}
    );
    if (!answer) return std::unexpected(answer.error());
    return {};
}

const Capabilities& HttpStore::capabilities() const {
    static const Capabilities usual = usual_capabilities();
    const std::lock_guard lock(mutex_);
    if (capabilities_) return *capabilities_;
    const auto answer = link_.call({.path = "/v1", .timeout = capabilities_timeout});
    if (!answer) return usual;
    const auto info = jobs::from_json_of_server<jobs::wire::ServerInfo>(answer->body);
    if (!info) return usual;
    return capabilities_.emplace(info->capabilities);
}

Result<JobRecord> HttpStore::find(std::string_view id) {
    const auto body = get(job_path(id, {}));
    if (!body) return std::unexpected(body.error());
    return jobs::read_job_record(*body);
}

Result<LogPage> HttpStore::log_of(std::string_view id) {
    return get_as<LogPage>(job_path(id, "log"));
}

Result<JobPage> HttpStore::list(const ListRequest& request) {
    std::string path = fmt::format("/v1/jobs?limit={}", request.jobs_max);
    for (const auto& [name, value] :
         {std::pair("&filter=", &request.filter),
          std::pair("&cursor=", &request.cursor),
          std::pair("&dead_letter_queue=", &request.dead_letter_queue)}) {
        if (value->empty()) continue;
        path += name;
        append_percent_encoded(path, *value);
    }
    const auto body = get(std::move(path));
    if (!body) return std::unexpected(body.error());
    return jobs::read_job_page(*body);
}

Result<Cancelled> HttpStore::cancel(std::string_view id) {
    const auto answer = link_.call({.method = "POST", .path = job_path(id, "cancel")});
    if (!answer) return std::unexpected(answer.error());
    const auto read = jobs::from_json_of_server<jobs::wire::CancelAnswer>(answer->body);
    if (!read) return std::unexpected(read.error());
    return read->cancelled;
}

Result<> HttpStore::retry(std::string_view id) {
    return send("POST", job_path(id, "retry"), {}, Repeat::no);
}

Result<> HttpStore::promote(std::string_view id) {
    return send("POST", job_path(id, "promote"), {}, Repeat::no);
}

Result<> HttpStore::remove(std::string_view id) {
    return send("DELETE", job_path(id, {}), {}, Repeat::no);
}

Result<std::vector<WorkerInfo>> HttpStore::workers() {
    auto read = get_as<jobs::wire::Workers>("/v1/workers");
    if (!read) return std::unexpected(std::move(read.error()));
    return std::move(read->workers);
}

Result<std::vector<QueueStats>> HttpStore::queues() {
    auto read = get_as<jobs::wire::Queues>("/v1/queues");
    if (!read) return std::unexpected(std::move(read.error()));
    return std::move(read->queues);
}

Result<QueueStats> HttpStore::stats(std::string_view queue) {
    return get_as<QueueStats>(queue_path(queue, {}));
}

Result<> HttpStore::set_paused(std::string_view queue, bool paused) {
    return send("POST", queue_path(queue, paused ? "pause" : "resume"), {}, Repeat::yes);
}

Result<> HttpStore::set_limits(std::string_view queue, const QueueLimits& limits) {
    auto body = to_json(limits);
    if (!body) return std::unexpected(std::move(body.error()));
    return send("PUT", queue_path(queue, "limits"), std::move(*body), Repeat::yes);
}

}  // namespace tranter::providers

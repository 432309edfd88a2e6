#include "telemetry/tracer.hpp"

#include "base/random.hpp"
#include "jobs/problem.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tranter::telemetry {

namespace {

/// A job that begins later than that has a trace of its own, with a link: what waits for so long
/// is no part of what somebody waited for.
constexpr auto same_trace_max = std::chrono::minutes(10);
/// Member of tracestate: the job was enqueued together with others, so it links too.
constexpr std::string_view batch_state = "tranter=batch";
constexpr std::size_t links_max = 128;

template <class Id>
Id make_id() {
    Id id{};
    static_assert(sizeof(Id) % sizeof(std::uint64_t) == 0);
    while (std::ranges::all_of(id, [](std::uint8_t byte) { return byte == 0; })) {
        for (std::size_t at = 0; at < id.size(); at += sizeof(std::uint64_t)) {
            const std::uint64_t word = random_word();
            std::memcpy(id.data() + at, &word, sizeof word);
        }
    }
    return id;
}

/// A span below `parent`, or the first of a trace.
TraceContext make_context(const Sampler& sampler, const TraceContext* parent) {
    TraceContext context{
        .trace_id = parent != nullptr ? parent->trace_id : make_id<TraceId>(),
        .span_id = make_id<SpanId>()};
    context.sampled = sampler.samples(context.trace_id, parent);
    return context;
}

std::string system_of(const Provider& provider) {
    return provider.name() == "sqs" ? "aws_sqs" : "tranter";
}

bool is_of_batch(std::string_view tracestate) {
    return tracestate.starts_with(batch_state) &&
           (tracestate.size() == batch_state.size() || tracestate[batch_state.size()] == ',');
}

std::string without_batch(const std::string& tracestate) {
    if (!is_of_batch(tracestate)) return tracestate;
    return tracestate.substr(std::min(batch_state.size() + 1, tracestate.size()));
}

std::string with_batch(const std::string& tracestate) {
    if (is_of_batch(tracestate)) return tracestate;
    if (tracestate.empty()) return std::string(batch_state);
    std::string out = std::string(batch_state) + "," + tracestate;
    return out.size() > jobs::tracestate_bytes_max ? std::string(batch_state) : out;
}

Instant to_instant(TimePoint when) {
    return Instant(when.time_since_epoch());
}

void describe(Span& span, std::string_view operation, std::string system, std::string_view queue) {
    const auto add = [&span](const char* name, std::string value) {
        span.attributes.emplace_back(name, std::move(value));
    };
    span.name = std::string(operation) + " " + std::string(queue);
    add("messaging.system", std::move(system));
    add("messaging.operation.name", std::string(operation));
    add("messaging.operation.type", std::string(operation));
    add("messaging.destination.name", std::string(queue));
}

/// Puts the jobs into the span; those of other traces stay in theirs, and the span names them.
void put_into(Span& span, std::span<NewJob> jobs) {
    const std::string traceparent = jobs::to_traceparent(span.context);
    for (NewJob& job : jobs) {
        JobOptions& options = job.options;
        const auto own = jobs::parse_traceparent(options.traceparent);
        if (own && own->trace_id != span.context.trace_id) {
            if (span.links.size() < links_max) span.links.push_back(*own);
            continue;
        }
        options.traceparent = traceparent;
        if (jobs.size() > 1) options.tracestate = with_batch(options.tracestate);
    }
}

void end_send(Span& span, const Result<std::vector<Enqueued>>& answer) {
    if (answer && answer->size() == 1) {
        span.attributes.emplace_back("messaging.message.id", answer->front().id);
        const std::string& original = answer->front().duplicate_of;
        if (!original.empty()) span.attributes.emplace_back("tranter.job.duplicate_of", original);
    }
    if (!answer) {
        span.failed = true;
        span.error = answer.error().message();
        span.attributes.emplace_back(
            "error.type", std::string(jobs::problem_kind(answer.error().code()).name)
        );
    }
    span.end = SteadyClock::wall_clock();
}

std::string_view ending_name(AttemptEnding ending) {
    switch (ending) {
        case AttemptEnding::completed:
            return "completed";
        case AttemptEnding::failed:
            return "failed";
        case AttemptEnding::released:
            return "released";
        case AttemptEnding::snoozed:
            return "snoozed";
        case AttemptEnding::dead:
            return "dead";
        case AttemptEnding::cancelled:
            return "cancelled";
        case AttemptEnding::lost:
            break;
    }
    return "lost";
}

bool is_failure(AttemptEnding ending) {
    return ending == AttemptEnding::failed || ending == AttemptEnding::dead ||
           ending == AttemptEnding::lost;
}

}  // namespace

void FirstAttempts::keep(const std::string& job, const TraceContext& context) {
    const std::lock_guard lock(mutex_);
    if (!contexts_.insert_or_assign(job, context).second) return;
    order_.push_back(job);
    while (order_.size() > kept_max) {
        contexts_.erase(order_.front());
        order_.pop_front();
    }
}

std::optional<TraceContext> FirstAttempts::find(const std::string& job) const {
    const std::lock_guard lock(mutex_);
    const auto found = contexts_.find(job);
    if (found == contexts_.end()) return std::nullopt;
    return found->second;
}

void FirstAttempts::forget(const std::string& job) {
    const std::lock_guard lock(mutex_);
    contexts_.erase(job);
}

void AttemptSpans::received(ReceivedJob& job) {
    JobOptions& options = job.options;
    const auto enqueued = jobs::parse_traceparent(options.traceparent);
    const TimePoint now =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const bool is_child =
        enqueued && !is_of_batch(options.tracestate) && now - job.created_at <= same_trace_max;
    const TraceContext context = make_context(sampler_, is_child ? &*enqueued : nullptr);
    options.traceparent = jobs::to_traceparent(context);
    options.tracestate = is_child ? without_batch(options.tracestate) : std::string();
}

void AttemptSpans::link(Span& span, const EndedAttempt& attempt) {
    if (const auto enqueued = jobs::parse_traceparent(attempt.enqueued_in)) {
        if (enqueued->trace_id == span.context.trace_id) {
            span.parent = enqueued->span_id;
        } else {
            span.links.push_back(*enqueued);
        }
    }
    const std::string& id = attempt.job.id;
    if (attempt.job.attempt > 1) {
        if (const auto first = first_attempts_.find(id)) span.links.push_back(*first);
    } else if (attempt.ending == AttemptEnding::failed) {
        first_attempts_.keep(id, span.context);
    }
    const bool is_over = attempt.ending == AttemptEnding::completed ||
                         attempt.ending == AttemptEnding::dead ||
                         attempt.ending == AttemptEnding::cancelled;
    if (is_over && attempt.job.attempt > 1) first_attempts_.forget(id);
}

void AttemptSpans::ended(const EndedAttempt& attempt) {
    // Its context is that of whoever enqueued it, or belongs to another observer.
    if (!attempt.was_received) return;
    const ReceivedJob& job = attempt.job;
    const auto context = jobs::parse_traceparent(job.options.traceparent);
    if (!attempt.begun_at || !context || !context->sampled) return;
    Span span{
        .context = *context,
        .trace_state = job.options.tracestate,
        .kind = Span::Kind::consumer,
        .begin = to_instant(*attempt.begun_at),
        .end = attempt.ended_at ? to_instant(*attempt.ended_at) : SteadyClock::wall_clock(),
        .failed = is_failure(attempt.ending),
        .error = std::string(attempt.error)};
    describe(span, "process", system_, job.queue);
    const auto add = [&span](const char* name, std::string_view value) {
        span.attributes.emplace_back(name, std::string(value));
    };
    add("messaging.message.id", job.id);
    add("messaging.client.id", worker_);
    add("tranter.job.type", job.type);
    add("tranter.job.outcome", ending_name(attempt.ending));
    span.attributes.emplace_back("tranter.job.attempt", std::int64_t{job.attempt});
    if (span.failed) {
        add("error.type", attempt.error_type.empty() ? "lost_lease" : attempt.error_type);
    }
    link(span, attempt);
    exporter_.push(std::move(span));
}

Tracer::Tracer(Settings settings) : sampler_(settings.sampler), exporter_(std::move(settings)) {}

Tracing::EndSend Tracer::begin_send(
    const Provider& provider, std::string_view queue, std::span<NewJob> jobs
) {
    if (jobs.empty()) return {};
    const auto parent = jobs::parse_traceparent(jobs.front().options.traceparent);
    Span span{
        .context = make_context(sampler_, parent ? &*parent : nullptr),
        .trace_state = jobs.front().options.tracestate,
        .kind = Span::Kind::producer,
        .begin = SteadyClock::wall_clock()};
    if (parent) span.parent = parent->span_id;
    put_into(span, jobs);
    if (!span.context.sampled) return {};
    describe(span, "send", system_of(provider), queue);
    if (jobs.size() > 1) {
        span.attributes.emplace_back(
            "messaging.batch.message_count", static_cast<std::int64_t>(jobs.size())
        );
    } else {
        span.attributes.emplace_back("tranter.job.type", jobs.front().type);
    }
    return [self = shared_from_this(),
            span = std::move(span)](const Result<std::vector<Enqueued>>& answer) mutable {
        end_send(span, answer);
        self->exporter_.push(std::move(span));
    };
}

std::shared_ptr<WorkerObserver> Tracer::observer(
    const Provider& provider, const std::string& worker
) {
    return std::make_shared<AttemptSpans>(
        shared_from_this(), sampler_, exporter_, system_of(provider), worker
    );
}

EnqueueMiddleware Tracer::layer(const std::shared_ptr<Provider>& provider) {
    return [self = shared_from_this(), provider](EnqueueCall& call, const EnqueueNext& next) {
        EndSend end = self->begin_send(*provider, call.queue, call.jobs);
        auto answer = next(call);
        if (end) end(answer);
        return answer;
    };
}

}  // namespace tranter::telemetry

namespace tranter {

std::shared_ptr<Tracing> Tracing::from_environment(const Getenv& getenv) {
    auto settings = telemetry::read_settings(getenv ? getenv : [](const char* name) {
        return std::getenv(name);
    });
    if (!settings) return nullptr;
    return std::make_shared<telemetry::Tracer>(std::move(*settings));
}

void Tracing::trace(Client& client) {
    client.use(layer(client.provider()));
}

}  // namespace tranter

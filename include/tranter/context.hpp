#pragma once

#include <tranter/exception.hpp>
#include <tranter/format.hpp>
#include <tranter/job.hpp>
#include <tranter/payload.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tranter {

/// Why a handler is asked to stop.
enum class StopReason : std::uint8_t {
    none,
    shutdown,    // the worker ends; the job goes back and the attempt does not count
    timeout,     // the attempt has failed already, whatever the handler still returns
    cancelled,   // somebody cancelled the job
    lease_lost,  // another worker may have it by now; whatever the handler returns is refused
    decided,     // other runs have decided the attempt; see SuccessPolicy
};

/// What runs the attempt, as seen by a Context.
class ContextHost {
  public:
    virtual ~ContextHost() = default;
    virtual StopReason stop_reason() const = 0;
    virtual void log(std::string line) = 0;
    virtual void set_progress(std::string json) = 0;
    virtual std::optional<std::string> find_step(std::string_view name) = 0;
    [[nodiscard]] virtual Result<> save_step(Step step) = 0;
};

/// One run of a job, as its handler sees it. Lives as long as the call of the handler; within it,
/// may be used from any thread.
class Context {
  public:
    /// `run` counts from 1. All of them outlive the context.
    Context(const ReceivedJob& job, std::uint32_t run, std::stop_token stop, ContextHost& host)
        : job_(job), run_(run), stop_(std::move(stop)), host_(host) {}
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    const ReceivedJob& job() const { return job_; }
    const std::string& id() const { return job_.id; }
    const std::string& queue() const { return job_.queue; }
    const std::string& type() const { return job_.type; }
    const std::string& payload() const { return job_.payload; }  // JSON
    const std::string& group() const { return job_.options.group; }
    /// The span that what the handler does belongs to: that of this attempt when the worker
    /// exports spans, else the one in which the job was enqueued. Empty: there is none.
    const std::string& traceparent() const { return job_.options.traceparent; }
    const std::string& tracestate() const { return job_.options.tracestate; }
    std::uint32_t attempt() const { return job_.attempt; }  // from 1
    std::uint32_t max_attempts() const { return job_.options.retry.max_attempts; }
    std::uint32_t run() const { return run_; }  // from 1
    std::uint32_t runs() const { return job_.options.runs; }

    /// Handlers that take long should look at it, or give it to what they wait for. The worker
    /// renews the lease as long as the handler runs.
    const std::stop_token& stop_token() const { return stop_; }
    bool stop_requested() const { return stop_.stop_requested(); }
    StopReason stop_reason() const { return host_.stop_reason(); }

    /// A line for the log of the job: `ctx.log("sending to {}", job.user_id)`. Reaches the store a
    /// moment later, in batches; where a store has no logs, the log of the worker alone.
    void log(std::string line) { host_.log(std::move(line)); }
    template <class First, class... More>
    void log(
        FormatText<std::type_identity_t<First>, std::type_identity_t<More>...> text,
        const First& first,
        const More&... more
    ) {
        host_.log(format_text<First, More...>(text, first, more...));
    }

    /// How far it is, as any value that can be written as JSON, up to 4 KiB: `0.5`, a struct. The
    /// last one counts; the store sees ten a second at most. Throws Exception (`invalid_argument`)
    /// for what cannot be kept.
    template <class T>
    void set_progress(const T& value) {
        host_.set_progress(or_throw(to_json(value)));
    }

    /// Does a part of the job once: `const auto id = ctx.step("charge", [&] { return charge(); })`.
    /// What `work` returns is kept with the job, so that a later attempt gets it without doing the
    /// work again. It is saved when step() returns; a crash before that repeats the work. Several
    /// runs of an attempt have their own steps.
    ///
    /// What `work` throws passes through, and nothing is kept. Throws Exception when the result
    /// cannot be kept, among others because the store knows no steps (`unsupported`) or another
    /// worker has the job (`conflict`).
    template <class Work>
    std::invoke_result_t<Work> step(std::string_view name, Work&& work) {
        using T = std::invoke_result_t<Work>;
        const std::string own = step_name(name);
        const std::optional<std::string> kept = host_.find_step(own);
        if constexpr (std::is_void_v<T>) {
            if (kept) return;
            std::invoke(std::forward<Work>(work));
            or_throw(host_.save_step({.name = own, .result = "null"}));
        } else {
            if (kept) return or_throw(from_json<T>(*kept));
            T result = std::invoke(std::forward<Work>(work));
            or_throw(host_.save_step({.name = own, .result = or_throw(to_json(result))}));
            return result;
        }
    }

    /// What earlier attempts of this run have kept with step(), by the names they gave.
    std::vector<Step> earlier_steps() const;

  private:
    std::string step_name(std::string_view name) const;

    const ReceivedJob& job_;
    std::uint32_t run_;
    std::stop_token stop_;
    ContextHost& host_;
};

}  // namespace tranter

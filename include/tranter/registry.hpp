#pragma once

#include <tranter/context.hpp>
#include <tranter/job_type.hpp>
#include <tranter/json.hpp>
#include <tranter/outcome.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tranter {

/// One run, as the worker calls it. An exception is a failed attempt.
using RunHandler = std::function<AttemptOutcome(Context&)>;

/// What stands between the worker and the handlers, like the layers of an onion: calls `next` once
/// (or answers itself), and sees what comes of it, exceptions too. Called by several threads at a
/// time.
using RunMiddleware = std::function<AttemptOutcome(Context&, const RunHandler& next)>;

/// What a worker knows better than who enqueued the job.
struct HandlerOptions {
    std::optional<Milliseconds> timeout{};  // of an attempt; 0: none
    /// Decides instead of the job's policy, but for a job that allows fewer attempts.
    std::optional<RetryPolicy> retry{};
    std::uint32_t runs = 0;  // parallel executions of one attempt; 0: as the job says
    /// Of them at a time, or fewer when the job says so; 0: as the job says.
    std::uint32_t max_parallel_runs = 0;
    std::optional<SuccessPolicy> success{};
    /// Jobs of this handler at a time, in one worker; 0: no limit. See Worker for what becomes of
    /// those that have to wait.
    std::uint32_t concurrency = 0;
};

namespace detail {

template <class T>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<Outcome<T>> = true;
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

AttemptOutcome failed_with(const Error& error);
/// For a payload that the handler cannot read: dead, with the path.
AttemptOutcome unreadable_payload(const Error& error);

/// Calls a handler and turns whatever it returns into the end of an attempt.
template <class Call>
AttemptOutcome outcome_of(Call&& call) {
    using T = std::remove_cvref_t<std::invoke_result_t<Call>>;
    if constexpr (std::is_void_v<T>) {
        call();
        return Completed{};
    } else if constexpr (std::same_as<T, AttemptOutcome>) {
        return call();
    } else if constexpr (EarlyEnd<T>) {
        return AttemptOutcome(call());
    } else if constexpr (is_outcome<T>) {
        return call().settle();
    } else if constexpr (is_result<T>) {
        T result = call();
        if (!result) return failed_with(result.error());
        if constexpr (std::is_void_v<typename T::value_type>) {
            return Completed{};
        } else {
            return completed_with(to_json(*result));
        }
    } else {
        return completed_with(to_json(call()));
    }
}

template <class Handler, class Job>
concept HandlerOf = std::invocable<Handler&, Context&, const Job&> ||
    std::invocable<Handler&, const Job&> || std::invocable<Handler&, Context&>;

template <class Handler, class Job>
AttemptOutcome call_handler(Handler& handler, Context& context, const Job& job) {
    if constexpr (std::invocable<Handler&, Context&, const Job&>) {
        return outcome_of([&]() -> decltype(auto) { return std::invoke(handler, context, job); });
    } else if constexpr (std::invocable<Handler&, const Job&>) {
        return outcome_of([&]() -> decltype(auto) { return std::invoke(handler, job); });
    } else {
        return outcome_of([&]() -> decltype(auto) { return std::invoke(handler, context); });
    }
}

}  // namespace detail

/// Which code does which type of job. Filled before a worker is made of it, which takes a copy;
/// copies share the handlers.
///
/// A handler is a function, a lambda or an object that is called with `(Context&, const Job&)` or
/// one of the two, by several threads at a time. It returns
///  - nothing or a value: the job is completed, the value as JSON is its result
///  - Outcome<T>: the same, or what outcome.hpp has
///  - Result<T>: the same, an error is a failed attempt
/// and an exception is a failed attempt with its type and text.
///
/// Every function throws Exception: `already_exists` for a type that has a handler,
/// `invalid_argument` for a name that cannot be a type, options that contradict themselves and a
/// handler that is empty.
class Registry {
  public:
    /// A job whose payload is no such struct is dead, and the path to what is wrong is the reason.
    template <Job J, class Handler>
    void on(Handler handler, HandlerOptions options = {}) {
        static_assert(
            detail::HandlerOf<Handler, J>,
            "a handler is called with (tranter::Context&, const Job&), or with one of the two"
        );
        add(job_kind<J>(),
            job_defaults<J>().queue,
            {share(
                 std::move(handler),
                 [](Handler& own, Context& context) {
                     const auto job = from_json<J>(context.payload());
                     if (!job) return detail::unreadable_payload(job.error());
                     return detail::call_handler(own, context, *job);
                 }
             ),
             options});
    }

    /// For jobs without a C++ type: called with `(Context&, const Json&)` or one of the two.
    template <class Handler>
    void on(std::string_view type, Handler handler, HandlerOptions options = {}) {
        add(type, "default", {share_untyped(std::move(handler)), options});
    }

    /// For every type that has no handler.
    template <class Handler>
    void otherwise(Handler handler, HandlerOptions options = {}) {
        add_otherwise({share_untyped(std::move(handler)), options});
    }

    /// Adds a layer inside of those that are there.
    void use(RunMiddleware layer);

    struct Entry {
        RunHandler run{};
        HandlerOptions options{};
    };
    /// Null when the type is unknown and there is no handler for such.
    const Entry* find(std::string_view type) const;
    /// Calls the handler of `entry` through all layers.
    AttemptOutcome run(const Entry& entry, Context& context) const;

    /// Whether any handler has a limit of its own.
    bool has_limits() const;
    /// The queues that the registered jobs go to by default, by name.
    std::vector<std::string> queues() const;
    /// Those with a handler of their own, by name.
    std::vector<std::string> types() const;

  private:
    template <class Handler, class Call>
    static RunHandler share(Handler handler, Call call) {
        if constexpr (requires { handler == nullptr; }) {
            if (handler == nullptr) return {};
        }
        return [own = std::make_shared<Handler>(std::move(handler)), call](Context& context) {
            return call(*own, context);
        };
    }
    template <class Handler>
    static RunHandler share_untyped(Handler handler) {
        static_assert(
            detail::HandlerOf<Handler, Json>,
            "such a handler is called with (tranter::Context&, const tranter::Json&), or with one "
            "of the two"
        );
        return share(std::move(handler), [](Handler& own, Context& context) {
            if constexpr (std::invocable<Handler&, Context&>) {
                return detail::outcome_of([&]() -> decltype(auto) { return own(context); });
            } else {
                const auto json = Json::parse(context.payload());
                if (!json) return detail::unreadable_payload(json.error());
                return detail::call_handler(own, context, *json);
            }
        });
    }

    void add(std::string_view type, std::string_view queue, Entry entry);
    void add_otherwise(Entry entry);
    AttemptOutcome run_layer(std::size_t layer, const Entry& entry, Context& context) const;

    std::map<std::string, Entry, std::less<>> entries_;
    std::optional<Entry> otherwise_;
    std::set<std::string> queues_;
    std::vector<RunMiddleware> layers_;  // the outermost first
};

}  // namespace tranter

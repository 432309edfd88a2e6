#include "cli/job_flags.hpp"

#include "base/unicode.hpp"
#include "jobs/time_text.hpp"

#include <tranter/enum_names.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace tranter::cli {

namespace {

constexpr std::int64_t attempts_max = std::numeric_limits<std::int32_t>::max();
constexpr TimeUnit job_time_unit{.num = 1, .den = 1'000'000};

/// Sets what was given and leaves alone what was not. The first refusal is kept.
class Flags {
  public:
    explicit Flags(const Arguments& arguments) : arguments_(arguments) {}

    void milliseconds(std::string_view name, Milliseconds& target) {
        take(find_milliseconds(arguments_, name), target);
    }

    template <class Number>
    void integer(std::string_view name, Arguments::Range range, Number& target) {
        take(arguments_.integer(name, range), target);
    }

    void text(std::string_view name, std::string& target) {
        if (auto given = arguments_.find(name)) target = std::move(*given);
    }

    void time(std::string_view name, std::optional<TimePoint>& target) {
        const auto given = arguments_.find(name);
        if (!given) return;
        const auto count = jobs::parse_time_count(*given, job_time_unit);
        if (count) {
            target = TimePoint(std::chrono::microseconds(*count));
        } else {
            refuse(fmt::format("--{}: {}", name, count.error().message()));
        }
    }

    void success(std::string_view name, SuccessPolicy& target) {
        const auto given = arguments_.find(name);
        if (!given) return;
        if (auto policy = SuccessPolicy::from_text(*given)) {
            target = *policy;
        } else {
            refuse(fmt::format("--{} {}", name, policy.error().message()));
        }
    }

    void number(std::string_view name, double& target) {
        const auto given = arguments_.find(name);
        if (!given) return;
        const char* end = given->data() + given->size();
        const auto [stop, error] = std::from_chars(given->data(), end, target);
        if (error == std::errc() && stop == end) return;
        refuse(fmt::format("--{} is {}, expected a number", name, in_quotes(*given)));
    }

    void refuse(std::string problem) {
        if (done_) done_ = fail(Errc::invalid_argument, std::move(problem));
    }

    const Result<>& done() const { return done_; }

  private:
    const Arguments& arguments_;
    Result<> done_{};

    template <class Given, class Target>
    void take(const Result<std::optional<Given>>& given, Target& target) {
        if (!given) {
            refuse(given.error().message());
        } else if (*given) {
            target = static_cast<Target>(**given);
        }
    }
};

DedupMode dedup_mode(std::string_view name) {
    const auto names = enum_names<DedupMode>();
    const auto found = std::ranges::find(names, name, &EnumName::name);
    return found == names.end() ? DedupMode::simple : static_cast<DedupMode>(found->value);
}

void read_dedup(const Arguments& arguments, Flags& flags, JobOptions& options) {
    if (!arguments.has("dedup")) {
        for (const std::string_view name : {"dedup-mode", "dedup-ttl"}) {
            if (arguments.has(name)) {
                flags.refuse(fmt::format("--{} is given without --dedup KEY", name));
            }
        }
        return;
    }
    Dedup& dedup = options.dedup.emplace();
    flags.text("dedup", dedup.key);
    flags.milliseconds("dedup-ttl", dedup.ttl);
    dedup.mode = dedup_mode(arguments.text("dedup-mode"));
}

void read_retry(Flags& flags, RetryPolicy& retry) {
    flags.integer("max-attempts", {.min = 1, .max = attempts_max}, retry.max_attempts);
    flags.milliseconds("backoff-base", retry.base);
    flags.number("backoff-factor", retry.factor);
    flags.milliseconds("backoff-max", retry.max);
    flags.number("backoff-jitter", retry.jitter);
}

}  // namespace

Result<std::optional<Milliseconds>> find_milliseconds(
    const Arguments& arguments, std::string_view name
) {
    const auto given = arguments.duration(name);
    if (!given) return std::unexpected(given.error());
    if (!*given) return std::nullopt;
    const auto whole = std::chrono::duration_cast<Milliseconds>(**given);
    if (whole == **given) return whole;
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "--{} is {}, expected whole milliseconds", name, in_quotes(arguments.text(name))
        )
    );
}

Result<NewJob> read_job_flags(const Arguments& arguments, NewJob job) {
    JobOptions& options = job.options;
    Flags flags(arguments);
    flags.text("id", job.id);
    flags.milliseconds("delay", job.delay);
    flags.time("run-at", job.run_at);
    flags.integer("priority", {.min = 0, .max = 9}, options.priority);
    flags.text("group", options.group);
    flags.milliseconds("timeout", options.timeout);
    flags.milliseconds("ttl", options.ttl);
    flags.time("deadline", options.deadline);
    flags.integer("runs", {.min = 1, .max = runs_max}, options.runs);
    flags.integer("max-parallel-runs", {.min = 0, .max = runs_max}, options.max_parallel_runs);
    flags.success("success", options.success);
    if (arguments.has("tag")) options.tags = arguments.list("tag");
    read_dedup(arguments, flags, options);
    read_retry(flags, options.retry);
    if (arguments.has("delay") && arguments.has("run-at")) {
        flags.refuse("--delay and --run-at are both given, expected one");
    }
    if (!flags.done()) return std::unexpected(flags.done().error());
    return job;
}

std::vector<Option> job_flags() {
    return {
        {.name = "delay", .value = "DURATION", .help = "run it so much later"},
        {.name = "run-at", .value = "TIME", .help = "run it then, e.g. 2027-01-31T08:00:00Z"},
        {.name = "priority",
         .value = "N",
         .help = "0 (first) to 9; a minute of waiting is worth one level (default: 5)"},
        {.name = "group", .value = "KEY", .help = "tenant or user: limits and turns go by it"},
        {.name = "tag", .value = "TAG", .help = "a word or K=V to find it by", .repeated = true},
        {.name = "timeout", .value = "DURATION", .help = "of an attempt (default: none)"},
        {.name = "ttl", .value = "DURATION", .help = "cancel it when it has not begun by then"},
        {.name = "deadline", .value = "TIME", .help = "the same, at a time"},
        {.name = "max-attempts", .value = "N", .help = "with the first one (default: 25)"},
        {.name = "backoff-base",
         .value = "DURATION",
         .help = "rest after the first failure (default: 2s)"},
        {.name = "backoff-factor",
         .value = "X",
         .help = "how much longer each rest is (default: 2)"},
        {.name = "backoff-max", .value = "DURATION", .help = "the longest rest (default: 1h)"},
        {.name = "backoff-jitter",
         .value = "X",
         .help = "share of a rest that is left to chance, 0 to 1 (default: 0.25)"},
        {.name = "dedup", .value = "KEY", .help = "do not enqueue it beside one with this key"},
        {.name = "dedup-mode",
         .value = "MODE",
         .help = "what else happens then (default: simple)",
         .choices = {"simple", "throttle", "debounce", "keep_latest"}},
        {.name = "dedup-ttl", .value = "DURATION", .help = "of throttle and debounce"},
        {.name = "runs", .value = "N", .help = "parallel executions of an attempt (default: 1)"},
        {.name = "max-parallel-runs", .value = "N", .help = "of them at a time (default: all)"},
        {.name = "success",
         .value = "POLICY",
         .help = "runs that have to complete: all, any or 'at_least(K)' (default: all)"},
        {.name = "id",
         .value = "UUID",
         .help = "its id; an id that is known is a duplicate (default: a new one)"},
    };
}

}  // namespace tranter::cli

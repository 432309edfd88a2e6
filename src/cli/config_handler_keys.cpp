#include "cli/config_key_table.hpp"
#include "cli/config_keys.hpp"

namespace tranter::cli {
namespace {

template <class Codec, auto... members>
constexpr HandlerKey handler_key(
    std::string_view path, std::string_view meaning, bool secret = false
) {
    return make_key<HandlerConfig, Codec, members...>(path, meaning, secret);
}

constexpr HandlerKey all_handler_keys[] = {
    handler_key<TextsCodec, &HandlerConfig::exec>(
        "exec", "a command for each job: the program and its arguments"
    ),
    handler_key<TextsCodec, &HandlerConfig::child>(
        "child", "a program that stays and does one job after the other"
    ),
    handler_key<TextCodec, &HandlerConfig::http>("http", "a URL that each job is posted to"),
    handler_key<DurationCodec<0, 30 * day>, &HandlerConfig::timeout>(
        "timeout", "of an attempt; 0s is as the job says"
    ),
    handler_key<IntegerCodec<0, count_max>, &HandlerConfig::retry, &RetryConfig::max_attempts>(
        "retry.max_attempts",
        "attempts in all, unless the job allows fewer (25 is its default); 0 leaves all of `retry` "
        "to the job"
    ),
    handler_key<DurationCodec<0, 30 * day>, &HandlerConfig::retry, &RetryConfig::base>(
        "retry.base", "the rest after the first failed attempt"
    ),
    handler_key<FactorCodec, &HandlerConfig::retry, &RetryConfig::factor>(
        "retry.factor", "each rest is so many times the one before"
    ),
    handler_key<DurationCodec<0, 30 * day>, &HandlerConfig::retry, &RetryConfig::max>(
        "retry.max", "the longest rest"
    ),
    handler_key<IntegerCodec<0, 100>, &HandlerConfig::retry, &RetryConfig::jitter_percent>(
        "retry.jitter_percent", "up to this share of a rest is taken off at random"
    ),
    handler_key<IntegerCodec<0, 1000>, &HandlerConfig::runs>(
        "runs", "parallel executions of one attempt; 0 is as the job says"
    ),
    handler_key<IntegerCodec<0, 1000>, &HandlerConfig::max_parallel_runs>(
        "max_parallel_runs", "of them at a time; 0 is all"
    ),
    handler_key<TextCodec, &HandlerConfig::success>(
        "success",
        "how many of them have to complete: `all`, `any` or `at_least(K)`; empty is as the job says"
    ),
    handler_key<IntegerCodec<0, 10'000>, &HandlerConfig::concurrency>(
        "concurrency", "jobs of this handler that run at a time in one worker; 0 is no limit"
    ),
    handler_key<TextCodec, &HandlerConfig::directory>(
        "directory", "`exec`, `child`: where the program starts; empty is that of the worker"
    ),
    handler_key<TextsCodec, &HandlerConfig::pass_environment>(
        "pass_environment",
        "`exec`, `child`: names of variables that the program gets from the worker, beside the "
        "usual ones"
    ),
    handler_key<TextMapCodec, &HandlerConfig::environment>(
        "environment", "`exec`, `child`: variables that are set for the program"
    ),
    handler_key<SizeCodec<0, storage_max>, &HandlerConfig::limits, &HandlerLimits::memory>(
        "limits.memory", "`exec`, `child`: address space of each process; 0B is no limit"
    ),
    handler_key<DurationCodec<0, 30 * day>, &HandlerConfig::limits, &HandlerLimits::cpu>(
        "limits.cpu", "`exec`, `child`: processor time of each process; 0s is no limit"
    ),
    handler_key<IntegerCodec<0, count_max>, &HandlerConfig::limits, &HandlerLimits::open_files>(
        "limits.open_files", "`exec`, `child`: 0 is as the worker"
    ),
    handler_key<IntegerCodec<0, count_max>, &HandlerConfig::limits, &HandlerLimits::processes>(
        "limits.processes", "`exec`, `child`: of the user, unless that is root; 0 is as the worker"
    ),
    handler_key<DurationCodec<0, hour>, &HandlerConfig::grace>(
        "grace", "`exec`, `child`: between the request to stop and SIGKILL"
    ),
    handler_key<IntegerCodec<0, 1000>, &HandlerConfig::processes>(
        "processes",
        "`child`: how many, and jobs of this handler at a time; 0 is as many as "
        "`worker.concurrency`"
    ),
    handler_key<IntegerCodec<0, count_max>, &HandlerConfig::max_jobs>(
        "max_jobs", "`child`: a process is replaced after so many; 0 is never"
    ),
    handler_key<SizeCodec<0, storage_max>, &HandlerConfig::max_memory>(
        "max_memory", "`child`: a process that holds more after a job is replaced; 0B is never"
    ),
    handler_key<DurationCodec<0, day>, &HandlerConfig::heartbeat_timeout>(
        "heartbeat_timeout",
        "`child`: a process that says nothing for so long during a job is killed; 0s is never"
    ),
    handler_key<TextMapCodec, &HandlerConfig::headers>(
        "headers", "`http`: sent with each request", true
    ),
    handler_key<TextsCodec, &HandlerConfig::secrets>(
        "secrets",
        "`http`: `whsec_...`, to sign requests as Standard Webhooks; two while one replaces the "
        "other",
        true
    ),
    handler_key<TextsCodec, &HandlerConfig::allow_addresses>(
        "allow_addresses",
        "`http`: subnets beside the public internet that may be called, like `127.0.0.0/8`"
    ),
};

}  // namespace

std::span<const HandlerKey> handler_keys() {
    return all_handler_keys;
}

}  // namespace tranter::cli

#include "cli/config_rules.hpp"
#include "handlers/webhook.hpp"
#include "http/address_rules.hpp"
#include "http/client.hpp"
#include "providers/schemes.hpp"

#include <tranter/job.hpp>
#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tranter::cli {
namespace {

using Problem = std::optional<ConfigProblem>;

ConfigPath below(const HandlerConfig& handler, std::initializer_list<std::string> names) {
    ConfigPath path{"handlers", handler.type};
    path.insert(path.end(), names);
    return path;
}

/// Which of its three kinds it is.
Problem find_kind_problem(const HandlerConfig& handler) {
    if (handler.type != "*" && (!is_valid_kind(handler.type) || handler.type.starts_with("__"))) {
        return problem_at(
            below(handler, {}),
            "is no type of jobs, write 1 to 128 letters, digits and _ - . : / or \"*\" for all "
            "others"
        );
    }
    const int kinds = (handler.exec.empty() ? 0 : 1) + (handler.child.empty() ? 0 : 1) +
                      (handler.http.empty() ? 0 : 1);
    if (kinds != 1) {
        return problem_at(
            below(handler, {}),
            kinds == 0 ? "has no handler, write exec = [\"PROGRAM\"], child = [\"PROGRAM\"] or "
                         "http = \"URL\""
                       : "has more than one of exec, child and http, keep one"
        );
    }
    return {};
}

/// Keys that the kind of handler has no use for.
Problem find_useless_key(const HandlerConfig& handler) {
    const HandlerConfig defaults;
    const auto useless = [&](std::string name, std::string_view kinds) {
        return problem_at(
            below(handler, {std::move(name)}),
            fmt::format("is only for {} handlers, remove it", kinds)
        );
    };
    if (!handler.http.empty()) {
        if (!handler.directory.empty()) return useless("directory", "exec and child");
        if (!handler.environment.empty()) return useless("environment", "exec and child");
        if (!handler.pass_environment.empty()) return useless("pass_environment", "exec and child");
        if (handler.limits != defaults.limits) return useless("limits", "exec and child");
    } else {
        if (!handler.headers.empty()) return useless("headers", "http");
        if (!handler.secrets.empty()) return useless("secrets", "http");
        if (!handler.allow_addresses.empty()) return useless("allow_addresses", "http");
    }
    if (handler.child.empty()) {
        if (handler.processes != 0) return useless("processes", "child");
        if (handler.max_jobs != 0) return useless("max_jobs", "child");
        if (handler.max_memory != 0) return useless("max_memory", "child");
        if (handler.heartbeat_timeout.count() != 0) return useless("heartbeat_timeout", "child");
    }
    return {};
}

Problem find_success_problem(const HandlerConfig& handler) {
    if (handler.success.empty()) return {};
    const auto policy = SuccessPolicy::from_text(handler.success);
    if (!policy) return problem_at(below(handler, {"success"}), policy.error().message());
    if (handler.runs > 0 && policy->runs_needed > handler.runs) {
        return problem_at(
            below(handler, {"success"}),
            fmt::format("is {}, which needs more than runs = {}", handler.success, handler.runs)
        );
    }
    return {};
}

Problem find_value_problem(const HandlerConfig& handler) {
    if (!handler.http.empty()) {
        if (auto checked = http::check_url(handler.http); !checked) {
            return problem_at(below(handler, {"http"}), checked.error().message());
        }
    }
    for (const std::string& secret : handler.secrets) {
        if (auto parsed = handlers::WebhookSecret::parse(secret); !parsed) {
            return problem_at(below(handler, {"secrets"}), parsed.error().message());
        }
    }
    for (const std::string& subnet : handler.allow_addresses) {
        if (auto parsed = http::parse_subnet(subnet); !parsed) {
            return problem_at(below(handler, {"allow_addresses"}), parsed.error().message());
        }
    }
    if (handler.retry.max < handler.retry.base) {
        return problem_at(below(handler, {"retry", "max"}), "is less than retry.base");
    }
    if (handler.retry != RetryConfig{} && handler.retry.max_attempts == 0) {
        return problem_at(
            below(handler, {"retry"}), "has no max_attempts, without which it would not be used"
        );
    }
    if (handler.max_parallel_runs > 0 && handler.runs == 0) {
        return problem_at(
            below(handler, {"max_parallel_runs"}),
            "has no effect without runs, add it or remove this"
        );
    }
    if (handler.max_parallel_runs > handler.runs) {
        return problem_at(
            below(handler, {"max_parallel_runs"}),
            fmt::format(
                "is {}, which is more than runs = {}", handler.max_parallel_runs, handler.runs
            )
        );
    }
    return find_success_problem(handler);
}

/// Whether it may be the URL of a provider. Never repeats it: it may have a password in it.
Problem find_provider_problem(std::string_view url) {
    constexpr std::string_view known =
        "write memory:, file:/path, http://host:9325, sqs:https://... or postgres://...";
    if (url.empty()) return {};
    const std::string_view scheme = url.substr(0, url.find(':'));
    if (url.size() == scheme.size()) {
        return problem_at({"provider"}, fmt::format("is no URL, {}", known));
    }
    if (std::ranges::find(providers::schemes, scheme) == providers::schemes.end()) {
        return problem_at({"provider"}, fmt::format("is of a kind that is not known, {}", known));
    }
    const bool may_name_user = scheme == "file" || scheme.starts_with("postgres");
    if (!may_name_user && url.find('@') != std::string_view::npos) {
        return problem_at(
            {"provider"}, "has a user or password in it, use TRANTER_TOKEN or AWS's variables"
        );
    }
    return {};
}

}  // namespace

std::optional<ConfigProblem> find_worker_problem(const ServerConfig& config) {
    if (Problem found = find_provider_problem(config.provider)) return found;
    std::set<std::string, std::less<>> names;
    for (const WorkerQueue& queue : config.worker.queues) {
        if (queue.name.empty()) {
            return problem_at({"worker", "queues"}, "has an empty name, remove it");
        }
        if (!names.insert(queue.name).second) {
            return problem_at(
                {"worker", "queues"}, fmt::format("names {} twice, remove one", queue.name)
            );
        }
    }
    for (const HandlerConfig& handler : config.handlers) {
        if (Problem found = find_kind_problem(handler)) return found;
        if (Problem found = find_useless_key(handler)) return found;
        if (Problem found = find_value_problem(handler)) return found;
    }
    return {};
}

}  // namespace tranter::cli

#include "base/suggest.hpp"
#include "cli/config_rules.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace tranter::cli {
namespace {

constexpr std::size_t queue_name_max = 80;
constexpr std::string_view fifo_suffix = ".fifo";

using Problem = std::optional<ConfigProblem>;

bool is_queue_name(std::string_view name, LimitsMode limits) {
    if (name.empty() || name.front() == '.') return false;
    if (limits == LimitsMode::strict && name.size() > queue_name_max) return false;
    return consists_of(name, "-_.");
}

Problem find_fifo_problem(const QueueConfig& queue, const ConfigPath& base) {
    const auto at = [&](std::string_view key) {
        ConfigPath path = base;
        path.emplace_back(key);
        return path;
    };
    if (!queue.fifo) {
        constexpr std::string_view text = "is only for FIFO queues, set fifo = true or remove it";
        if (queue.content_based_deduplication) {
            return problem_at(at("content_based_deduplication"), std::string(text));
        }
        if (queue.deduplication_scope != DeduplicationScope::queue) {
            return problem_at(at("deduplication_scope"), std::string(text));
        }
        if (queue.fifo_throughput_limit != FifoThroughputLimit::per_queue) {
            return problem_at(at("fifo_throughput_limit"), std::string(text));
        }
        return {};
    }
    if (queue.fifo_throughput_limit == FifoThroughputLimit::per_message_group_id &&
        queue.deduplication_scope != DeduplicationScope::message_group) {
        return problem_at(
            at("fifo_throughput_limit"),
            "is perMessageGroupId, which needs deduplication_scope = \"messageGroup\""
        );
    }
    if (queue.groups.max_in_flight != 0) {
        ConfigPath path = at("groups");
        path.emplace_back("max_in_flight");
        return problem_at(
            path, "is not for FIFO queues, whose groups have one receive in flight; remove it"
        );
    }
    return {};
}

/// One name that a queue says about another.
struct Reference {
    ConfigPath key;  // below the queue
    std::string target;
};

std::vector<Reference> references_of(const QueueConfig& queue) {
    std::vector<Reference> references;
    if (!queue.dead_letter.queue.empty()) {
        references.push_back({{"dead_letter", "queue"}, queue.dead_letter.queue});
    }
    if (!queue.copy_to.empty()) references.push_back({{"copy_to"}, queue.copy_to});
    if (!queue.move_to.empty()) references.push_back({{"move_to"}, queue.move_to});
    return references;
}

ConfigPath path_of(const ConfigPath& base, const ConfigPath& key) {
    ConfigPath path = base;
    path.insert(path.end(), key.begin(), key.end());
    return path;
}

using QueuesByName = std::map<std::string, const QueueConfig*, std::less<>>;

std::string missing_queue(const std::string& name, const QueuesByName& queues) {
    std::vector<std::string_view> names;
    for (const auto& [known, queue] : queues)
        names.push_back(known);
    return fmt::format(
        "names the queue \"{}\"{}, which is not configured, add it to queues",
        name,
        did_you_mean(name, names)
    );
}

bool allows_redrive(const RedriveAllowConfig& rule, const std::string& source) {
    switch (rule.permission) {
        case RedrivePermission::allow_all:
            return true;
        case RedrivePermission::deny_all:
            return false;
        case RedrivePermission::by_queue:
            return std::ranges::find(rule.sources, source) != rule.sources.end();
    }
    return false;
}

Problem find_dead_letter_problem(
    const QueueConfig& queue, const ConfigPath& base, const QueuesByName& queues
) {
    const DeadLetterConfig& rule = queue.dead_letter;
    if (rule.queue.empty() && rule.max_receives == 0) return {};
    if (rule.queue.empty()) {
        return problem_at(path_of(base, {"dead_letter"}), "has no queue, add dead_letter.queue");
    }
    if (rule.max_receives == 0) {
        return problem_at(
            path_of(base, {"dead_letter"}),
            "has no max_receives, add dead_letter.max_receives from 1 to 1000"
        );
    }
    const auto target = queues.find(rule.queue);
    const ConfigPath path = path_of(base, {"dead_letter", "queue"});
    if (target == queues.end()) return problem_at(path, missing_queue(rule.queue, queues));
    if (target->second->fifo != queue.fifo && !queue.name.empty()) {
        return problem_at(
            path,
            fmt::format(
                "is \"{}\", a {} queue, the dead-letter queue of a {} queue must be of its kind",
                rule.queue,
                target->second->fifo ? "FIFO" : "standard",
                queue.fifo ? "FIFO" : "standard"
            )
        );
    }
    if (!allows_redrive(target->second->redrive_allow, queue.name)) {
        return problem_at(
            path, fmt::format("is \"{}\", whose redrive_allow does not allow it", rule.queue)
        );
    }
    return {};
}

Problem find_tag_problem(const QueueConfig& queue, const ConfigPath& base) {
    for (const auto& [key, text] : queue.tags) {
        if (key.empty() || key.size() > 128 || text.size() > 256) {
            return problem_at(
                path_of(base, {"tags"}),
                fmt::format(
                    "\"{}\" is not a tag, its name may have 1 to 128 characters and its value 256",
                    key
                )
            );
        }
    }
    return {};
}

Problem find_reference_problem(
    const QueueConfig& queue, const ConfigPath& base, const QueuesByName& queues
) {
    if (Problem found = find_dead_letter_problem(queue, base, queues)) return found;
    for (const Reference& reference : references_of(queue)) {
        const auto target = queues.find(reference.target);
        if (target == queues.end()) {
            return problem_at(
                path_of(base, reference.key), missing_queue(reference.target, queues)
            );
        }
        if (target->second->fifo && !queue.fifo && !queue.name.empty()) {
            return problem_at(
                path_of(base, reference.key),
                fmt::format(
                    "is \"{}\", a FIFO queue, but messages of a standard queue have no order",
                    reference.target
                )
            );
        }
    }
    if (queue.redrive_allow.sources.size() > 10) {
        return problem_at(path_of(base, {"redrive_allow"}), "lists more than 10 queues");
    }
    if (!queue.job_type.empty() &&
        (!is_valid_kind(queue.job_type) || queue.job_type.starts_with("__"))) {
        return problem_at(
            path_of(base, {"job_type"}),
            "is not the type of a job, use letters, digits and _ - . : / and no __ at the start"
        );
    }
    return find_tag_problem(queue, base);
}

Problem find_name_problem(const QueueConfig& queue, const ConfigPath& base, LimitsMode limits) {
    if (!is_queue_name(queue.name, limits)) {
        return problem_at(
            base,
            fmt::format(
                "\"{}\" is not a queue name, use 1 to {} letters, digits, - and _, with .fifo at "
                "the end of a FIFO queue",
                queue.name,
                queue_name_max
            )
        );
    }
    if (queue.fifo != queue.name.ends_with(fifo_suffix)) {
        return problem_at(
            path_of(base, {"fifo"}),
            queue.fifo
                ? fmt::format(
                      "is true, but the name does not end in .fifo; name it {}.fifo", queue.name
                  )
                : "is false, but the name ends in .fifo, which is for FIFO queues only"
        );
    }
    return {};
}

// Walks along unresolved references until a queue comes again: that is the circle.
ConfigProblem describe_circle(
    const std::vector<QueueConfig>& queues, const std::vector<std::size_t>& missing
) {
    const auto stuck = std::ranges::find_if(missing, [](std::size_t n) { return n > 0; });
    auto at = static_cast<std::size_t>(stuck - missing.begin());
    std::vector<std::string> walked;
    ConfigPath key;
    while (std::ranges::find(walked, queues[at].name) == walked.end()) {
        walked.push_back(queues[at].name);
        for (const Reference& reference : references_of(queues[at])) {
            const auto target = std::ranges::find(queues, reference.target, &QueueConfig::name);
            const auto index = static_cast<std::size_t>(target - queues.begin());
            if (target == queues.end() || missing[index] == 0) continue;
            key = path_of({"queues", queues[at].name}, reference.key);
            at = index;
            break;
        }
    }
    walked.erase(walked.begin(), std::ranges::find(walked, queues[at].name));
    walked.push_back(queues[at].name);
    return {.path = key, .text = fmt::format("goes in a circle: {}", fmt::join(walked, " -> "))};
}

}  // namespace

std::optional<ConfigProblem> find_queue_problem(const ServerConfig& config) {
    QueuesByName queues;
    for (const QueueConfig& queue : config.queues) {
        const ConfigPath base{"queues", queue.name};
        if (Problem found = find_name_problem(queue, base, config.limits)) return found;
        if (!queues.emplace(queue.name, &queue).second) {
            return problem_at(base, "is configured twice, remove one of them");
        }
    }
    for (const QueueConfig& queue : config.queues) {
        const ConfigPath base{"queues", queue.name};
        if (Problem found = find_fifo_problem(queue, base)) return found;
        if (Problem found = find_reference_problem(queue, base, queues)) return found;
    }
    const ConfigPath base{"queue_template"};
    if (Problem found = find_fifo_problem(config.auto_create_template, base)) return found;
    return find_reference_problem(config.auto_create_template, base, queues);
}

std::optional<ConfigProblem> order_queues(std::vector<QueueConfig>& queues) {
    std::ranges::sort(queues, {}, &QueueConfig::name);
    std::map<std::string, std::vector<std::size_t>, std::less<>> waiting;
    std::vector<std::size_t> missing(queues.size());
    std::set<std::size_t> ready;  // sorted by index, which is by name
    for (std::size_t i = 0; i < queues.size(); ++i) {
        for (const Reference& reference : references_of(queues[i])) {
            waiting[reference.target].push_back(i);
            ++missing[i];
        }
        if (missing[i] == 0) ready.insert(i);
    }
    std::vector<QueueConfig> ordered;
    while (!ready.empty()) {
        const std::size_t next = *ready.begin();
        ready.erase(ready.begin());
        for (const std::size_t i : waiting[queues[next].name]) {
            if (--missing[i] == 0) ready.insert(i);
        }
        ordered.push_back(queues[next]);
    }
    if (ordered.size() != queues.size()) return describe_circle(queues, missing);
    queues = std::move(ordered);
    return {};
}

}  // namespace tranter::cli

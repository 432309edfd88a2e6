#include "supervise/instance_logs.hpp"

#include "supervise/numbered.hpp"

#include <algorithm>
#include <initializer_list>

namespace tranter::supervise {
namespace {

std::vector<LogWriter::TargetPtr> each_once(std::initializer_list<LogWriter::TargetPtr> targets) {
    std::vector<LogWriter::TargetPtr> out;
    for (const auto& target : targets) {
        if (target && std::ranges::find(out, target) == out.end()) out.push_back(target);
    }
    return out;
}

}  // namespace

std::vector<LogWriter::TargetPtr> InstanceLogs::targets(bool is_errors) const {
    return each_once({is_errors ? errors : output, combined});
}

std::vector<LogWriter::TargetPtr> InstanceLogs::all() const {
    return each_once({output, errors, combined});
}

InstanceLogs LogTargets::open(const LogRule& rule, std::uint32_t number) {
    std::erase_if(targets_, [](const auto& entry) { return entry.second.expired(); });
    return {
        .output = open_path(numbered(rule.output, number), rule),
        .errors = open_path(numbered(rule.errors, number), rule),
        .combined = open_path(numbered(rule.combined, number), rule)};
}

LogWriter::TargetPtr LogTargets::open_path(const std::string& path, const LogRule& rule) {
    if (path.empty() || path == "/dev/null") return nullptr;
    auto& known = targets_[path];
    if (auto target = known.lock()) return target;
    auto target = writer_.open(
        {.path = path,
         .bytes_max = rule.bytes_max,
         .files_max = rule.files_max,
         .age_max = rule.age_max,
         .compress = rule.compress}
    );
    known = target;
    return target;
}

}  // namespace tranter::supervise

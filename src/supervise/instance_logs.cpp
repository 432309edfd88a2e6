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

InstanceLogs LogTargets::open(const App& app, std::uint32_t number) {
    std::erase_if(targets_, [](const auto& entry) { return entry.second.target.expired(); });
    return {
        .output = open_path(numbered(app.logs.output, number), app),
        .errors = open_path(numbered(app.logs.errors, number), app),
        .combined = open_path(numbered(app.logs.combined, number), app)};
}

LogWriter::TargetPtr LogTargets::open_path(const std::string& path, const App& app) {
    if (path.empty() || is_no_file(path)) return nullptr;
    const LogRule& rule = app.logs;
    const FileOwner owner{.user = app.limits.user, .group = app.limits.group};
    LogFile::Options file{
        .path = path,
        .owner = owner,
        .bytes_max = rule.bytes_max,
        .files_max = rule.files_max,
        .age_max = rule.age_max,
        .compress = rule.compress};
    Known& known = targets_[{path, owner}];
    auto target = known.target.lock();
    if (!target) {
        target = writer_.open(file);
        known.target = target;
    } else if (known.file != file) {
        writer_.change(target, file);
    }
    known.file = std::move(file);
    return target;
}

}  // namespace tranter::supervise

#pragma once

#include "supervise/app.hpp"
#include "supervise/log_writer.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::supervise {

/// The log files of one instance. Null: there is none. Several may be the same.
struct InstanceLogs {
    LogWriter::TargetPtr output{};
    LogWriter::TargetPtr errors{};
    LogWriter::TargetPtr combined{};

    /// Where its output, or its errors, are written to, each once.
    std::vector<LogWriter::TargetPtr> targets(bool is_errors) const;
    /// All of them, each once.
    std::vector<LogWriter::TargetPtr> all() const;
};

/// Opens each file once for each user that it may belong to, whoever writes to it: two that rotate
/// the same file would lose lines. Not thread-safe.
class LogTargets {
  public:
    explicit LogTargets(LogWriter& writer) : writer_(writer) {}

    InstanceLogs open(const App& app, std::uint32_t number);

  private:
    LogWriter::TargetPtr open_path(const std::string& path, const App& app);

    LogWriter& writer_;
    struct Known {
        std::weak_ptr<LogWriter::Target> target{};
        LogFile::Options file{};
    };
    std::map<std::pair<std::string, FileOwner>, Known> targets_{};
};

}  // namespace tranter::supervise

#include "base/log.hpp"

#include "base/log_text.hpp"
#include "base/suggest.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace tranter {
namespace {

constexpr std::array<std::string_view, 7> level_names{
    "trace", "debug", "info", "warn", "error", "fatal", "off"};
constexpr std::array<std::string_view, 4> format_names{"auto", "json", "logfmt", "pretty"};

LogFormat concrete(LogFormat format) {
    if (format != LogFormat::automatic) return format;
    return isatty(STDERR_FILENO) == 1 ? LogFormat::pretty : LogFormat::json;
}

/// The process-wide log. spdlog owns the stream and its lock; the lines come finished.
class Log {
  public:
    Log() : sink_("tranter", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        sink_.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
        sink_.set_level(spdlog::level::trace);
        sink_.flush_on(spdlog::level::trace);
    }

    void start(const LogOptions& options) {
        const std::lock_guard lock(mutex_);
        format_ = concrete(options.format);
        repeats_ = LogRepeatLimit(options.repeats_max);
        component_levels_.clear();
        level_ = options.level;
        lowest_level_ = options.level;
    }

    void set_level(LogLevel level) {
        const std::lock_guard lock(mutex_);
        level_ = level;
        update_lowest();
    }

    void set_level(std::string_view component, LogLevel level) {
        const std::lock_guard lock(mutex_);
        component_levels_.insert_or_assign(std::string(component), level);
        update_lowest();
    }

    void set_output(LogOutput output) {
        auto next = output ? std::make_shared<const LogOutput>(std::move(output)) : nullptr;
        const std::lock_guard lock(mutex_);
        output_.swap(next);
    }

    bool passes(LogLevel level, std::string_view component) {
        // Most calls are below every level: no lock for them.
        if (level < lowest_level_.load(std::memory_order_relaxed)) return false;
        const std::lock_guard lock(mutex_);
        const auto own = component_levels_.find(component);
        return level >= (own == component_levels_.end() ? level_ : own->second);
    }

    void write(
        LogLevel level, std::string_view component, std::string_view message, LogFields fields
    ) {
        const auto now =
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        LogRepeatLimit::Decision decision;
        LogFormat format{};
        std::shared_ptr<const LogOutput> output;
        {
            const std::lock_guard lock(mutex_);
            format = format_;
            output = output_;
            if (level >= LogLevel::info) decision = repeats_.decide(now, component, message);
        }
        if (!decision.write) return;
        if (decision.suppressed > 0) {
            put(output.get(),
                format_log_line(
                    format,
                    now,
                    level,
                    component,
                    "repeats of the next line were not written",
                    {{"count", decision.suppressed}}
                ));
        }
        put(output.get(), format_log_line(format, now, level, component, message, fields));
    }

  private:
    void put(const LogOutput* output, const std::string& line) {
        if (output != nullptr) {
            (*output)(line + "\n");
        } else {
            sink_.log(spdlog::level::info, line);
        }
    }

    void update_lowest() {
        LogLevel lowest = level_;
        for (const auto& [component, level] : component_levels_)
            lowest = std::min(lowest, level);
        lowest_level_ = lowest;
    }

    spdlog::logger sink_;
    std::atomic<LogLevel> lowest_level_ = LogLevel::info;
    std::mutex mutex_;
    // Guarded by mutex_.
    LogFormat format_ = LogFormat::logfmt;
    std::shared_ptr<const LogOutput> output_;  // with whoever logs just then; null: stderr
    LogLevel level_ = LogLevel::info;
    std::map<std::string, LogLevel, std::less<>> component_levels_;
    LogRepeatLimit repeats_{LogOptions{}.repeats_max};
};

// Never destroyed, so that threads and destructors may log until the very end.
Log& process_log() {
    static Log& log = *new Log;
    return log;
}

template <class Enum, std::size_t count>
Result<Enum> parse_name(
    std::string_view text, std::string_view noun, const std::array<std::string_view, count>& names
) {
    const auto found = std::ranges::find(names, text);
    if (found != names.end()) return static_cast<Enum>(found - names.begin());
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "unknown {} \"{}\"{}, use one of {}",
            noun,
            text,
            did_you_mean(text, names),
            fmt::join(names, ", ")
        )
    );
}

}  // namespace

void start_logging(const LogOptions& options) {
    process_log().start(options);
}

void set_log_level(LogLevel level) {
    process_log().set_level(level);
}

void set_component_log_level(std::string_view component, LogLevel level) {
    process_log().set_level(component, level);
}

void set_log_output(LogOutput output) {
    process_log().set_output(std::move(output));
}

bool logs_at(LogLevel level, std::string_view component) {
    return process_log().passes(level, component);
}

void log_line(
    LogLevel level, std::string_view component, std::string_view message, LogFields fields
) {
    Log& log = process_log();
    if (log.passes(level, component)) log.write(level, component, message, fields);
}

std::string_view log_level_name(LogLevel level) {
    return level_names[static_cast<std::size_t>(level)];
}

std::string_view log_format_name(LogFormat format) {
    return format_names[static_cast<std::size_t>(format)];
}

Result<LogLevel> parse_log_level(std::string_view text) {
    return parse_name<LogLevel>(text, "log level", level_names);
}

Result<LogFormat> parse_log_format(std::string_view text) {
    return parse_name<LogFormat>(text, "log format", format_names);
}

}  // namespace tranter

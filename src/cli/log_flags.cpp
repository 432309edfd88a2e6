#include "cli/log_flags.hpp"

namespace tranter::cli {

Option log_format_option() {
    return {
        .name = "log-format",
        .value = "FORMAT",
        .help = "how to log (default: pretty on a terminal, otherwise json)",
        .choices = {"json", "logfmt", "pretty"}};
}

Option log_level_option() {
    return {
        .name = "log-level",
        .value = "LEVEL",
        .help = "what to log (default: info)",
        .choices = {"debug", "info", "warn", "error"}};
}

Result<> apply_log_flags(
    const std::optional<std::string>& format,
    const std::optional<std::string>& level,
    LogOptions& log
) {
    if (format) {
        const auto parsed = parse_log_format(*format);
        if (!parsed)
            return fail(Errc::invalid_argument, "--log-format: " + parsed.error().message());
        log.format = *parsed;
    }
    if (level) {
        const auto parsed = parse_log_level(*level);
        if (!parsed)
            return fail(Errc::invalid_argument, "--log-level: " + parsed.error().message());
        log.level = *parsed;
    }
    return {};
}

}  // namespace tranter::cli

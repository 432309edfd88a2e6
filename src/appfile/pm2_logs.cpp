#include "appfile/path_text.hpp"
#include "appfile/pm2_context.hpp"
#include "appfile/programs.hpp"
#include "supervise/file_access.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace tranter::appfile {
namespace {

struct TimeToken {
    std::string_view dayjs;
    std::string_view strftime;  // empty: there is none
};

// The longest first.
constexpr std::array<TimeToken, 29> time_tokens{{
    {"YYYY", "%Y"}, {"MMMM", "%B"}, {"dddd", "%A"}, {"MMM", "%b"}, {"ddd", "%a"}, {"SSS", ""},
    {"YY", "%y"},   {"MM", "%m"},   {"DD", "%d"},   {"Do", ""},    {"dd", "%a"},  {"HH", "%H"},
    {"hh", "%I"},   {"mm", "%M"},   {"ss", "%S"},   {"ZZ", "%z"},  {"M", "%-m"},  {"D", "%-d"},
    {"d", "%w"},    {"H", "%-H"},   {"h", "%-I"},   {"k", "%k"},   {"m", "%-M"},  {"s", "%-S"},
    {"A", "%p"},    {"a", "%P"},    {"Z", "%z"},    {"X", "%s"},   {"x", ""},
}};

bool is_no_file(std::string_view path) {
    return supervise::is_no_file(path) || path == "NULL" || path == "null";
}

std::string read_path(
    Fields& fields, Fields::Names names, const Pm2Context& context, const supervise::App& app
) {
    const auto path = fields.text(names);
    if (!path || path->empty()) return {};
    if (is_no_file(*path)) return "/dev/null";
    return resolve_path(app.directory, expand_home(*path, context.options.environment));
}

}  // namespace

std::string with_number(std::string_view path, std::string_view ending) {
    if (path.empty() || path == "/dev/null") return std::string(path);
    if (!path.ends_with(ending)) return std::string(path) + "-{number}";
    path.remove_suffix(ending.size());
    return std::string(path).append("-{number}").append(ending);
}

std::string strftime_format(std::string_view dayjs, std::vector<std::string>& lost) {
    std::string out;
    while (!dayjs.empty()) {
        if (const std::size_t end = dayjs.find(']'); dayjs[0] == '[' && end != dayjs.npos) {
            for (const char c : dayjs.substr(1, end - 1))
                out.append(c == '%' ? 2 : 1, c);
            dayjs.remove_prefix(end + 1);
            continue;
        }
        std::size_t used = 1;
        const TimeToken* found = nullptr;
        for (const TimeToken& token : time_tokens) {
            if (found == nullptr && dayjs.starts_with(token.dayjs)) found = &token;
        }
        if (found != nullptr) {
            used = found->dayjs.size();
            out += found->strftime;
            if (found->strftime.empty()) lost.emplace_back(found->dayjs);
        } else {
            out.append(dayjs[0] == '%' ? 2 : 1, dayjs[0]);
        }
        dayjs.remove_prefix(used);
    }
    return out;
}

supervise::LogRule read_logs(Fields& fields, const Pm2Context& context, const supervise::App& app) {
    supervise::LogRule rule;
    rule.output = read_path(fields, {"out_file", "out", "output", "out_log"}, context, app);
    rule.errors =
        read_path(fields, {"error_file", "error", "err", "err_file", "err_log"}, context, app);
    const Value* combined = fields.find({"log_file", "log"});
    if (combined != nullptr && combined->flag() != nullptr) {
        const std::string& directory = context.options.logs_directory;
        if (*combined->flag() && directory.empty()) {
            context.remark(fields, "log_file", "is true and has no place here, name a file");
        } else if (*combined->flag()) {
            rule.combined = resolve_path(directory, log_name(app.name) + ".log");
        }
    } else {
        rule.combined = read_path(fields, {"log_file", "log"}, context, app);
        if (rule.combined == "/dev/null") rule.combined.clear();
    }
    const bool merges = fields.flag({"merge_logs", "combine_logs"}).value_or(app.instances == 1);
    if (!merges) {
        for (std::string* path : {&rule.output, &rule.errors, &rule.combined})
            *path = with_number(*path, ".log");
    } else if (app.instances > 1 && (rule.output.empty() || rule.errors.empty())) {
        context.remark(fields, "merge_logs", "is for out_file and error_file, name both");
    }
    if (fields.flag({"disable_logs"}).value_or(false)) {
        rule.output = rule.errors = "/dev/null";
        rule.combined.clear();
    }
    const auto type = fields.text({"log_type"});
    rule.json = type == "json";
    if (type && *type != "json" && *type != "raw") {
        fields.refuse("log_type", *fields.find({"log_type"}), "\"json\" or \"raw\"");
    }
    auto format = fields.text({"log_date_format"});
    if (fields.flag({"time"}).value_or(false) && !format) format = "YYYY-MM-DDTHH:mm:ss";
    if (format) {
        std::vector<std::string> lost;
        rule.time_format = strftime_format(*format, lost);
        if (!lost.empty()) {
            context.remark(
                fields,
                "log_date_format",
                fmt::format("{} is left out, strftime has nothing like it", fmt::join(lost, ", "))
            );
        }
    }
    return rule;
}

}  // namespace tranter::appfile

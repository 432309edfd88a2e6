#pragma once

#include "appfile/load.hpp"
#include "appfile/pm2_fields.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// Says to programs where their supervisor keeps logs and the like.
constexpr std::string_view pm2_home_variable = "PM2_HOME";

/// What all apps of one file share while they are read.
struct Pm2Context {
    const LoadOptions& options;
    std::string file{};            // for error texts
    std::string directory{};       // that relative paths are relative to
    std::string file_directory{};  // where the file is
    const Value::Object* deploy = nullptr;
    /// Keys without meaning here, of all apps together.
    std::set<std::string>* ignored_keys = nullptr;
    std::vector<Remark>& remarks;

    void remark(const Fields& fields, std::string_view key, std::string text) const {
        remarks.push_back({fields.where() + "." + std::string(key), std::move(text)});
    }
};

/// What an app runs, and where.
struct Pm2Command {
    std::vector<std::string> command{};
    std::string directory{};
    std::string script{};  // as the file has it
    bool is_node = false;
    bool is_python = false;
};
/// Errors are kept in `fields`.
Pm2Command read_command(Fields& fields, const Pm2Context& context);

/// Times, files and formats of logs.
supervise::LogRule read_logs(
    Fields& fields,
    const Pm2Context& context,
    const supervise::App& app  // its name, directory and instances
);

/// The format of dayjs as one of strftime(3). `lost` gets the tokens that strftime does not have.
std::string strftime_format(std::string_view dayjs, std::vector<std::string>& lost);

/// The name of an app as part of a file's name.
std::string log_name(std::string_view app);

/// `path` with -{number} in front of `ending`, or behind it all.
std::string with_number(std::string_view path, std::string_view ending);

/// One object of a PM2 file as an app with PM2's defaults.
[[nodiscard]] Result<supervise::App> read_pm2_app(Fields fields, const Pm2Context& context);

/// Names keys that PM2 does not have, with the nearest that it has; collects those without meaning
/// here.
void remark_on_keys(const Fields& fields, const Pm2Context& context);

/// All apps of a file: a list, an object with `apps` or `pm2`, or one app.
[[nodiscard]] Result<std::vector<supervise::App>> read_pm2_file(
    const Value& root, const Pm2Context& context
);

}  // namespace tranter::appfile

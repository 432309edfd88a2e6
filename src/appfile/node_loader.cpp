#include "appfile/node_loader.hpp"

#include "appfile/file_text.hpp"
#include "appfile/script.hpp"
#include "base/log_text.hpp"
#include "process/run.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tranter::appfile {
namespace {

constexpr Duration node_time_max = std::chrono::seconds(10);
constexpr std::size_t result_bytes_max = std::size_t{4} << 20;

/// Arguments: the file, and where the result goes, since the file may print what it likes.
constexpr std::string_view loader = R"js(
const fs = require('fs');
const url = require('url');
const [file, out] = process.argv.splice(1, 2, process.argv[1]);
const write = (result) => { fs.writeFileSync(out, JSON.stringify(result)); process.exit(0); };
const functions = [];
function plain(value, where, depth) {
  if (typeof value === 'function' || typeof value === 'symbol') {
    functions.push(where);
    return undefined;
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (Object.prototype.toString.call(value) === '[object RegExp]') {
    return { $regex: value.source, $flags: value.flags };
  }
  if (depth > 60) throw new Error(`${where} is nested too deep, or contains itself`);
  if (typeof value.toJSON === 'function') return plain(value.toJSON(), where, depth + 1);
  if (Array.isArray(value)) {
    return value.map((each, i) => {
      const made = plain(each, `${where}[${i}]`, depth + 1);
      return made === undefined ? null : made;
    });
  }
  const members = {};
  for (const key of Object.keys(value)) {
    const made = plain(value[key], where ? `${where}.${key}` : key, depth + 1);
    if (made !== undefined) {
      Object.defineProperty(members, key, { value: made, enumerable: true, configurable: true });
    }
  }
  return members;
}
async function load() {
  const asModule = () => import(url.pathToFileURL(file).href);
  if (file.endsWith('.mjs')) return asModule();
  try {
    return require('module').createRequire(file)(file);
  } catch (error) {
    if (error && error.code === 'ERR_REQUIRE_ESM') return asModule();
    throw error;
  }
}
(async () => {
  let value = await load();
  if (value && value.default !== undefined) value = value.default;
  if (typeof value === 'function') value = await value();
  write({ value: plain(value, '', 0), functions });
})().catch((error) => {
  const stack = String((error && error.stack) || '');
  const at = stack.split(file + ':')[1];
  write({
    line: at === undefined ? 0 : parseInt(at, 10) || 0,
    error: String((error && error.message) || error),
  });
});
)js";

/// A directory that only we can enter, and that goes with this object.
class PrivateDirectory {
  public:
    PrivateDirectory() {
        std::error_code error;
        path_ = std::filesystem::temp_directory_path(error) / "tranter-XXXXXX";
        if (error) path_ = "/tmp/tranter-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) {
            why_ = std::strerror(errno);
        }
    }
    ~PrivateDirectory() {
        std::error_code error;
        if (why_.empty()) std::filesystem::remove_all(path_, error);
    }
    PrivateDirectory(const PrivateDirectory&) = delete;
    PrivateDirectory& operator=(const PrivateDirectory&) = delete;

    const std::string& path() const { return path_; }
    /// Empty: it is there.
    const std::string& why_not() const { return why_; }

  private:
    std::string path_{};
    std::string why_{};
};

void forget_places(Value& value) {
    value.place = {};
    if (auto* array = std::get_if<Value::Array>(&value.data)) {
        for (Value& element : *array)
            forget_places(element);
    } else if (auto* object = std::get_if<Value::Object>(&value.data)) {
        for (Member& member : *object)
            forget_places(member.value);
    }
}

/// What the file says of how it ended, when it wrote no result.
std::unexpected<Error> no_result(
    const NodeOptions& options, const process::RunReport& report, const std::string& last_line
) {
    if (report.ended == process::RunReport::Ended::timed_out) {
        return fail(
            Errc::timed_out,
            options.path + ": node did not come to an end within 10s, a configuration is only read"
        );
    }
    const std::string how = report.exit.signal != 0 ? process::signal_name(report.exit.signal)
                                                    : fmt::format("code {}", report.exit.code);
    return fail(
        Errc::invalid_argument,
        one_line(fmt::format(
            "{}: node ended with {} before the file had exported anything{}{}",
            options.path,
            how,
            last_line.empty() ? "" : ": ",
            last_line
        ))
    );
}

Result<NodeModule> read_result(const NodeOptions& options, const std::string& json) {
    auto parsed = evaluate_script(json, {.form = ScriptOptions::Form::expression});
    const auto* object = parsed ? parsed->object() : nullptr;
    if (object == nullptr) {
        return fail(Errc::invalid_argument, options.path + ": exports more than can be read");
    }
    if (const Value* error = find_member(*object, "error")) {
        const Value* line = find_member(*object, "line");
        const bool has_line = line != nullptr && line->number() != nullptr && *line->number() > 0;
        return fail(
            Errc::invalid_argument,
            one_line(fmt::format(
                "{}{}: node says: {}",
                options.path,
                has_line ? ":" + to_text(*line) : "",
                to_text(*error)
            ))
        );
    }
    NodeModule out{.value = {.data = nullptr}};
    if (const Value* value = find_member(*object, "value")) out.value = *value;
    forget_places(out.value);
    const Value* functions = find_member(*object, "functions");
    if (functions != nullptr && functions->array() != nullptr) {
        for (const Value& one : *functions->array())
            out.functions.push_back(to_text(one));
    }
    return out;
}

}  // namespace

Result<NodeModule> load_by_node(const NodeOptions& options) {
    const PrivateDirectory directory;
    if (!directory.why_not().empty()) {
        return fail(
            Errc::unavailable,
            fmt::format("{} cannot be made: {}", directory.path(), directory.why_not())
        );
    }
    const std::string result_path = directory.path() + "/result";
    process::RunOptions run;
    run.program.command = {
        options.node, "-e", std::string(loader), "--", options.path, result_path};
    run.program.environment = options.environment;
    run.program.directory = options.directory;
    run.timeout = node_time_max;
    run.grace = std::chrono::seconds(1);
    run.output_max = 0;
    std::string last_line;
    run.on_error_line = [&](std::string_view line) {
        if (!line.empty()) last_line = line;
    };
    const auto report = process::run(run);
    if (!report) return std::unexpected(report.error());
    const auto json = read_file_text(result_path, result_bytes_max);
    if (report->ended != process::RunReport::Ended::by_itself || !json) {
        return no_result(options, *report, last_line);
    }
    return read_result(options, *json);
}

}  // namespace tranter::appfile

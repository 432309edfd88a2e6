#include "handlers/exec_handler.hpp"

#include "handlers/result_text.hpp"
#include "process/run.hpp"

#include <tranter/exception.hpp>

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <utility>

namespace tranter::handlers {
namespace {

constexpr std::size_t lines_in_reason = 5;

/// The end of the error output, which mostly says what went wrong.
class LastLines {
  public:
    void add(std::string_view line) {
        lines_.emplace_back(line);
        if (lines_.size() > lines_in_reason) lines_.pop_front();
    }
    std::string text() const {
        std::string out;
        for (const std::string& line : lines_)
            out += (out.empty() ? "" : "\n") + line;
        return out;
    }

  private:
    std::deque<std::string> lines_;
};

std::string describe(const process::Child::Exit& exit) {
    if (exit.signal == 0) return fmt::format("exit code {}", exit.code);
    return "killed by " + process::signal_name(exit.signal);
}

std::string reason(const process::Child::Exit& exit, const LastLines& lines) {
    const std::string text = lines.text();
    return text.empty() ? describe(exit) : describe(exit) + ": " + text;
}

AttemptOutcome outcome_of_exit(const process::RunReport& report, const LastLines& lines) {
    const auto& exit = report.exit;
    if (exit.signal != 0) return Failed{.type = "signal", .text = reason(exit, lines)};
    switch (exit.code) {
        case 0:
            if (report.output_truncated) {
                return Dead{
                    .type = "result_too_large",
                    .reason = fmt::format("the output has more than {} bytes", result_bytes_max)};
            }
            return completed_with_text(report.output);
        case exit_dead:
            return Dead{.type = "exit", .reason = reason(exit, lines)};
        default:
            return Failed{.type = "exit", .text = reason(exit, lines)};
    }
}

/// Of a program that was asked to stop: whether it had done its work, or said that nobody can, all
/// the same. Another code may be its way to end early.
bool has_answered(const process::Child::Exit& exit) {
    return exit.signal == 0 && (exit.code == 0 || exit.code == exit_dead);
}

AttemptOutcome run_command(
    const ExecOptions& options, const std::vector<std::string>& environment, Context& context
) {
    LastLines lines;
    process::RunOptions run;
    run.program = {
        .command = options.command,
        .environment = environment,
        .directory = options.directory,
        .limits = options.limits};
    append_job_environment(run.program.environment, context);
    run.input = context.payload();
    run.grace = options.grace;
    run.output_max = result_bytes_max;
    run.stop = context.stop_token();
    run.on_error_line = [&](std::string_view line) {
        lines.add(line);
        context.log(std::string(line));
    };
    const auto report = process::run(run);
    if (!report) return Failed{.type = "start", .text = report.error().message()};
    const bool was_stopped = report->ended == process::RunReport::Ended::stopped;
    if (was_stopped && !has_answered(report->exit)) return stopped_outcome(context);
    return outcome_of_exit(*report, lines);
}

/// "{payload}" and the like: somebody expects the payload there, and would get it into a shell.
void refuse_placeholders(const ExecOptions& options) {
    for (const std::string& word : options.command) {
        for (const std::string_view name :
             {"{payload}", "{{payload}}", "{type}", "{id}", "{group}"}) {
            if (!word.contains(name)) continue;
            throw Exception(Error(
                Errc::invalid_argument,
                fmt::format(
                    "the command has {} in it, but nothing of a job becomes part of a command: "
                    "read "
                    "the payload from the standard input, and the rest from TRANTER_ variables",
                    name
                )
            ));
        }
    }
}

}  // namespace

RunHandler make_exec_handler(
    ExecOptions options, const Getenv& getenv, std::shared_ptr<OrphanWatch> orphans
) {
    if (options.command.empty() || options.command.front().empty()) {
        throw Exception(Error(
            Errc::invalid_argument, "exec is empty, it needs a program: exec = [\"./run.sh\"]"
        ));
    }
    refuse_placeholders(options);
    auto environment = base_environment(options.environment, getenv);
    return [options = std::move(options),
            environment = std::move(environment),
            orphans = std::move(orphans)](Context& context) {
        const OrphanWatch::Watched watched(orphans.get(), context.id());
        return run_command(options, environment, context);
    };
}

}  // namespace tranter::handlers

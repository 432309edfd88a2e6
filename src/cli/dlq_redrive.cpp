#include "cli/dlq_session.hpp"

#include <chrono>
#include <thread>

namespace tranter::cli {

namespace {

constexpr std::chrono::milliseconds poll_every(500);
constexpr std::int64_t rate_max = 500;

Json task_record(const Json& task) {
    Json record;
    record.set("status", task["Status"])
        .set("moved", task["ApproximateNumberOfMessagesMoved"].number())
        .set("to_move", task["ApproximateNumberOfMessagesToMove"].number());
    if (const Json& reason = task["FailureReason"]; !reason.is_null()) {
        record.set("failure_reason", reason);
    }
    return record;
}

/// The newest move task of a dead-letter queue.
Result<Json> newest_task(SqsClient& client, const std::string& arn) {
    Json input;
    input.set("SourceArn", arn).set("MaxResults", 1);
    const auto answer = client.call("ListMessageMoveTasks", input);
    if (!answer) return std::unexpected(answer.error());
    const Json::Array& tasks = (*answer)["Results"].items();
    return tasks.empty() ? Json() : tasks.front();
}

Result<int> wait_for_task(Session& session, const std::string& arn) {
    while (true) {
        const auto task = newest_task(session.client, arn);
        if (!task) return std::unexpected(task.error());
        const std::string_view status = (*task)["Status"].text();
        if (status != "RUNNING" && status != "CANCELLING") {
            session.progress.stop();
            session.output.one(task_record(*task));
            return status == "COMPLETED" ? 0 : 1;
        }
        const auto to_move = (*task)["ApproximateNumberOfMessagesToMove"].number();
        const auto moved = (*task)["ApproximateNumberOfMessagesMoved"].number();
        session.progress.set_total(static_cast<std::uint64_t>(to_move));
        session.progress.update(static_cast<std::uint64_t>(moved));
        std::this_thread::sleep_for(poll_every);
    }
}

/// AWS answers a second task for the same queue as an invalid parameter; to a script it is a
/// conflict.
Error explain_refusal(SqsClient& client, const std::string& arn, const Error& error) {
    if (error.code() != Errc::invalid_argument) return error;
    const auto running = newest_task(client, arn);
    if (!running || (*running)["Status"].text() != "RUNNING") return error;
    return {Errc::conflict, error.message()};
}

Result<int> redrive(const Arguments& arguments) {
    const auto rate = arguments.integer("rate", {.min = 1, .max = rate_max});
    if (!rate) return std::unexpected(rate.error());
    const std::string queue = arguments.text("QUEUE");
    auto session = Session::open(arguments, queue);
    if (!session) return std::unexpected(session.error());
    auto& [progress, client, output] = **session;
    progress.start("moving messages");
    const auto source = client.queue_arn(queue);
    if (!source) return std::unexpected(source.error());
    Json input;
    input.set("SourceArn", *source);
    if (const auto to = arguments.find("to")) {
        const auto target = client.queue_arn(*to);
        if (!target) return fail(target.error().code(), "--to: " + target.error().message());
        input.set("DestinationArn", *target);
    }
    if (*rate) input.set("MaxNumberOfMessagesPerSecond", **rate);
    const auto answer = client.call("StartMessageMoveTask", input);
    if (!answer) return std::unexpected(explain_refusal(client, *source, answer.error()));
    if (arguments.is_on("wait")) return wait_for_task(**session, *source);
    progress.stop();
    Json record;
    record.set("status", "RUNNING").set("task_handle", (*answer)["TaskHandle"]);
    output.one(record);
    return 0;
}

}  // namespace

Command dlq_redrive_command() {
    return {
        .name = "redrive",
        .summary = "have an SQS server move the messages of a dead-letter queue back",
        .description =
            "The server moves them; --wait stays until it is done. A second task "
            "for the same queue is\na conflict (exit code 4).",
        .positionals = {{.name = "QUEUE", .help = "name, URL or ARN of the dead-letter queue"}},
        .options = with_connection_options(
            {{.name = "to", .value = "QUEUE", .help = "move all to this queue instead"},
             {.name = "rate",
              .value = "N",
              .help = "messages per second, 1 to 500 (default: as fast as it goes)"},
             {.name = "wait", .value = "", .help = "wait until all are moved"}}
        ),
        .examples =
            {{"try everything again", "tranter dlq redrive orders-dlq --wait"},
             {"gently, into another queue",
              "tranter dlq redrive orders-dlq --to orders-retry --rate 10"}},
        .run = redrive,
    };
}

}  // namespace tranter::cli

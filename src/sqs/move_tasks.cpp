#include "base/encoding.hpp"
#include "base/json_writer.hpp"
#include "sqs/call.hpp"
#include "sqs/names.hpp"

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace tranter::sqs {

namespace {

constexpr std::int64_t rate_max = 500;
constexpr std::int64_t results_max = 10;
constexpr OutputList result_list{"Results", "ListMessageMoveTasksResultEntry"};

Failure no_such_resource(std::string_view parameter) {
    std::string text = "The resource that you specified for the ";
    text += parameter;
    text += " parameter doesn't exist.";
    return {Code::resource_not_found, std::move(text)};
}

Outcome<broker::QueueHandle> find_by_arn(
    Call& call, std::string_view arn, std::string_view parameter
) {
    const auto name = queue_name_of_arn(arn);
    if (!name) {
        return Failed(invalid_value(arn, parameter, "It must be the ARN of a queue."));
    }
    broker::QueueHandle queue = call.broker.find_queue(*name);
    if (!queue) return Failed(no_such_resource(parameter));
    return queue;
}

Outcome<broker::QueueHandle> find_source(Call& call) {
    const auto arn = call.input.text("SourceArn");
    if (call.input.failure()) return Failed(*call.input.failure());
    if (!arn || arn->empty()) return Failed(missing("SourceArn"));
    return find_by_arn(call, *arn, "SourceArn");
}

/// Base64 of `{"taskId":"...","sourceArn":"..."}`, which test suites take apart.
std::string make_handle(std::string_view task, std::string_view source_arn) {
    std::string text;
    JsonWriter(text)
        .begin_object()
        .member("taskId", task)
        .member("sourceArn", source_arn)
        .end_object();
    return to_base64(text);
}

struct TaskHandle {
    std::string task;
    std::string source;  // queue name
};

std::optional<TaskHandle> read_handle(std::string_view handle) {
    const auto text = from_base64(handle);
    if (!text) return std::nullopt;
    simdjson::dom::parser parser;
    simdjson::dom::object document;
    const simdjson::padded_string padded(*text);
    std::string_view task;
    std::string_view arn;
    if (parser.parse(padded).get(document) != simdjson::SUCCESS ||
        document["taskId"].get(task) != simdjson::SUCCESS ||
        document["sourceArn"].get(arn) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    const auto source = queue_name_of_arn(arn);
    if (!source) return std::nullopt;
    return TaskHandle{std::string(task), std::string(*source)};
}

std::string_view status_name(broker::MoveTask::Status status) {
    switch (status) {
        case broker::MoveTask::Status::running:
            return "RUNNING";
        case broker::MoveTask::Status::completed:
            return "COMPLETED";
        case broker::MoveTask::Status::cancelling:
            return "CANCELLING";
        case broker::MoveTask::Status::cancelled:
            return "CANCELLED";
        case broker::MoveTask::Status::failed:
            break;
    }
    return "FAILED";
}

void write_task(Call& call, const broker::MoveTask& task) {
    Output& output = call.output;
    const std::string source_arn = queue_arn(call.options, task.source);
    output.begin_object(result_list);
    if (task.status == broker::MoveTask::Status::running) {
        output.text("TaskHandle", make_handle(task.id, source_arn));
    }
    output.text("Status", status_name(task.status));
    output.text("SourceArn", source_arn);
    if (!task.destination.empty()) {
        output.text("DestinationArn", queue_arn(call.options, task.destination));
    }
    if (task.max_per_second != 0) {
        output.number("MaxNumberOfMessagesPerSecond", task.max_per_second);
    }
    output.number("ApproximateNumberOfMessagesMoved", task.moved);
    output.number("ApproximateNumberOfMessagesToMove", task.to_move);
    if (!task.failure.empty()) output.text("FailureReason", task.failure);
    output.number("StartedTimestamp", static_cast<std::uint64_t>(unix_millis(task.started)));
    output.end_object(result_list);
}

/// A task onto the queue itself would find what it has moved for ever, and a FIFO queue cannot do
/// with messages that have no group.
Outcome<> check_destination(
    const broker::Queue& source, const broker::Queue& destination, std::string_view arn
) {
    constexpr std::string_view parameter = "DestinationArn";
    if (source.name() == destination.name()) {
        return Failed(invalid_value(
            arn,
            parameter,
            "Source and destination of a message move task must be different queues."
        ));
    }
    if (source.fifo() != destination.fifo()) {
        return Failed(invalid_value(
            arn,
            parameter,
            "Source and destination of a message move task must be queues of the same type."
        ));
    }
    return {};
}

Outcome<std::uint32_t> read_rate(Call& call) {
    constexpr std::string_view name = "MaxNumberOfMessagesPerSecond";
    const auto rate = call.input.integer(name);
    if (!rate) return 0;
    if (!rate->valid || rate->value < 1 || rate->value > rate_max) {
        return Failed(invalid_value(rate->shown(), name, "It must be an integer between 1 and 500.")
        );
    }
    return static_cast<std::uint32_t>(rate->value);
}

}  // namespace

Outcome<> start_message_move_task(Call& call) {
    const auto source = find_source(call);
    if (!source) return Failed(source.error());
    const auto rate = read_rate(call);
    const std::string_view destination_arn =
        call.input.text("DestinationArn").value_or(std::string_view());
    if (Outcome<> good = call.check_input(); !good) return good;
    if (call.broker.dead_letter_sources((*source)->name()).empty()) {
        return failed(
            Code::invalid_parameter_value, "Source queue must be configured as a Dead Letter Queue."
        );
    }
    std::string destination;
    if (!destination_arn.empty()) {
        const auto queue = find_by_arn(call, destination_arn, "DestinationArn");
        if (!queue) return Failed(queue.error());
        if (Outcome<> good = check_destination(**source, **queue, destination_arn); !good) {
            return good;
        }
        destination = (*queue)->name();
    }
    if (!rate) return Failed(rate.error());

    const auto task = call.broker.start_move_task(*source, destination, *rate);
    if (!task) {
        switch (task.error().code()) {
            case Errc::not_found:
                return Failed(no_such_resource("DestinationArn"));
            case Errc::conflict:
                return failed(
                    Code::invalid_parameter_value,
                    "There is already a task running. Only one active task is allowed for a source "
                    "queue arn at a given time."
                );
            default:
                return Failed(from_error(task.error()));
        }
    }
    call.wait_for_all();
    call.output.text(
        "TaskHandle", make_handle(task->id, queue_arn(call.options, (*source)->name()))
    );
    return {};
}

Outcome<> cancel_message_move_task(Call& call) {
    const auto text = call.input.text("TaskHandle");
    if (Outcome<> good = call.check_input(); !good) return good;
    if (!text || text->empty()) return Failed(missing("TaskHandle"));
    const auto handle = read_handle(*text);
    if (!handle) {
        return failed(Code::invalid_parameter_value, "Value for parameter TaskHandle is invalid.");
    }
    if (!call.broker.find_queue(handle->source)) return Failed(no_such_resource("SourceArn"));
    const auto task = call.broker.cancel_move_task(handle->task);
    if (!task) {
        if (task.error().code() == Errc::not_found) {
            return failed(Code::resource_not_found, "Task does not exist.");
        }
        return Failed(from_error(task.error()));
    }
    call.wait_for_all();
    call.output.number("ApproximateNumberOfMessagesMoved", task->moved);
    return {};
}

Outcome<> list_message_move_tasks(Call& call) {
    const auto source = find_source(call);
    if (!source) return Failed(source.error());
    const auto max = call.input.integer("MaxResults");
    if (Outcome<> good = call.check_input(); !good) return good;
    if (max && (!max->valid || max->value < 1 || max->value > results_max)) {
        return failed(
            Code::invalid_parameter_value,
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
            "between 1 and 10."
        );
    }
    const auto tasks = call.broker.list_move_tasks(
        (*source)->name(), max ? static_cast<std::size_t>(max->value) : 1
    );
    if (tasks.empty()) return {};
    call.output.begin_list(result_list);
    for (const broker::MoveTask& task : tasks)
        write_task(call, task);
    call.output.end_list(result_list);
    return {};
}

}  // namespace tranter::sqs

#pragma once

#include "base/uuid.hpp"
#include "broker/broker.hpp"
#include "sqs/failure.hpp"
#include "sqs/input.hpp"
#include "sqs/output.hpp"
#include "sqs/reply.hpp"
#include "sqs/request_counters.hpp"
#include "sqs/service.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::sqs {

/// Twelve hours: the longest that a message may be hidden.
inline constexpr std::int64_t visibility_seconds_max = 43'200;

enum class Protocol : std::uint8_t { json, query };

struct Action;

/// How the answer to one request is dressed: small and free of references to the request, so that
/// it can wait with a long poll.
struct Dress {
    Protocol protocol = Protocol::json;
    const Action* action = nullptr;  // in the route table; null: unknown
    Uuid request_id{};
    RequestCounters* counters = nullptr;  // of the service, when it counts
    RequestCounters::Clock::time_point begun{};

    /// Counts the failure.
    http::Response failure(const Failure& failure) const;
    /// An Output for this action, filled by `write`. Counts the success.
    template <class Write>
    http::Response success(Write&& write) const {
        count_success();
        if (protocol == Protocol::json) {
            JsonOutput out;
            write(static_cast<Output&>(out));
            return finish(std::move(out));
        }
        XmlOutput out = begin_xml();
        write(static_cast<Output&>(out));
        return finish(std::move(out));
    }

    /// Not counted: what is not durable yet may still fail.
    http::Response finish(JsonOutput&& out) const;
    http::Response finish(XmlOutput&& out) const;
    XmlOutput begin_xml() const;
    void count_success() const;

  private:
    void count_failure(Code code) const;
};

/// One request while its action runs. Views live until the handler returns.
struct Call {
    const ServiceOptions& options;
    broker::Broker& broker;
    const Dress& dress;
    Input& input;
    Output& output;
    std::string_view host;        // Host header
    std::string_view path_queue;  // queue that the path addresses, or empty
    std::string_view trace_id;    // X-Amzn-Trace-Id header, or empty
    std::string_view sender;      // access key id, or empty
    Reply& reply;
    bool may_create = true;  // a queue at its first use, when that is configured

    /// The answer waits until the journal has made this position durable ...
    broker::Position position = 0;
    /// ... and written that one.
    broker::Position written = 0;
    /// The action moved `reply` away and answers by itself.
    bool reply_taken = false;

    /// The queue that QueueUrl names, or the path; made when that is configured.
    [[nodiscard]] Outcome<broker::QueueHandle> queue() { return find_queue(true); }
    [[nodiscard]] Outcome<broker::QueueHandle> existing_queue() { return find_queue(false); }
    /// What was read so far was readable.
    [[nodiscard]] Outcome<> check_input() const;
    void wait_for(broker::Position other) { position = std::max(position, other); }
    /// For everything that was changed so far, by anyone.
    void wait_for_all() { wait_for(broker.journal().end()); }
    void wait_until_written(broker::Position other) { written = std::max(written, other); }

  private:
    [[nodiscard]] Outcome<broker::QueueHandle> find_queue(bool create);
};

/// One action: reads call.input, changes the broker, writes call.output.
using Operation = Outcome<> (*)(Call&);

struct Action {
    std::string_view name;
    Operation run;
    bool has_result;    // whether successful answers have content
    bool on_queue_url;  // Query: may be addressed to the URL of a queue
    bool reads_only;    // changes nothing, unless queues are made at their first use
};

/// Nothing when SQS has no such action.
const Action* find_action(std::string_view name);
/// Actions are numbered from 0 in order of name.
std::size_t action_index(const Action& action);
std::string_view action_name(std::size_t index);

// The 23 actions, by file.
Outcome<> create_queue(Call& call);
Outcome<> delete_queue(Call& call);
Outcome<> get_queue_url(Call& call);
Outcome<> list_queues(Call& call);
Outcome<> list_dead_letter_source_queues(Call& call);
Outcome<> purge_queue(Call& call);
Outcome<> get_queue_attributes(Call& call);
Outcome<> set_queue_attributes(Call& call);
Outcome<> send_message(Call& call);
Outcome<> send_message_batch(Call& call);
Outcome<> receive_message(Call& call);
Outcome<> delete_message(Call& call);
Outcome<> delete_message_batch(Call& call);
Outcome<> change_message_visibility(Call& call);
Outcome<> change_message_visibility_batch(Call& call);
Outcome<> tag_queue(Call& call);
Outcome<> untag_queue(Call& call);
Outcome<> list_queue_tags(Call& call);
Outcome<> add_permission(Call& call);
Outcome<> remove_permission(Call& call);
Outcome<> start_message_move_task(Call& call);
Outcome<> cancel_message_move_task(Call& call);
Outcome<> list_message_move_tasks(Call& call);

}  // namespace tranter::sqs

#include "cli/dlq_session.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace tranter::cli {

namespace {

/// Groups of one queue; what comes after that is counted together.
constexpr std::size_t letter_groups_max = 1'000;

/// Letters of one type that died of the same.
struct LetterGroup {
    std::uint64_t count = 0;
    TimePoint first{};
    TimePoint last{};

    void add(TimePoint died) {
        first = count == 0 ? died : std::min(first, died);
        last = count == 0 ? died : std::max(last, died);
        ++count;
    }
};

class LetterGroups {
    using Groups = std::map<std::pair<std::string, std::string>, LetterGroup>;

  public:
    void add(const JobRecord& job) {
        std::pair key(job.type, error_of(job));
        if (groups_.size() >= letter_groups_max && !groups_.contains(key)) key = {"*", "others"};
        groups_[std::move(key)].add(job.finished_at.value_or(job.created_at));
    }

    /// When the letter that is dead the longest died.
    std::optional<TimePoint> oldest() const {
        std::optional<TimePoint> oldest;
        for (const auto& [key, group] : groups_)
            oldest = oldest ? std::min(*oldest, group.first) : group.first;
        return oldest;
    }

    /// The largest first.
    Json::Array records(const TimeStyle& style) const {
        std::vector<const Groups::value_type*> sorted;
        for (const auto& each : groups_)
            sorted.push_back(&each);
        std::ranges::sort(sorted, [](const auto* one, const auto* other) {
            if (one->second.count != other->second.count) {
                return one->second.count > other->second.count;
            }
            return one->first < other->first;
        });
        Json::Array records;
        for (const auto* each : sorted) {
            const auto& [key, group] = *each;
            Json record;
            record.set("type", key.first)
                .set("error", key.second)
                .set("count", group.count)
                .set("first_at", time_cell(group.first, style))
                .set("last_at", time_cell(group.last, style));
            records.push_back(std::move(record));
        }
        return records;
    }

  private:
    Groups groups_;
};

Json dead_queue_record(const DeadLetterQueue& queue) {
    Json sources;
    Json names;
    for (const DeadLetterSource& source : queue.sources) {
        Json one;
        one.set("queue", source.queue);
        if (source.max_receives != 0) one.set("max_receives", source.max_receives);
        sources.push(std::move(one));
        names.push(source.queue);
    }
    Json record;
    // One that its sources name and that does not exist has no depth.
    const auto count = [&queue](std::uint64_t value) {
        return queue.exists ? Json(value) : Json();
    };
    record.set("name", queue.name)
        .set("depth", count(queue.depth()))
        .set("visible", count(queue.visible))
        .set("in_flight", count(queue.in_flight))
        .set("source_names", std::move(names))
        .set("sources", std::move(sources));
    return record;
}

/// A line of a table for each group, as only JSON can have lists in lists.
void print_queue(DlqSession& session, Json record, const Json::Array& groups) {
    if (!session.output.is_table() || groups.empty()) {
        session.output.row(std::move(record.set("groups", groups)));
        return;
    }
    for (const Json& group : groups) {
        Json line = record;
        for (const JsonMember& member : group.members())
            line.set(member.name, member.value);
        session.output.row(std::move(line));
    }
}

Result<LetterGroups> read_groups(DlqSession& session, const DeadLetterQueue& queue) {
    LetterGroups groups;
    std::uint64_t read = 0;
    session.progress.start(fmt::format("reading {}", queue.name), queue.depth());
    auto walked = session.store->walk(
        {.queue = queue.name},
        [&](std::span<const DeadLetter> letters) -> Result<bool> {
            for (const DeadLetter& letter : letters)
                groups.add(letter.job);
            session.progress.update(read += letters.size());
            return true;
        }
    );
    if (!walked) return std::unexpected(walked.error());
    return groups;
}

Result<int> list_dead_letters(const Arguments& arguments) {
    const auto session = DlqSession::open(arguments);
    if (!session) return std::unexpected(session.error());
    DlqSession& dlq = **session;
    const bool receives = dlq.store->receives_to_look();
    const bool grouped = !arguments.is_on("depth-only") && (!receives || arguments.is_on("read"));
    dlq.progress.start("listing queues");
    const auto queues = dlq.store->queues();
    if (!queues) return std::unexpected(queues.error());
    dlq.output.begin(
        {{"name", "NAME"},
         {"depth", "DEPTH"},
         {"in_flight", "IN FLIGHT", true},
         {"oldest_at", "OLDEST"},
         {"source_names", "SOURCES", true},
         {"count", "COUNT"},
         {"type", "TYPE"},
         {"first_at", "FIRST"},
         {"last_at", "LAST"},
         {"error", "ERROR"}}
    );
    bool received = false;
    for (const DeadLetterQueue& queue : *queues) {
        LetterGroups groups;
        if (grouped && queue.exists && queue.depth() > 0) {
            auto read = read_groups(dlq, queue);
            if (!read) return std::unexpected(read.error());
            groups = std::move(*read);
            received = receives;
        }
        Json record = dead_queue_record(queue);
        const auto oldest = groups.oldest();
        record.set("oldest_at", oldest ? Json(time_cell(*oldest, dlq.times)) : Json());
        print_queue(dlq, std::move(record), groups.records(dlq.times));
    }
    dlq.progress.stop();
    dlq.output.end();
    if (received) dlq.say_what_looking_costs();
    if (receives && !grouped && !arguments.is_on("depth-only") && dlq.output.is_table()) {
        say("SQS shows nothing but depths: --read receives the messages to tell them apart");
    }
    return 0;
}

}  // namespace

Command dlq_list_command() {
    return {
        .name = "list",
        .summary = "list dead-letter queues, with their letters by type and error",
        .description =
            "A queue is listed when it is the dead-letter queue of another. In a table each type "
            "and error has\na line. On SQS that takes --read, which receives every message once.",
        .options = with_dlq_options(
            {{.name = "depth-only", .value = "", .help = "do not look into the queues"},
             {.name = "read",
              .value = "",
              .help = "SQS: receive the messages to group them, which counts as a receive"}}
        ),
        .examples =
            {{"what is wrong, and since when", "tranter dlq list"},
             {"those that hold something",
              "tranter dlq list --depth-only -o json | jq -r '.[] | select(.depth > 0).name'"},
             {"on AWS", "tranter dlq list --aws --region eu-west-1"}},
        .run = list_dead_letters,
    };
}

}  // namespace tranter::cli

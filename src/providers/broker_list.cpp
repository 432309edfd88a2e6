#include "history/matcher.hpp"
#include "history/query.hpp"
#include "history/record_match.hpp"
#include "jobs/job_note.hpp"
#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

/// Lists go through three parts, one after the other, so that every job stands in one of them:
/// what is in queues and not finished; what history has; and the dead jobs of dead-letter queues
/// that history does not have.
namespace tranter::providers {
namespace {

/// Looked at in one call, so that a filter that nothing matches does not take for ever.
constexpr std::size_t looked_at_max = 5'000;
constexpr std::size_t chunk = 256;
constexpr std::size_t page_max = 1'000;
/// Of payloads in a page of a dead-letter queue.
constexpr std::size_t page_bytes_max = std::size_t{8} << 20;

enum class ListPart : std::uint8_t { live, ended, dead };

/// As text: `live/QUEUE/SLOT/SEQUENCE`, `dead/...` the same, or `ended/CURSOR OF THE HISTORY`.
struct ListPlace {
    ListPart part = ListPart::live;
    std::string queue{};     // empty: before the first
    std::uint32_t slot = 0;  // of the last message that was looked at
    engine::Sequence after = 0;
    std::string cursor{};
};

std::string format_place(const ListPlace& place) {
    if (place.part == ListPart::ended) return "ended/" + place.cursor;
    return fmt::format(
        "{}/{}/{}/{}",
        place.part == ListPart::live ? "live" : "dead",
        place.queue,
        place.slot,
        place.after
    );
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

Result<ListPlace> parse_place(std::string_view text) {
    ListPlace place;
    if (text.empty()) return place;
    const auto cut = [&text] {
        const std::size_t end = std::min(text.find('/'), text.size());
        const std::string_view head = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return head;
    };
    const std::string_view part = cut();
    if (part == "ended") {
        place.part = ListPart::ended;
        place.cursor = text;
        return place;
    }
    place.part = part == "dead" ? ListPart::dead : ListPart::live;
    place.queue = cut();
    const bool numbers = read_number(cut(), place.slot) && read_number(cut(), place.after);
    if ((part == "live" || part == "dead") && numbers && text.empty()) return place;
    return fail(Errc::invalid_argument, "the cursor is none that a list has given");
}

bool asks_for(const history::JobQuery& query, history::OpenState state) {
    return std::ranges::find(query.open_states, state) != query.open_states.end();
}

bool asks_for(const history::JobQuery& query, history::State state) {
    return std::ranges::find(query.filter.states, state) != query.filter.states.end();
}

/// Whether the query lets jobs of this state through.
bool wants(const history::JobQuery& query, JobState state) {
    if (query.filter.states.empty() && query.open_states.empty()) return true;
    switch (state) {
        case JobState::pending:
            return asks_for(query, history::OpenState::pending);
        case JobState::scheduled:
            return asks_for(query, history::OpenState::scheduled);
        case JobState::processing:
            return asks_for(query, history::OpenState::processing);
        case JobState::failed:
            return asks_for(query, history::State::failed);
        case JobState::completed:
            return asks_for(query, history::State::completed);
        case JobState::dead:
            return asks_for(query, history::State::dead);
        case JobState::cancelled:
            break;
    }
    return asks_for(query, history::State::cancelled);
}

bool wants_live(const history::JobQuery& query) {
    // Ages count from the end of a job.
    if (query.filter.finished_from || query.filter.finished_before) return false;
    return wants(query, JobState::pending) || wants(query, JobState::scheduled) ||
           wants(query, JobState::processing) || wants(query, JobState::failed);
}

bool is_open(JobState state) {
    return state == JobState::pending || state == JobState::scheduled ||
           state == JobState::processing || state == JobState::failed;
}

/// One call of list.
class Listing {
  public:
    Listing(BrokerParts& parts, history::JobQuery query, ListPlace place, std::size_t jobs_max)
        : parts_(parts),
          query_(std::move(query)),
          matcher_(query_.filter),
          place_(std::move(place)),
          jobs_max_(jobs_max) {}

    Result<JobPage> run() {
        if (place_.part == ListPart::live) {
            const bool wanted = wants_live(query_);
            if (wanted && !list_queues()) return page(true);
            place_ = {.part = ListPart::ended};
        }
        if (place_.part == ListPart::ended) {
            auto more = list_ended();
            if (!more) return std::unexpected(more.error());
            if (*more) return page(true);
            place_ = {.part = ListPart::dead};
            // The last part starts with a page of its own: it is empty nearly always.
        }
        const bool wanted = wants(query_, JobState::dead) && !query_.filter.finished_from &&
                            !query_.filter.finished_before;
        return page(wanted && !list_queues());
    }

    /// What stands in a dead-letter queue, whatever else is known of it.
    Result<JobPage> run_in(const std::string& dead_letter_queue) {
        const auto queue = parts_.queues.get(dead_letter_queue);
        if (!queue) return std::unexpected(queue.error());
        if (place_.queue != dead_letter_queue) {
            place_ = {.part = ListPart::dead, .queue = dead_letter_queue};
        }
        whole_queue_ = true;
        return page(!list_queue((*queue)->handle));
    }

  private:
    JobPage page(bool more) {
        JobPage page{.jobs = std::move(jobs_)};
        if (more) page.next = format_place(place_);
        return page;
    }

    bool full() const {
        if (whole_queue_ && bytes_ >= page_bytes_max) return true;
        return jobs_.size() >= jobs_max_ || looked_at_ >= looked_at_max;
    }

    /// The rest of the queues from the place on. Whether it came to their end.
    bool list_queues() {
        for (const broker::QueueHandle& queue : parts_.queues.all()) {
            if (queue->name() < place_.queue) continue;
            if (queue->name() != place_.queue) {
                place_.queue = queue->name();
                place_.slot = 0;
                place_.after = 0;
            }
            if (!list_queue(queue)) return false;
        }
        return true;
    }

    bool list_queue(const broker::QueueHandle& queue) {
        if (place_.part == ListPart::live && query_.filter.queue &&
            queue->name() != *query_.filter.queue) {
            return true;
        }
        while (true) {
            const auto jobs =
                chosen_of(queue, parts_.broker.list(queue, place_.slot, place_.after, chunk));
            for (const ChosenJob& job : jobs) {
                if (full()) return false;
                ++looked_at_;
                place_.slot = job.message.slot;
                place_.after = job.message.sequence;
                if (job.chosen) add(job);
            }
            if (jobs.size() < chunk) return true;
        }
    }

    struct ChosenJob : LiveJob {
        bool chosen = false;
    };

    /// All of them, and which are shown if the rest of the filter fits.
    std::vector<ChosenJob> chosen_of(
        const broker::QueueHandle& queue, std::vector<engine::MessageView> messages
    ) {
        std::vector<ChosenJob> jobs;
        jobs.reserve(messages.size());
        for (engine::MessageView& message : messages) {
            ChosenJob& job = jobs.emplace_back();
            job.queue = queue;
            job.dead_from = parts_.queues.dead_from(*queue, message);
            job.message = std::move(message);
            const JobState state = live_state(job);
            const bool in_part = whole_queue_ || is_open(state) == (place_.part == ListPart::live);
            job.chosen = in_part && wants(query_, state) &&
                         (!query_.filter.group || job.message.group == *query_.filter.group);
        }
        if (place_.part == ListPart::dead && !whole_queue_) leave_out_ended(jobs);
        return jobs;
    }

    /// Those that were in the part before.
    void leave_out_ended(std::vector<ChosenJob>& jobs) {
        if (parts_.history == nullptr) return;
        std::vector<ChosenJob*> asked;
        std::vector<std::string> ids;
        for (ChosenJob& job : jobs) {
            if (!job.chosen) continue;
            asked.push_back(&job);
            ids.push_back(format_uuid(job.message.payload.id()));
        }
        if (ids.empty()) return;
        const auto ends = parts_.history->ends_of(ids);
        if (!ends) return;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const auto& end = (*ends)[i];
            if (end && end->state == history::State::dead) asked[i]->chosen = false;
        }
    }

    void add(const LiveJob& job) {
        if (whole_queue_) return add_letter(job);
        JobRecord record = record_of_message(parts_, job);
        const RunningNotesPtr notes = parts_.running.find(job.message.payload.id());
        history::JobEntry entry = history::comparable(record);
        if (notes != nullptr) entry.log = notes->log;
        if (matcher_.matches(entry)) jobs_.push_back(std::move(record));
    }

    void add_letter(const LiveJob& job) {
        JobRecord record = record_of(parts_, job);
        if (!history::is_in_time(query_.filter, record)) return;
        if (!matcher_.matches(history::comparable(record))) return;
        bytes_ += record.payload.size();
        jobs_.push_back(std::move(record));
    }

    /// Whether there is more of it.
    Result<bool> list_ended() {
        if (parts_.history == nullptr) return false;
        history::HistoryFilter filter = query_.filter;
        if (filter.states.empty()) {
            if (!query_.open_states.empty()) return false;
            filter.states = {
                history::State::completed, history::State::dead, history::State::cancelled};
        } else {
            // An attempt that failed belongs to a job that stands in a queue.
            std::erase(filter.states, history::State::failed);
            if (filter.states.empty()) return false;
        }
        // Of a full page only whether there is more.
        const std::size_t room = jobs_max_ - jobs_.size();
        auto found = parts_.history->list(
            filter, {.entries_max = std::max<std::size_t>(room, 1), .cursor = place_.cursor}
        );
        if (!found) return std::unexpected(found.error());
        if (room == 0) return !found->entries.empty();
        for (history::JobEntry& entry : found->entries)
            jobs_.push_back(record_of(std::move(entry)));
        place_.cursor = std::move(found->next);
        return !place_.cursor.empty();
    }

    BrokerParts& parts_;
    const history::JobQuery query_;
    const history::Matcher matcher_;
    ListPlace place_;
    const std::size_t jobs_max_;
    std::vector<JobRecord> jobs_{};
    std::size_t looked_at_ = 0;
    std::size_t bytes_ = 0;     // of payloads
    bool whole_queue_ = false;  // a dead-letter queue alone
};

}  // namespace

Result<JobPage> list_jobs(BrokerParts& parts, const ListRequest& request) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    if (request.jobs_max == 0 || request.jobs_max > page_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("jobs_max is {}, it must be 1 to {}", request.jobs_max, page_max)
        );
    }
    auto query = history::parse_job_query(request.filter, parts.broker.now());
    if (!query) return std::unexpected(query.error());
    auto place = parse_place(request.cursor);
    if (!place) return std::unexpected(place.error());
    Listing listing(parts, std::move(*query), std::move(*place), request.jobs_max);
    return request.dead_letter_queue.empty() ? listing.run()
                                             : listing.run_in(request.dead_letter_queue);
}

}  // namespace tranter::providers

#include "admin/jobs_streams.hpp"

#include "admin/jobs_reply.hpp"
#include "base/json_writer.hpp"
#include "base/uuid.hpp"
#include "jobs/wire_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::admin {
namespace {

std::string boot_name() {
    constexpr std::size_t length = 16;
    std::string name = format_uuid(make_uuid());
    std::erase(name, '-');
    name.resize(length);
    return name;
}

std::shared_ptr<const std::string> piece_of(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

/// For one who has seen up to `last`; 0: does not know.
void append_gap(std::string& out, std::uint64_t last) {
    out += "event: gap\ndata: ";
    JsonWriter json(out);
    json.begin_object().key("last_seen");
    if (last == 0) {
        json.null();
    } else {
        json.value(last);
    }
    json.end_object();
    out += "\n\n";
}

}  // namespace

JobStreams::JobStreams(JobStreamOptions options, Provider& provider)
    : options_(options),
      provider_(provider),
      boot_(boot_name()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

JobStreams::~JobStreams() {
    thread_.request_stop();
    thread_.join();
    subscription_.reset();  // after this no event comes any more
}

void JobStreams::open(std::string queue, std::string_view last_event_id, http::Exchange exchange) {
    http::Response head;
    head.content_type = "text/event-stream";
    head.headers = "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
    const std::lock_guard lock(clients_mutex_);
    subscribe();
    if (!subscription_) {
        std::move(exchange).respond(problem_reply(503, "Unavailable", "no events at the moment"));
        return;
    }
    std::string first = "retry: 1000\n\n" + missed_text(queue, last_event_id);
    Client client{std::move(queue), std::move(exchange).stream(std::move(head))};
    client.stream.write(piece_of(std::move(first)));
    clients_.push_back(std::move(client));
    wanted_at_ = Clock::now();
}

/// What the last event of an earlier connection leaves to be told, up to what all others know.
std::string JobStreams::missed_text(std::string_view queue, std::string_view last_event_id) {
    if (last_event_id.empty()) return {};
    std::string out;
    std::uint64_t last = 0;
    const bool ours = last_event_id.starts_with(boot_) && last_event_id.size() > boot_.size() &&
                      last_event_id[boot_.size()] == '-';
    if (ours) {
        const char* end = last_event_id.data() + last_event_id.size();
        const char* begin = last_event_id.data() + boot_.size() + 1;
        if (std::from_chars(begin, end, last).ptr != end) last = 0;
    }
    const std::lock_guard lock(events_mutex_);
    // Without one since we listen, nobody knows what there was before.
    if (last == 0 || sent_ == 0) {
        append_gap(out, last);
        return out;
    }
    std::vector<JobEvent> missed;
    for (const JobEvent& event : events_) {
        if (event.number > last && event.number <= sent_) missed.push_back(event);
    }
    if (missed.empty() && last < sent_) append_gap(out, last);  // all of it is forgotten
    out += text_of(missed, queue, last);
    return out;
}

std::string JobStreams::text_of(
    const std::vector<JobEvent>& events, std::string_view queue, std::uint64_t last
) const {
    std::string out;
    for (const JobEvent& event : events) {
        if (last != 0 && event.number != last + 1) append_gap(out, last);
        last = event.number;
        if (!queue.empty() && event.queue != queue) continue;
        fmt::format_to(std::back_inserter(out), "id: {}-{}\nevent: job\ndata: ", boot_, last);
        out += jobs::write_job_event(event);
        out += "\n\n";
    }
    return out;
}

void JobStreams::take(const JobEvent& event) {
    {
        const std::lock_guard lock(events_mutex_);
        // Events of one moment may come in another order than that of their numbers.
        auto at = events_.end();
        while (at != events_.begin() && std::prev(at)->number > event.number)
            --at;
        events_.insert(at, event);
        if (events_.size() > options_.events_kept) events_.pop_front();
        if (std::exchange(news_, true)) return;
    }
    changed_.notify_one();
}

void JobStreams::run(const std::stop_token& stop) {
    auto heartbeat = Clock::now() + options_.heartbeat;
    while (!stop.stop_requested()) {
        bool news = false;
        {
            std::unique_lock lock(events_mutex_);
            news = changed_.wait_until(lock, stop, heartbeat, [this] { return news_; });
        }
        if (news) {
            send_news();
            // Gather what follows. Nobody sets `changed_` off before news_ is false again.
            std::unique_lock lock(events_mutex_);
            changed_.wait_for(lock, stop, options_.window, [] { return false; });
        }
        if (Clock::now() < heartbeat) continue;
        heartbeat = Clock::now() + options_.heartbeat;
        const std::lock_guard lock(clients_mutex_);
        send_to_all(piece_of(": still here\n\n"));
        unsubscribe();
    }
}

void JobStreams::send_news() {
    const std::lock_guard lock(clients_mutex_);
    std::vector<JobEvent> fresh;
    std::uint64_t last = 0;
    {
        const std::lock_guard events_lock(events_mutex_);
        news_ = false;
        last = sent_;
        const auto first = std::ranges::upper_bound(events_, sent_, {}, &JobEvent::number);
        fresh.assign(first, events_.end());
        if (!fresh.empty()) sent_ = fresh.back().number;
    }
    std::map<std::string, std::shared_ptr<const std::string>, std::less<>> pieces;
    std::erase_if(clients_, [&](Client& client) {
        auto& piece = pieces[client.queue];
        if (!piece) piece = piece_of(text_of(fresh, client.queue, last));
        return !client.stream.write(piece);
    });
}

void JobStreams::send_to_all(const std::shared_ptr<const std::string>& piece) {
    std::erase_if(clients_, [&](Client& client) { return !client.stream.write(piece); });
}

void JobStreams::subscribe() {
    if (subscription_) return;
    {
        const std::lock_guard lock(events_mutex_);
        events_.clear();
        sent_ = 0;
    }
    auto subscribed = provider_.subscribe([this](const JobEvent& event) { take(event); });
    if (subscribed) subscription_ = std::move(*subscribed);
}

void JobStreams::unsubscribe() {
    const auto now = Clock::now();
    if (!clients_.empty()) wanted_at_ = now;
    if (now - wanted_at_ >= options_.linger) subscription_.reset();
}

}  // namespace tranter::admin

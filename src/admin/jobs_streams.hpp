#pragma once

#include "http/server.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::admin {

struct JobStreamOptions {
    std::chrono::milliseconds heartbeat = std::chrono::seconds(15);
    /// What happens in so short a time is sent together.
    std::chrono::milliseconds window{50};
    /// The store is not listened to when nobody has done so for this long.
    std::chrono::milliseconds linger = std::chrono::minutes(1);
    std::size_t events_kept = 20'000;
};

/// Changes of jobs as server-sent events:
///
///     id: 5f0c3a91d2e4b687-1042
///     event: job
///     data:
///     {"number":1042,"at":"...","id":"...","queue":"mail","type":"...","state":"completed",...}
///
/// A client that comes back with Last-Event-ID gets what it missed, as far as that is still known;
/// otherwise the event `gap` comes first and says so. One that does not read is dropped. All
/// clients with the same filter share the text, and one thread writes for all.
class JobStreams {
  public:
    JobStreams(JobStreamOptions options, Provider& provider);
    ~JobStreams();
    JobStreams(const JobStreams&) = delete;
    JobStreams& operator=(const JobStreams&) = delete;

    /// Only from inside the handler. An empty queue means all.
    void open(std::string queue, std::string_view last_event_id, http::Exchange exchange);

  private:
    using Clock = std::chrono::steady_clock;
    struct Client {
        std::string queue;
        http::Stream stream;
    };
    /// Text of the events behind `last`, for one queue or all.
    std::string text_of(
        const std::vector<JobEvent>& events, std::string_view queue, std::uint64_t last
    ) const;
    std::string missed_text(std::string_view queue, std::string_view last_event_id);
    void take(const JobEvent& event);
    void run(const std::stop_token& stop);
    void send_news();
    void send_to_all(const std::shared_ptr<const std::string>& piece);
    void subscribe();
    void unsubscribe();

    const JobStreamOptions options_;
    Provider& provider_;
    const std::string boot_;  // part of every id: numbers begin anew with the process

    std::mutex clients_mutex_;  // before events_mutex_
    std::vector<Client> clients_;
    std::shared_ptr<void> subscription_;
    Clock::time_point wanted_at_{};  // when somebody last listened

    std::mutex events_mutex_;
    std::condition_variable_any changed_;
    std::deque<JobEvent> events_;  // the newest, in order
    std::uint64_t sent_ = 0;       // number of the last one that all were sent; 0: none
    bool news_ = false;

    std::jthread thread_;  // last: it uses the rest
};

}  // namespace tranter::admin

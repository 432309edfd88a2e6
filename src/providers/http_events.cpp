#include "providers/http_events.hpp"

#include "base/stop.hpp"
#include "jobs/wire_json.hpp"

#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace tranter::providers {
namespace {

constexpr Duration reconnect_after = std::chrono::seconds(1);

class EventListener {
  public:
    EventListener(HttpLink& link, Provider::Listener listener)
        : link_(link),
          listener_(std::move(listener)),
          reader_([this](const EventReader::Event& event) { take(event); }),
          thread_([this](const std::stop_token& stop) { run(stop); }) {}

    ~EventListener() {
        thread_.request_stop();
        thread_.join();
    }
    EventListener(const EventListener&) = delete;
    EventListener& operator=(const EventListener&) = delete;

    /// Until the server answered for the first time.
    Result<> begun() { return begun_.get_future().get(); }

  private:
    void take(const EventReader::Event& event) {
        if (event.name != "job") return;
        if (const auto job = jobs::read_job_event(event.data)) listener_(*job);
    }

    void say(Result<> result) {
        if (std::exchange(said_, true)) return;
        begun_.set_value(std::move(result));
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested() && !link_.closed()) {
            const auto ended = link_.stream(
                "/v1/events",
                reader_.last_id(),
                stop,
                [this, &stop](std::string_view piece) {
                    say({});
                    reader_.feed(piece);
                    return !stop.stop_requested();
                }
            );
            reader_.restart();
            if (!ended && !said_) {
                say(std::unexpected(ended.error()));
                return;
            }
            rest(reconnect_after, stop);
        }
        say(fail(Errc::unavailable, "the provider is closed"));
    }

    HttpLink& link_;
    const Provider::Listener listener_;
    EventReader reader_;
    bool said_ = false;
    std::promise<Result<>> begun_;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace

void EventReader::feed(std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        if (end == std::string_view::npos) {
            line_.append(piece);
            return;
        }
        if (line_.empty()) {
            take_line(piece.substr(0, end));
        } else {
            line_.append(piece.substr(0, end));
            take_line(std::exchange(line_, {}));
        }
        piece.remove_prefix(end + 1);
    }
}

void EventReader::restart() {
    line_.clear();
    name_.clear();
    data_.clear();
}

void EventReader::take_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
        if (!data_.empty()) take_({.id = last_id_, .name = name_, .data = data_});
        name_.clear();
        data_.clear();
        return;
    }
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id") last_id_ = value;
    if (field == "event") name_ = value;
    if (field != "data") return;
    if (!data_.empty()) data_ += '\n';
    data_ += value;
}

Result<std::shared_ptr<void>> listen_to_events(HttpLink& link, Provider::Listener listener) {
    auto subscription = std::make_shared<EventListener>(link, std::move(listener));
    if (auto begun = subscription->begun(); !begun) return std::unexpected(begun.error());
    return subscription;
}

}  // namespace tranter::providers

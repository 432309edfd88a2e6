#pragma once

#include "base/error.hpp"
#include "providers/http_link.hpp"

#include <tranter/provider.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tranter::providers {

/// Reads server-sent events from pieces of a stream, wherever it was cut.
class EventReader {
  public:
    struct Event {
        std::string_view id;  // of this event or the last one that had an id
        std::string_view name;
        std::string_view data;
    };
    using Take = std::function<void(const Event&)>;

    explicit EventReader(Take take) : take_(std::move(take)) {}

    void feed(std::string_view piece);
    /// Forgets an event that was cut off; the next stream begins.
    void restart();
    const std::string& last_id() const { return last_id_; }

  private:
    void take_line(std::string_view line);

    const Take take_;
    std::string line_;  // without an end yet
    std::string name_;
    std::string data_;
    std::string last_id_;
};

/// Listens to the events of a server on a thread of its own, until the returned object is
/// destroyed (not by the listener); connects again when the connection is lost. Returns once the
/// server has begun to send, or with its error. The link outlives it.
[[nodiscard]] Result<std::shared_ptr<void>> listen_to_events(
    HttpLink& link, Provider::Listener listener
);

}  // namespace tranter::providers

#include "postgres/listener.hpp"

#include "base/log.hpp"

#include <utility>

namespace tranter::postgres {

Listener::Listener(Target target, std::string channel)
    : target_(std::move(target)), command_("LISTEN " + channel) {}

void Listener::listen() {
    tried_ = true;
    if (!retries_.are_due()) return;
    try {
        auto connection = std::make_unique<Connection>(target_);
        connection->run(command_.c_str());
        connection_ = std::move(connection);
        retries_.succeeded();
        deaf_ = false;
    } catch (const DatabaseError& error) {
        retries_.failed();
        if (std::exchange(deaf_, true)) return;
        log_warn(
            "postgres",
            "changes by other processes are seen at the poll interval only",
            {{"error", error.what()}}
        );
    }
}

int Listener::fd() {
    const std::lock_guard lock(mutex_);
    if (!tried_) listen();
    return connection_ ? connection_->socket() : -1;
}

void Listener::drain() {
    const std::lock_guard lock(mutex_);
    if (connection_ && connection_->take_notifications()) return;
    connection_.reset();
    listen();
}

}  // namespace tranter::postgres

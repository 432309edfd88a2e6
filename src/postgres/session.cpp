#include "postgres/session.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::postgres {

void Retries::failed() {
    constexpr std::chrono::milliseconds shortest(50);
    constexpr std::chrono::milliseconds longest(5'000);
    rest_ = std::clamp(rest_ * 2, shortest, longest);
    next_ = Clock::now() + rest_;
}

Session::Session(Target target, std::string what)
    : target_(std::move(target)), what_(std::move(what)) {}

Connection& Session::connected() {
    if (connection_ && connection_->is_alive()) return *connection_;
    connection_.reset();
    if (!retries_.are_due()) throw DatabaseError(Trouble::away, last_error_);
    try {
        connection_ = std::make_unique<Connection>(target_);
    } catch (const DatabaseError& error) {
        retries_.failed();
        last_error_ = error.what();
        throw DatabaseError(Trouble::away, last_error_);
    }
    retries_.succeeded();
    if (std::exchange(had_one_, true)) log_info("postgres", "connected again", {{"for", what_}});
    return *connection_;
}

/// A transaction whose connection is lost is undone by the server.
void Session::undo() {
    if (!connection_ || !connection_->is_alive()) return;
    try {
        connection_->run("ROLLBACK");
    } catch (const DatabaseError&) {
        connection_.reset();
    }
}

bool Session::is_worth_it(const DatabaseError& error, int tries) {
    if (tries >= tries_max) return false;
    if (error.trouble() == Trouble::collision) return true;
    if (error.trouble() != Trouble::lost) return false;
    log_warn("postgres", "connection lost", {{"for", what_}, {"error", error.what()}});
    connection_.reset();
    return true;
}

Error Session::as_error(const DatabaseError& error) const {
    switch (error.trouble()) {
        case Trouble::full:
            return {
                Errc::limit_exceeded, fmt::format("no space left for {}: {}", what_, error.what())};
        case Trouble::damage:
            return {Errc::corrupted, fmt::format("{} is damaged: {}", what_, error.what())};
        case Trouble::bad_value:
            return {
                Errc::invalid_argument, fmt::format("{} cannot keep it: {}", what_, error.what())};
        case Trouble::away:
        case Trouble::lost:
        case Trouble::collision:
        case Trouble::other:
            break;
    }
    return {Errc::unavailable, fmt::format("{} did not answer: {}", what_, error.what())};
}

}  // namespace tranter::postgres

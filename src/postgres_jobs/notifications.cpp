#include "postgres_jobs/notifications.hpp"

#include "base/log.hpp"
#include "base/uuid.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <string>

namespace tranter::postgres_jobs {
namespace {

constexpr std::array<std::string_view, 3> channel_names = {
    "tranter_jobs", "tranter_done", "tranter_events"};

constexpr std::chrono::seconds tick_interval(20);

std::int64_t pid_of(postgres::Connection& connection) {
    return connection.query("SELECT pg_backend_pid()").integer(0, 0);
}

/// Whether what another connection says is heard on one that goes through a pooler. If that other
/// one is given our session we have none of our own.
bool can_hear(postgres::Connection& connection, const postgres::Target& target) {
    constexpr std::chrono::seconds patience(5);
    std::string name = format_uuid(make_uuid());
    std::ranges::replace(name, '-', '_');
    name.insert(0, "tranter_");
    connection.run(fmt::format("LISTEN {}", name).c_str());
    const std::int64_t ours = pid_of(connection);
    postgres::Connection other(target);
    other.begin();
    if (pid_of(other) == ours) return false;
    other.run(fmt::format("NOTIFY {}", name).c_str());
    other.commit();
    bool is_heard = false;
    const auto until = postgres::Retries::Clock::now() + patience;
    while (!is_heard && postgres::Retries::Clock::now() < until) {
        constexpr int moment_ms = 50;
        pollfd asked{.fd = connection.socket(), .events = POLLIN, .revents = 0};
        ::poll(&asked, 1, moment_ms);
        const bool alive = connection.take_notifications([&](std::string_view channel, auto) {
            is_heard |= channel == name;
        });
        if (!alive) throw postgres::DatabaseError(postgres::Trouble::lost, "the server ended it");
    }
    if (is_heard) connection.run(fmt::format("UNLISTEN {}", name).c_str());
    return is_heard;
}

}  // namespace

void Notifications::set_handler(Channel channel, Handler handler) {
    line(channel).handler = std::move(handler);
}

void Notifications::use(Channel channel) {
    if (line(channel).wanted.exchange(true)) return;
    const std::lock_guard lock(mutex_);
    if (closing_.load()) return;
    wake_.wake();
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

std::uint64_t Notifications::session(Channel channel) const {
    return line(channel).session.load();
}

std::optional<ConnectionMetrics::Listening> Notifications::metrics(Channel channel) const {
    if (!line(channel).wanted.load()) return std::nullopt;
    return ConnectionMetrics::Listening{
        .hears = session(channel) != 0,
        .pooled = is_deaf(),
        .made = made_.load(),
        .failed = failed_.load()};
}

void Notifications::close() {
    std::thread ended;
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) {
            ended.swap(thread_);
        }
    }
    wake_.wake();
    changed_.notify_all();
    if (ended.joinable()) ended.join();
}

void Notifications::sleep(std::chrono::milliseconds time, bool listens) const {
    std::array<pollfd, 2> asked{{
        {.fd = wake_.get(), .events = POLLIN, .revents = 0},
        {.fd = listens ? connection_->socket() : -1, .events = POLLIN, .revents = 0},
    }};
    ::poll(asked.data(), asked.size(), static_cast<int>(time.count()));
    wake_.clear();
}

void Notifications::run() {
    while (!closing_.load() && !deaf_.load()) {
        try {
            step();
        } catch (const postgres::DatabaseError& error) {
            lose(error.what());
        }
    }
    connection_.reset();
}

void Notifications::connect() {
    try {
        connection_ = std::make_unique<postgres::Connection>(target_);
    } catch (const postgres::DatabaseError&) {
        ++failed_;
        throw;
    }
    ++made_;
    retries_.succeeded();
    if (connection_->is_pooled() && !can_hear(*connection_, target_)) return say_deaf();
    if (std::exchange(said_, false)) log_info("postgres", "hears of jobs by others again");
}

void Notifications::say_deaf() {
    {
        const std::lock_guard lock(mutex_);
        deaf_ = true;
    }
    changed_.notify_all();
    log_warn(
        "postgres",
        "the database is behind a pooler that passes no notifications on: jobs are looked for at "
        "the poll interval only"
    );
}

void Notifications::probe() {
    postgres::Connection connection(target_);
    if (connection.is_pooled() && !can_hear(connection, target_)) say_deaf();
}

/// Waits until something is to be done, and does it.
void Notifications::step() {
    if (!connection_) {
        if (retries_.are_due()) return connect();
        const auto rest = retries_.next() - postgres::Retries::Clock::now();
        return sleep(std::chrono::ceil<std::chrono::milliseconds>(rest), false);
    }
    listen_to_all();
    if (!take_all()) return lose("the server ended it");
    tick();
    const auto rest = ticked_ + tick_interval - postgres::Retries::Clock::now();
    sleep(std::chrono::ceil<std::chrono::milliseconds>(rest), true);
}

void Notifications::tick() {
    const auto now = postgres::Retries::Clock::now();
    if (now < ticked_ + tick_interval) return;
    ticked_ = now;
    for (const Line& one : lines_) {
        if (one.wanted.load() && one.handler.tick) one.handler.tick();
    }
}

std::uint64_t Notifications::wait_for_session(Channel channel, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] {
        return session(channel) != 0 || deaf_.load() || closing_.load();
    });
    return session(channel);
}

void Notifications::listen_to_all() {
    for (std::size_t i = 0; i < channels; ++i) {
        Line& one = lines_[i];
        if (!one.wanted.load() || one.session.load() != 0) continue;
        connection_->run(fmt::format("LISTEN {}", channel_names[i]).c_str());
        {
            const std::lock_guard lock(mutex_);
            one.session = ++sessions_;
        }
        changed_.notify_all();
        if (one.handler.listens) one.handler.listens();
    }
}

bool Notifications::take_all() {
    return connection_->take_notifications([this](std::string_view channel, auto payload) {
        const auto* const known = std::ranges::find(channel_names, channel);
        if (known == channel_names.end()) return;
        const Line& one = lines_[static_cast<std::size_t>(known - channel_names.begin())];
        if (one.handler.heard) one.handler.heard(payload);
    });
}

void Notifications::lose(std::string_view why) {
    connection_.reset();
    retries_.failed();
    for (Line& one : lines_)
        one.session = 0;
    if (closing_.load() || std::exchange(said_, true)) return;
    log_warn(
        "postgres",
        "does not hear of jobs by others at present, so they are looked for at the poll interval",
        {{"error", why}}
    );
}

}  // namespace tranter::postgres_jobs

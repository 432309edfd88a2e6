#include "http/event_loop.hpp"

#include "base/error.hpp"
#include "http/connection.hpp"
#include "http/request_parser.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tranter::http {
namespace {

thread_local EventLoop* current_loop = nullptr;

constexpr std::size_t spare_parsers_max = 16;
// Answers wait for each other only so long.
constexpr std::size_t answers_max = 32;
constexpr std::size_t answer_bytes_max = 64 * 1024;

[[noreturn]] void throw_errno(const char* what) {
    throw SystemError(std::string(what) + ": " + std::generic_category().message(errno));
}

}  // namespace

Mailbox::Mailbox() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wake_fd_ < 0) throw_errno("cannot make an eventfd");
}

Mailbox::~Mailbox() {
    ::close(wake_fd_);
}

bool Mailbox::post_answer(std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    answered_.push_back(std::move(connection));
    wake();
    return true;
}

bool Mailbox::post(Task task) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    tasks_.push_back(std::move(task));
    wake();
    return true;
}

void Mailbox::take(std::vector<std::shared_ptr<Connection>>& answered, std::vector<Task>& tasks) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof(count));
    const std::lock_guard lock(mutex_);
    awake_ = false;
    answered.swap(answered_);
    tasks.swap(tasks_);
}

void Mailbox::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

void Mailbox::wake() {
    if (!std::exchange(awake_, true)) Burst::wake(shared_from_this());
}

void Mailbox::wake_now() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(wake_fd_, &one, sizeof(one));
}

EventLoop::EventLoop(ServerContext& context)
    : context_(context),
      mailbox_(std::make_shared<Mailbox>()),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      read_buffer_(std::make_unique_for_overwrite<char[]>(read_bytes_max + body_padding_bytes)) {
    if (epoll_fd_ < 0) throw_errno("cannot make an epoll set");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, mailbox_->wake_fd(), &event) != 0) {
        throw_errno("cannot watch an eventfd");
    }
}

EventLoop::~EventLoop() {
    ::close(epoll_fd_);
}

EventLoop* EventLoop::current() {
    return current_loop;
}

void EventLoop::run() {
    current_loop = this;
    now_ = std::chrono::steady_clock::now();
    std::array<epoll_event, 128> events;
    while (!finished_) {
        const int count = ::epoll_wait(
            epoll_fd_, events.data(), static_cast<int>(events.size()), wait_milliseconds()
        );
        now_ = std::chrono::steady_clock::now();
        run_round(std::span(events).first(static_cast<std::size_t>(std::max(count, 0))));
        dropped_.clear();
        if (stopping_ && connections_.empty()) finished_ = true;
    }
    mailbox_->close();
    read_mail();
    while (!deferred_.empty())
        run_deferred();
    dropped_.clear();
    current_loop = nullptr;
}

void EventLoop::run_round(std::span<const epoll_event> events) {
    {
        // Who is woken by requests of this round (another loop, the thread that commits) finds the
        // work of all of them.
        const Burst burst;
        for (const epoll_event& event : events) {
            if (event.data.ptr == nullptr)
                mail_ = true;
            else
                static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
            send_answers_if_many();
        }
    }
    send_answers();
    // Only now: these may close connections that still have an event in this round.
    if (mail_) read_mail();
    run_deadlines();
    if (!deferred_.empty()) run_deferred();
}

int EventLoop::wait_milliseconds() const {
    if (!deferred_.empty()) return 0;
    const TimePoint next = deadlines_.next();
    if (next == TimePoint::max()) return -1;
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now())
            .count();
    return static_cast<int>(std::clamp<long long>(wait, 0, 60'000));
}

void EventLoop::read_mail() {
    mail_ = false;
    mailbox_->take(working_, tasks_);
    for (auto& connection : working_) {
        connection->send_answer();
        send_answers_if_many();
    }
    working_.clear();
    send_answers();
    for (auto& task : tasks_)
        task();
    tasks_.clear();
}

void EventLoop::run_deferred() {
    working_.swap(deferred_);
    for (auto& connection : working_) {
        connection->resume();
        send_answers_if_many();
    }
    working_.clear();
    send_answers();
}

void EventLoop::send_later(Connection& connection, std::size_t begin) {
    answers_.push_back({&connection, begin});
}

void EventLoop::send_answers_if_many() {
    if (answers_.size() >= answers_max || write_buffer_.size() >= answer_bytes_max) send_answers();
}

void EventLoop::send_answers() {
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        const auto [connection, begin] = answers_[i];
        const bool last = i + 1 == answers_.size();
        const std::size_t end = last ? write_buffer_.size() : answers_[i + 1].begin;
        connection->send_now(std::string_view(write_buffer_).substr(begin, end - begin));
    }
    answers_.clear();
    write_buffer_.clear();
}

void EventLoop::run_deadlines() {
    while (Timed* timed = deadlines_.pop_due(now_))
        timed->on_deadline_passed();
}

void EventLoop::adopt(int fd, std::string peer, bool over_limit) {
    auto connection = std::make_shared<Connection>(*this, fd, std::move(peer));
    connection->set_index(connections_.size());
    connections_.push_back(connection);
    connection->open(over_limit || stopping_);
}

void EventLoop::drop(Connection& connection) {
    deadlines_.remove(connection);
    const std::size_t index = connection.index();
    dropped_.push_back(std::move(connections_[index]));
    if (index + 1 != connections_.size()) {
        connections_[index] = std::move(connections_.back());
        connections_[index]->set_index(index);
    }
    connections_.pop_back();
}

void EventLoop::defer(std::shared_ptr<Connection> connection) {
    deferred_.push_back(std::move(connection));
}

bool EventLoop::watch(int fd, Pollable& pollable, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &pollable;
    return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::unwatch(int fd) {
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::begin_stop() {
    stopping_ = true;
    const auto connections = connections_;
    for (const auto& connection : connections)
        connection->close_if_idle();
}

void EventLoop::finish() {
    const auto connections = connections_;
    for (const auto& connection : connections)
        connection->abort();
    finished_ = true;
}

std::unique_ptr<RequestParser> EventLoop::take_parser() {
    if (parsers_.empty()) return std::make_unique<RequestParser>(context_.options.limits);
    auto parser = std::move(parsers_.back());
    parsers_.pop_back();
    return parser;
}

void EventLoop::give_back(std::unique_ptr<RequestParser> parser) {
    if (parsers_.size() >= spare_parsers_max) return;
    parser->reset();
    parsers_.push_back(std::move(parser));
}

}  // namespace tranter::http

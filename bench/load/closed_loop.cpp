#include "load/closed_loop.hpp"

#include "load/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::bench {
namespace {

// With several connections a receive may find nothing although more is there: another connection
// was faster. A few empty answers in a row mean that the queue is empty.
constexpr unsigned empty_answers_max = 3;
constexpr std::size_t stamp_bytes = 16;

}  // namespace

Budget::Budget(std::int64_t messages, double seconds)
    : messages_(messages),
      deadline_(
          seconds > 0 ? now_ns() + static_cast<std::uint64_t>(seconds * 1e9)
                      : std::numeric_limits<std::uint64_t>::max()
      ) {}

unsigned Budget::take(unsigned wanted, std::uint64_t now) {
    if (now >= deadline_) return 0;
    const std::int64_t before = messages_.fetch_sub(wanted);
    if (before >= wanted) return wanted;
    messages_ += wanted - std::max<std::int64_t>(before, 0);
    return static_cast<unsigned>(std::max<std::int64_t>(before, 0));
}

void Sample::merge(const Sample& other) {
    sent += other.sent;
    received += other.received;
    removed += other.removed;
    empty += other.empty;
    displaced = std::max(displaced, other.displaced);
    errors += other.errors;
    if (first_error.empty()) first_error = other.first_error;
    for (std::size_t i = 0; i < latency.size(); ++i)
        latency[i].merge(other.latency[i]);
}

ClosedLoop::ClosedLoop(const Options& options, const Protocol& protocol, unsigned connections)
    : loop_(protocol, options.port, connections), number_(options.number) {}

Sample ClosedLoop::run(Mode mode, unsigned batch, Budget& budget) {
    mode_ = mode;
    batch_ = batch;
    budget_ = &budget;
    sample_ = Sample{};
    newest_number_ = 0;
    const std::uint64_t errors_before = loop_.errors();

    for (Client& client : loop_.clients()) {
        client.empty_answers = 0;
        if (!client.dead) next(client, now_ns());
    }
    const auto handler = [this](Client& client, const Answer& answer, std::uint64_t now) {
        answered(client, answer, now);
    };
    const auto busy = [](const Client& client) {
        return client.busy;
    };
    while (std::ranges::any_of(loop_.clients(), busy))
        loop_.poll(100'000'000, handler);

    sample_.errors = loop_.errors() - errors_before;
    sample_.first_error = loop_.first_error();
    return std::move(sample_);
}

void ClosedLoop::next(Client& client, std::uint64_t now) {
    const unsigned count = budget_->take(batch_, now);
    if (count == 0) return;
    if (mode_ == Mode::receive) {
        loop_.receive(client, count, 0);
    } else {
        send(client, count);
    }
}

void ClosedLoop::send(Client& client, unsigned count) {
    if (number_) {
        loop_.send(client, count, fmt::format("{:016x}", next_number_++));
    } else {
        loop_.send(client, count);
    }
}

void ClosedLoop::check_order(const Answer& answer) {
    for (const std::string_view body : answer.bodies) {
        std::uint64_t number = 0;
        std::from_chars(body.data(), body.data() + stamp_bytes, number, 16);
        if (newest_number_ > number) {
            sample_.displaced = std::max(sample_.displaced, newest_number_ - number);
        }
        newest_number_ = std::max(newest_number_, number);
    }
}

void ClosedLoop::answered(Client& client, const Answer& answer, std::uint64_t now) {
    sample_.latency[static_cast<std::size_t>(client.op)].add(now - client.started);
    switch (client.op) {
        case Op::create:
            return;
        case Op::send:
            sample_.sent += answer.messages;
            if (mode_ == Mode::mixed) {
                loop_.receive(client, client.count, 0);
            } else {
                next(client, now);
            }
            return;
        case Op::receive:
            received(client, answer, now);
            return;
        case Op::remove:
            sample_.removed += answer.messages;
            next(client, now);
            return;
    }
}

void ClosedLoop::received(Client& client, const Answer& answer, std::uint64_t now) {
    sample_.received += answer.messages;
    if (number_) check_order(answer);
    if (mode_ == Mode::receive) budget_->give_back(client.count - answer.messages);
    if (answer.messages > 0) {
        client.empty_answers = 0;
        loop_.remove(client, answer.handles);
        return;
    }
    ++sample_.empty;
    ++client.empty_answers;
    if (mode_ == Mode::mixed || client.empty_answers < empty_answers_max) next(client, now);
}

}  // namespace tranter::bench

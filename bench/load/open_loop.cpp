#include "load/open_loop.hpp"

#include "load/usage.hpp"

#include <fmt/format.h>

#include <sys/prctl.h>

#include <charconv>
#include <cmath>
#include <random>

namespace tranter::bench {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000U;
constexpr std::uint64_t settle_ns = second_ns / 5;  // for the first long polls to reach the server
constexpr std::uint64_t straggler_ns = 5 * second_ns;  // how long the last messages may take
constexpr std::uint64_t spin_ns = 60'000;              // a sleep would overshoot a shorter wait

}  // namespace

std::string LatencySample::void_reason() const {
    if (errors > 0) return fmt::format("{} errors, the first: {}", errors, first_error);
    if (static_cast<double>(arrived) < 0.99 * static_cast<double>(planned)) {
        return fmt::format("only {} of {} messages arrived", arrived, planned);
    }
    const std::uint64_t late = lag.quantile(0.99);
    const std::uint64_t reported = from_intended.quantile(0.99);
    if (late * 10 > reported) {
        return fmt::format(
            "the generator was late: p99 {:.3f} ms, more than 10 % of the reported {:.3f} ms",
            static_cast<double>(late) / 1e6,
            static_cast<double>(reported) / 1e6
        );
    }
    return {};
}

OpenLoop::OpenLoop(const Options& options, const Protocol& protocol)
    : options_(options),
      loop_(protocol, options.port, options.producers + options.connections),
      warmup_ns_(static_cast<std::uint64_t>(options.warmup * 1e9)) {
    draw_schedule();
}

void OpenLoop::draw_schedule() {
    std::mt19937_64 random(options_.seed);
    std::exponential_distribution<double> gap(options_.rate);
    const double end = options_.warmup + options_.seconds;
    for (double at = gap(random); at < end; at += gap(random)) {
        intended_.push_back(static_cast<std::uint64_t>(at * 1e9));
        if (intended_.back() >= warmup_ns_) ++sample_.planned;
    }
    sent_.resize(intended_.size());
}

LatencySample OpenLoop::run() {
    prctl(PR_SET_TIMERSLACK, 1);
    for (Client& client : loop_.clients().subspan(options_.producers)) {
        loop_.receive(client, options_.batch, options_.wait);
    }
    const std::uint64_t settled = now_ns() + settle_ns;
    while (now_ns() < settled)
        wait_for(settle_ns);

    start_ = now_ns();
    const std::uint64_t end =
        start_ + static_cast<std::uint64_t>((options_.warmup + options_.seconds) * 1e9);
    while (arrived_ < intended_.size() && now_ns() < end + straggler_ns)
        wait_for(send_due());

    sample_.errors = loop_.errors();
    sample_.first_error = loop_.first_error();
    return sample_;
}

void OpenLoop::wait_for(std::uint64_t nanoseconds) {
    const auto handler = [this](Client& client, const Answer& answer, std::uint64_t now) {
        answered(client, answer, now);
    };
    loop_.poll(nanoseconds > spin_ns ? nanoseconds - spin_ns : 0, handler);
}

std::uint64_t OpenLoop::send_due() {
    while (next_ < intended_.size()) {
        const std::uint64_t now = now_ns() - start_;
        const std::uint64_t due = intended_[next_];
        if (due > now) return due - now;
        Client* producer = free_producer();
        if (producer == nullptr) return second_ns;  // an answer ends the wait
        sent_[next_] = now;
        if (due >= warmup_ns_) sample_.lag.add(now - due);
        loop_.send(*producer, 1, fmt::format("{:016x}", next_));
        ++next_;
    }
    return second_ns;
}

Client* OpenLoop::free_producer() {
    for (Client& client : loop_.clients().first(options_.producers)) {
        if (!client.busy && !client.dead) return &client;
    }
    return nullptr;
}

void OpenLoop::answered(Client& client, const Answer& answer, std::uint64_t now) {
    if (client.op == Op::send) return;
    if (client.op == Op::receive && answer.messages > 0) {
        for (const std::string_view body : answer.bodies)
            arrived(body, now);
        loop_.remove(client, answer.handles);
        return;
    }
    loop_.receive(client, options_.batch, options_.wait);
}

void OpenLoop::arrived(std::string_view body, std::uint64_t now) {
    std::size_t index = 0;
    const auto parsed = std::from_chars(body.data(), body.data() + 16, index, 16);
    if (parsed.ec != std::errc{} || index >= next_) return;  // not from this run
    ++arrived_;
    if (intended_[index] < warmup_ns_) return;
    ++sample_.arrived;
    sample_.from_intended.add(now - start_ - intended_[index]);
    sample_.from_sent.add(now - start_ - sent_[index]);
}

}  // namespace tranter::bench

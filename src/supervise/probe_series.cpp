#include "supervise/probe_series.hpp"

#include "base/duration.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tranter::supervise {
namespace {

/// Somebody may have said 0.
constexpr Duration period_min = std::chrono::milliseconds(10);

}  // namespace

ProbeSeries::ProbeSeries(EventLoop& loop, const Probe& probe, Attempts attempts, Told told)
    : loop_(loop),
      period_(std::max(probe.period, period_min)),
      timeout_(std::max(probe.timeout, period_min)),
      attempts_(std::move(attempts)),
      told_(std::move(told)) {
    wait_until(loop_.now() + probe.delay);
}

ProbeSeries::~ProbeSeries() {
    loop_.cancel(timer_);
}

void ProbeSeries::wait_until(Instant at) {
    timer_ = loop_.call_at(at, [this] { begin(); });
}

void ProbeSeries::begin() {
    begun_at_ = loop_.now();
    timer_ = loop_.call_at(begun_at_ + timeout_, [this] {
        end(fail(Errc::timed_out, "there was no answer within " + format_duration(timeout_)));
    });
    attempt_ = attempts_([this](const Result<>& outcome) { end(outcome); });
}

void ProbeSeries::end(Result<> outcome) {
    loop_.cancel(timer_);
    attempt_.reset();
    wait_until(std::max(begun_at_ + period_, loop_.now()));
    const Told told = told_;
    told(outcome);
}

}  // namespace tranter::supervise

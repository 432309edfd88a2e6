#pragma once

#include "base/time.hpp"

#include <stop_token>

namespace tranter {

/// Blocks until a stop is requested.
void wait_for_stop(const std::stop_token& stop);

/// Blocks for `time`, or until a stop is requested. False when one was.
bool rest(Duration time, const std::stop_token& stop);

/// Stops when either of two does.
class EitherStop {
  public:
    EitherStop(const std::stop_token& one, const std::stop_token& other)
        : one_(one, Request{both_}), other_(other, Request{both_}) {}

    std::stop_token token() const { return both_.get_token(); }

  private:
    struct Request {
        std::stop_source source;
        void operator()() { source.request_stop(); }
    };

    std::stop_source both_{};
    std::stop_callback<Request> one_;
    std::stop_callback<Request> other_;
};

}  // namespace tranter

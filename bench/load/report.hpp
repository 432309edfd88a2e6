#pragma once

#include "load/closed_loop.hpp"
#include "load/idle_polls.hpp"
#include "load/open_loop.hpp"
#include "load/options.hpp"
#include "load/start_time.hpp"
#include "load/usage.hpp"

namespace tranter::bench {

/// A closed-loop run with what it cost both sides.
struct ClosedReport {
    Sample sample;
    double seconds{};
    double generator_cpu{};  // seconds
    Usage before;            // of the server
    Usage after;
};

/// Each prints a table for people or, with --json, one line of JSON to standard output.
void print(const Options& options, const ClosedReport& report);
void print(const Options& options, const LatencySample& sample);
void print(const Options& options, const IdleSample& sample);
void print(const Options& options, const StartSample& sample);

}  // namespace tranter::bench

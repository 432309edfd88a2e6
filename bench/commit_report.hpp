#pragma once

#include "load/histogram.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace tranter::bench {

/// What a run of commits without a server came to; printed as one line of JSON.
struct CommitReport {
    std::uint64_t records{};
    std::uint64_t commits{};
    double seconds{};
    double cpu{};       // seconds, of all threads of the process
    Histogram latency;  // of one client: record handed over to record durable

    void print() const {
        const auto count = static_cast<double>(records);
        const auto micros = [this](double share) {
            return static_cast<double>(latency.quantile(share)) / 1e3;
        };
        fmt::print(
            R"({{"rate":{:.9g},"commits_per_second":{:.9g},"records_per_commit":{:.9g},)"
            R"("cpu_us":{:.9g},"p50_us":{:.9g},"p99_us":{:.9g},"max_us":{:.9g}}})"
            "\n",
            count / seconds,
            static_cast<double>(commits) / seconds,
            count / static_cast<double>(commits),
            cpu / count * 1e6,
            micros(0.5),
            micros(0.99),
            static_cast<double>(latency.max()) / 1e3
        );
    }
};

}  // namespace tranter::bench

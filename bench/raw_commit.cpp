// What the disk allows: a loop of append and fdatasync without any server. Every client has a batch
// of 256-byte records outstanding and hands over the next as soon as it is durable.
//   loop      one thread; each commit carries the batch of every client: nothing can be faster
//   handover  the clients are a thread of their own, as in a server; a commit carries what has been
//             handed over when it begins
// Usage: raw_commit FILE CLIENTS BATCH SECONDS loop|handover. FILE is made, and overwritten.
#include "commit_report.hpp"
#include "group_commit.hpp"
#include "load/usage.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::bench {
namespace {

constexpr std::size_t record_bytes = 256;

struct Run {
    const char* path;
    std::uint64_t clients;
    std::uint64_t batch;
    double seconds;
};

CommitReport loop(const Run& run) {
    ZeroedFile file(run.path);
    CommitReport report;
    const std::string record(record_bytes * run.batch, 'x');
    std::string bytes;
    const double cpu_before = own_cpu();
    const std::uint64_t began = now_ns();
    const std::uint64_t end = began + static_cast<std::uint64_t>(run.seconds * 1e9);
    for (std::uint64_t now = began; now < end;) {
        bytes.clear();
        for (std::uint64_t i = 0; i < run.clients; ++i)
            bytes += record;
        file.commit(bytes);
        const std::uint64_t done = now_ns();
        report.latency.add(done - now);
        report.records += run.clients * run.batch;
        ++report.commits;
        now = done;
    }
    report.seconds = static_cast<double>(now_ns() - began) / 1e9;
    report.cpu = own_cpu() - cpu_before;
    return report;
}

CommitReport hand_over(const Run& run) {
    Handover durable;
    GroupCommit commit(run.path, [&](const std::vector<std::uint64_t>& done) {
        durable.put(done);
    });
    CommitReport report;
    const std::string record(record_bytes * run.batch, 'x');
    std::vector<std::uint64_t> started(run.clients);
    std::vector<std::uint64_t> done(run.clients);
    for (std::uint64_t client = 0; client < run.clients; ++client)
        done[client] = client;
    const double cpu_before = own_cpu();
    const std::uint64_t began = now_ns();
    const std::uint64_t end = began + static_cast<std::uint64_t>(run.seconds * 1e9);
    for (std::uint64_t now = began; now < end; now = now_ns()) {
        for (const std::uint64_t client : done) {
            if (started[client] != 0) {
                report.latency.add(now - started[client]);
                report.records += run.batch;
            }
            started[client] = now;
            commit.add(record, client);
        }
        commit.wake();
        durable.take(done);
    }
    report.commits = commit.commits();
    report.seconds = static_cast<double>(now_ns() - began) / 1e9;
    report.cpu = own_cpu() - cpu_before;
    return report;
}

int run_command_line(int argc, char** argv) {
    const std::string_view kind = argc == 6 ? argv[5] : "";
    if (kind != "loop" && kind != "handover") {
        std::fputs("usage: raw_commit FILE CLIENTS BATCH SECONDS loop|handover\n", stderr);
        return 2;
    }
    const Run run{
        argv[1],
        std::strtoull(argv[2], nullptr, 10),
        std::strtoull(argv[3], nullptr, 10),
        std::strtod(argv[4], nullptr)};
    try {
        (kind == "loop" ? loop(run) : hand_over(run)).print();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "raw_commit: %s\n", error.what());
        return 1;
    }
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    return tranter::bench::run_command_line(argc, argv);
}

// The durable store in this process, without HTTP: concurrent senders, each with one batch of
// 256-byte messages outstanding, who send the next as soon as it is durable. The senders share one
// thread, as the connections of a server do.
// Usage: store_bench DIRECTORY SENDERS BATCH SECONDS sync|os. DIRECTORY is made when it is missing.
#include "base/error.hpp"
#include "broker/store.hpp"
#include "commit_report.hpp"
#include "engine/payload.hpp"
#include "group_commit.hpp"
#include "load/protocol.hpp"
#include "load/usage.hpp"
#include "log/directory.hpp"
#include "log/threads.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::bench {
namespace {

constexpr unsigned body_bytes = 256;

struct Run {
    const char* directory;
    std::uint64_t senders;
    std::uint64_t batch;
    double seconds;
    log::Durability durability;
};

class StoreBench {
  public:
    explicit StoreBench(const Run& run)
        : run_(run),
          directory_(run.directory),
          store_(
              directory_.disk(),
              {.log = {.durability = run.durability}},
              [this](Instant newest) -> const Clock& { return clock_.emplace(newest); }
          ),
          threads_(store_.log(), store_.keeper()) {
        auto made = store_.broker().create_queue("bench", {});
        if (!made) throw std::runtime_error(made.error().message());
        queue_ = *made;
    }

    CommitReport measure() {
        CommitReport report;
        std::vector<std::uint64_t> started(run_.senders);
        std::vector<std::uint64_t> done(run_.senders);
        for (std::uint64_t sender = 0; sender < run_.senders; ++sender)
            done[sender] = sender;
        const std::uint64_t commits_before = store_.log().figures().commits;
        const double cpu_before = own_cpu();
        const std::uint64_t began = now_ns();
        const std::uint64_t end = began + static_cast<std::uint64_t>(run_.seconds * 1e9);
        for (std::uint64_t now = began; now < end; now = now_ns()) {
            for (const std::uint64_t sender : done) {
                if (started[sender] != 0) {
                    report.latency.add(now - started[sender]);
                    report.records += run_.batch;
                }
                started[sender] = now;
                send_batch(sender);
            }
            durable_.take(done);
        }
        report.seconds = static_cast<double>(now_ns() - began) / 1e9;
        report.cpu = own_cpu() - cpu_before;
        report.commits = store_.log().figures().commits - commits_before;
        if (failed_) throw std::runtime_error("a message did not become durable");
        return report;
    }

  private:
    void send_batch(std::uint64_t sender) {
        broker::Position last = 0;
        for (std::uint64_t i = 0; i < run_.batch; ++i)
            last = send_one();
        store_.broker().journal().when_durable(last, [this, sender](bool reached) {
            if (!reached) failed_ = true;
            durable_.put(sender);
        });
    }

    broker::Position send_one() {
        engine::MessageId id{};
        ++sent_;
        std::memcpy(id.data(), &sent_, sizeof sent_);
        auto result = store_.broker().send(
            queue_, {.payload = engine::Payload::make({.body = body_, .id = id})}
        );
        if (!result.sent) throw std::runtime_error(result.sent.error().message());
        return result.position;
    }

    const Run run_;
    std::optional<SteadyClock> clock_;
    std::atomic<bool> failed_{};
    Handover durable_;
    const std::string body_ = make_body(body_bytes);
    std::uint64_t sent_{};
    log::DataDirectory directory_;
    broker::Store store_;
    broker::QueueHandle queue_;
    log::LogThreads threads_;  // last: commits what the others appended, answering all senders
};

int run_command_line(int argc, char** argv) {
    const std::string_view durability = argc == 6 ? argv[5] : "";
    if (durability != "sync" && durability != "os") {
        std::fputs("usage: store_bench DIRECTORY SENDERS BATCH SECONDS sync|os\n", stderr);
        return 2;
    }
    const Run run{
        argv[1],
        std::strtoull(argv[2], nullptr, 10),
        std::strtoull(argv[3], nullptr, 10),
        std::strtod(argv[4], nullptr),
        durability == "sync" ? log::Durability::sync : log::Durability::os};
    try {
        StoreBench(run).measure().print();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "store_bench: %s\n", error.what());
        return 1;
    }
}

}  // namespace
}  // namespace tranter::bench

int main(int argc, char** argv) {
    return tranter::bench::run_command_line(argc, argv);
}

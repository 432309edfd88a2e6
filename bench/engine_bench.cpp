// The engine alone at a million queued messages: what sending, receiving and deleting one message
// costs, and how many bytes a queued message takes besides its body and attributes.
// Prints one JSON object: {"standard queue": {"ns": ..., "overhead_bytes": ...}, ...}
// Usage: engine_bench [CASE]
#include "engine/payload.hpp"
#include "engine/queue.hpp"

#include <fmt/format.h>

#include <malloc.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::engine {
namespace {

constexpr unsigned depth = 1'000'000;
constexpr unsigned cycles = 1'000'000;
constexpr unsigned body_bytes = 256;

/// What kind of queue, and how its messages are spread over groups (0: no groups).
struct Case {
    std::string_view name;
    GroupPolicy policy;
    unsigned groups;
};

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Bytes that malloc has handed out, its own headers included.
std::uint64_t allocated_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

class Bench {
  public:
    explicit Bench(const Case& kind) : kind_(kind), queue_(policy_of(kind)) {
        for (unsigned i = 0; i < kind.groups; ++i)
            groups_.push_back(fmt::format("tenant-{}", i));
    }

    /// Sends the next message; time goes on by four microseconds per operation.
    void send() {
        MessageId id{};
        std::memcpy(id.data(), &sent_, sizeof sent_);
        const std::string unique =
            kind_.policy.order == Order::fifo ? fmt::format("{:016x}", sent_) : std::string{};
        SendOptions options;
        if (!groups_.empty()) options.group = groups_[sent_ % groups_.size()];
        Payload payload = Payload::make({.body = body_, .deduplication_id = unique, .id = id});
        payload_bytes_ = payload.size();
        if (!queue_.send(std::move(payload), options, tick())) {
            throw std::runtime_error("the engine refused a message");
        }
        ++sent_;
    }

    void receive_and_delete() {
        const Received received = queue_.receive({}, tick());
        if (received.deliveries.size() != 1) throw std::runtime_error("nothing was handed out");
        const auto deleted = queue_.acknowledge(received.deliveries[0].receipt, now_);
        if (!deleted || !*deleted) throw std::runtime_error("a message could not be deleted");
    }

    [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }

  private:
    static QueuePolicy policy_of(const Case& kind) {
        QueuePolicy policy;
        policy.groups = kind.policy;
        return policy;
    }

    Instant tick() { return now_ += std::chrono::microseconds(4); }

    Case kind_;
    Queue queue_;
    std::vector<std::string> groups_;
    std::string body_ = std::string(body_bytes, 'x');
    std::uint64_t sent_{};
    std::uint64_t payload_bytes_{};
    Instant now_{std::chrono::seconds(1'700'000'000)};
};

std::string measure(const Case& kind) {
    Bench bench(kind);
    const std::uint64_t before = allocated_bytes();
    for (unsigned i = 0; i < depth; ++i)
        bench.send();
    const double held = static_cast<double>(allocated_bytes() - before) / depth;

    const double start = cpu_seconds();
    for (unsigned i = 0; i < cycles; ++i) {
        bench.send();
        bench.receive_and_delete();
    }
    const double ns = (cpu_seconds() - start) / cycles * 1e9;
    return fmt::format(
        R"("{}":{{"ns":{:.1f},"overhead_bytes":{:.1f}}})",
        kind.name,
        ns,
        held - static_cast<double>(bench.payload_bytes())
    );
}

void run(int argc, char** argv) {
    const Case cases[] = {
        {"standard queue", {}, 0},
        {"standard queue, 1,000 groups, round robin", {.fairness = Fairness::round_robin}, 1000},
        {"standard queue, 1,000 groups, noisy-neighbour rule", {.fairness = Fairness::aws}, 1000},
        {"FIFO queue, 1,000 groups", {.order = Order::fifo}, 1000},
    };
    std::string line;
    for (const Case& kind : cases) {
        if (argc > 1 && kind.name != argv[1]) continue;
        line += (line.empty() ? "" : ",") + measure(kind);
        malloc_trim(0);  // the next case starts with a fresh heap
    }
    fmt::print("{{{}}}\n", line);
}

}  // namespace
}  // namespace tranter::engine

int main(int argc, char** argv) {
    tranter::engine::run(argc, argv);
}

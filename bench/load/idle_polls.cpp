#include "load/idle_polls.hpp"

#include "load/client_loop.hpp"

namespace tranter::bench {

IdleSample hold_idle_polls(const Options& options, const Protocol& protocol) {
    static constexpr double settle_seconds = 2;
    IdleSample sample;
    ClientLoop loop(protocol, options.port, options.connections);
    const auto renew = [&](Client& client, const Answer&, std::uint64_t) {
        ++sample.renewed;
        loop.receive(client, 1, options.wait);
    };
    const auto poll_for = [&](double seconds) {
        const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
        for (std::uint64_t now = now_ns(); now < end; now = now_ns())
            loop.poll(end - now, renew);
    };

    for (Client& client : loop.clients())
        loop.receive(client, 1, options.wait);
    poll_for(settle_seconds);

    sample.renewed = 0;
    if (options.server_pid != 0) sample.before = usage_of(options.server_pid);
    const std::uint64_t start = now_ns();
    poll_for(options.seconds);
    if (options.server_pid != 0) sample.after = usage_of(options.server_pid);
    sample.seconds = static_cast<double>(now_ns() - start) / 1e9;
    sample.errors = loop.errors();
    sample.first_error = loop.first_error();
    return sample;
}

}  // namespace tranter::bench

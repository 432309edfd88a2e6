// What an application writes, as short as it is meant to be. Compiled with every compiler that a
// user may have.
#include <tranter/worker.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct Receipt {
    std::string message_id{};
};

struct SendWelcome {
    std::uint64_t user_id{};
    std::string locale = "en";
    static constexpr std::string_view kind = "email.welcome";
    static constexpr tranter::JobDefaults defaults{
        .queue = "mail", .timeout = 30s, .retry = {.max_attempts = 8}};
    static constexpr auto unique = std::tuple{&SendWelcome::user_id};
};

tranter::Outcome<Receipt> send_welcome(tranter::Context& ctx, const SendWelcome& job) {
    if (job.locale.empty()) return tranter::dead("locale is missing");
    ctx.log("sending to {}", job.user_id);
    return Receipt{.message_id = "m-1"};
}

[[maybe_unused]] void ten_lines() {
    tranter::Client client{"file:/var/lib/mail"};
    tranter::Registry handlers;
    handlers.on<SendWelcome>(send_welcome);
    const auto job = client.enqueue(SendWelcome{.user_id = 42}, {.delay = 5min, .group = "acme"});
    if (job) (void)job->result<Receipt>(10s);
    tranter::Worker{client, handlers, {.concurrency = 16}}.run(tranter::stop_on_signals());
}

struct Greeter {
    std::unique_ptr<int> calls = std::make_unique<int>();
    int operator()(const SendWelcome&) { return ++*calls; }
};

[[maybe_unused]] void everything_else(tranter::Client& client) {
    tranter::Registry handlers;
    handlers.on<SendWelcome>(Greeter{}, {.timeout = 1min});
    handlers.on("report", [](tranter::Context& ctx, const tranter::Json&) -> tranter::Outcome<> {
        const std::optional<int> done = ctx.step("count", [] { return std::optional(1); });
        ctx.step("send", [] {});
        ctx.set_progress(0.5);
        ctx.log("{} and {{{}}} and {}", ctx.id(), done.value_or(0), true);
        if (ctx.stop_reason() == tranter::StopReason::cancelled) return tranter::cancelled();
        if (ctx.attempt() == 1) return tranter::retry(5min, "full");
        if (ctx.run() == 2) return tranter::snooze(30s);
        return {};
    });
    handlers.on("rows", [](const tranter::Json&) -> tranter::Result<std::vector<int>> {
        return tranter::fail(tranter::Errc::unavailable, "the database is down");
    });
    handlers.otherwise([](tranter::Context&) { return tranter::dead("unknown"); });
    handlers.use([](tranter::Context& ctx, const tranter::RunHandler& next) { return next(ctx); });
    client.use([](tranter::EnqueueCall& call, const tranter::EnqueueNext& next) {
        return next(call);
    });

    (void)client.enqueue({.type = "report", .payload = "{}", .options = {.queue = "slow"}});
    (void)client.enqueue_all({SendWelcome{.user_id = 1}, SendWelcome{.user_id = 2}});
    (void)client.enqueue_all(std::array<SendWelcome, 2>{}, {.priority = 1});
    (void)client.enqueue_all(std::vector<SendWelcome>(2), {.tags = {"a=b"}});
    (void)client.enqueued<SendWelcome>();
    tranter::or_throw(client.pause("mail"));
    (void)tranter::Worker(client, handlers).drain({.time_max = 1h}).completed;
}

}  // namespace

#include <tranter/worker.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

struct SendWelcome {
    std::uint64_t user_id{};
    std::string locale = "en";
    static constexpr std::string_view kind = "email.welcome";
    static constexpr tranter::JobDefaults defaults{.queue = "mail", .timeout = 30s};
};

struct Receipt {
    std::string message_id{};
};

tranter::Outcome<Receipt> send_welcome(tranter::Context& ctx, const SendWelcome& job) {
    if (job.locale.empty()) return tranter::dead("locale is missing");
    ctx.log("sending to {}", job.user_id);
    return Receipt{.message_id = "m-" + std::to_string(job.user_id)};
}

// quickstart [URL]: in memory, or where the URL says (file:/var/lib/mail, http://127.0.0.1:9325).
int main(int argc, char** argv) {
    const tranter::Client client(argc > 1 ? argv[1] : "memory:");
    tranter::Registry handlers;
    handlers.on<SendWelcome>(send_welcome);
    tranter::Worker worker(client, handlers);
    worker.start();

    const auto job = client.enqueue(SendWelcome{.user_id = 42});
    const auto receipt = tranter::or_throw(job->result<Receipt>(10s));
    std::printf("%s\n", receipt.message_id.c_str());
}

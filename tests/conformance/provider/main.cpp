// The tests, or with --capabilities what the providers can do, as a Markdown table.
#include "stores.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tranter::conformance {
namespace {

struct Row {
    std::string_view title;
    std::function<std::string(const Capabilities&)> cell;
};

Row yes_or_no(std::string_view title, bool Capabilities::*member) {
    return {title, [member](const Capabilities& can) {
                return can.*member ? "yes" : "no";
            }};
}

std::string duration_text(Milliseconds time) {
    if (time.count() == 0) return "any";
    return fmt::format("{} min", std::chrono::duration_cast<std::chrono::minutes>(time).count());
}

std::vector<Row> rows() {
    return {
        yes_or_no("find, cancel, retry, promote, remove, wait", &Capabilities::look_up),
        yes_or_no("list what is not finished", &Capabilities::list),
        yes_or_no("find and search what is finished", &Capabilities::history),
        yes_or_no("priorities", &Capabilities::priorities),
        yes_or_no("group limits and fairness", &Capabilities::groups),
        yes_or_no("dedup: simple, throttle, debounce, keep-latest", &Capabilities::dedup),
        yes_or_no("dedup: simple, in FIFO queues", &Capabilities::dedup_simple_fifo),
        yes_or_no("deadlines", &Capabilities::ttl),
        yes_or_no("cancel what runs", &Capabilities::cancel_running),
        yes_or_no("progress and logs", &Capabilities::progress),
        yes_or_no("steps", &Capabilities::steps),
        yes_or_no("pause queues", &Capabilities::pause),
        yes_or_no("change limits", &Capabilities::limits),
        yes_or_no("events", &Capabilities::events),
        yes_or_no("who works", &Capabilities::workers),
        yes_or_no("all or none of a batch", &Capabilities::atomic_batch),
        {"longest delay",
         [](const Capabilities& can) {
             return duration_text(can.delay_max);
         }},
        {"jobs in a call",
         [](const Capabilities& can) {
             return fmt::format("{}", can.batch_max);
         }},
        yes_or_no("virtual time", &Capabilities::virtual_time),
    };
}

/// By name; of a provider that can be opened in several ways, what one of them can do.
std::map<std::string, Capabilities> capabilities_by_name() {
    std::map<std::string, Capabilities> all;
    for (const StoreKind& kind : stores()) {
        const auto place = kind.place();
        if (!place) continue;
        const auto provider = open_provider(place->url, kind.options);
        if (!provider) continue;
        const Capabilities& can = (*provider)->capabilities();
        const auto known = all.emplace((*provider)->name(), can).first;
        known->second.virtual_time |= can.virtual_time;
    }
    return all;
}

int print_capabilities() {
    const auto all = capabilities_by_name();
    std::string head = "| |";
    std::string rule = "|---|";
    for (const auto& [name, can] : all) {
        head += fmt::format(" `{}:` |", name);
        rule += "---|";
    }
    fmt::print("{}\n{}\n", head, rule);
    for (const Row& row : rows()) {
        fmt::print("| {} |", row.title);
        for (const auto& [name, can] : all)
            fmt::print(" {} |", row.cell(can));
        fmt::print("\n");
    }
    return 0;
}

}  // namespace
}  // namespace tranter::conformance

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--capabilities")
        return tranter::conformance::print_capabilities();
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

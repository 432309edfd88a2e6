#include "admin/connection_metrics.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;
using Stores = std::span<const StoreConnections>;
using Listening = ConnectionMetrics::Listening;

void render_open(Exposition& out, Stores stores) {
    constexpr std::string_view open = "tranter_store_connections";
    out.header(open, Type::gauge, "Open connections for calls, by state.");
    for (const auto& [store, counts] : stores) {
        const std::size_t idle = counts.open - counts.busy;
        const auto busy = static_cast<double>(counts.busy);
        out.sample(open, {{"store", store}, {"state", "busy"}}, busy);
        out.sample(open, {{"store", store}, {"state", "idle"}}, static_cast<double>(idle));
    }
    constexpr std::string_view most = "tranter_store_connections_max";
    out.header(most, Type::gauge, "Connections for calls that may be open at a time.");
    for (const auto& [store, counts] : stores)
        out.sample(most, {{"store", store}}, static_cast<double>(counts.most));
    constexpr std::string_view waits = "tranter_store_connection_waits_total";
    out.header(waits, Type::counter, "Calls that found all connections busy.");
    for (const auto& [store, counts] : stores)
        out.sample(waits, {{"store", store}}, static_cast<double>(counts.waits));
}

void render_connects(Exposition& out, Stores stores) {
    constexpr std::string_view connects = "tranter_store_connects_total";
    out.header(connects, Type::counter, "Connections that were made, and tries that failed.");
    const auto add = [&](std::string_view store, std::string_view use, auto made, auto failed) {
        const auto sample = [&](std::string_view result, std::uint64_t count) {
            out.sample(
                connects,
                {{"store", store}, {"use", use}, {"result", result}},
                static_cast<double>(count)
            );
        };
        sample("made", made);
        sample("failed", failed);
    };
    for (const auto& [store, counts] : stores) {
        add(store, "calls", counts.made, counts.failed);
        if (!counts.listening) continue;
        add(store, "listening", counts.listening->made, counts.listening->failed);
    }
}

void render_errors(Exposition& out, Stores stores) {
    constexpr std::string_view errors = "tranter_store_errors_total";
    out.header(errors, Type::counter, "Tries at a call that the store did not do, by kind.");
    for (const auto& [store, counts] : stores) {
        for (const auto& [kind, count] : counts.errors)
            out.sample(errors, {{"store", store}, {"kind", kind}}, static_cast<double>(count));
    }
}

void render_listening(Exposition& out, Stores stores) {
    const auto gauge = [&](std::string_view name, std::string_view help, bool Listening::*member) {
        out.header(name, Type::gauge, help);
        for (const auto& [store, counts] : stores) {
            if (!counts.listening) continue;
            out.sample(name, {{"store", store}}, *counts.listening.*member ? 1 : 0);
        }
    };
    gauge("tranter_store_listens", "1 while it hears of jobs by others.", &Listening::hears);
    gauge("tranter_store_pooled", "1 when a pooler keeps it from hearing.", &Listening::pooled);
}

}  // namespace

void render_connections(Exposition& out, Stores stores) {
    if (stores.empty()) return;
    render_open(out, stores);
    render_connects(out, stores);
    render_errors(out, stores);
    const bool listens = std::ranges::any_of(stores, [](const StoreConnections& one) {
        return one.counts.listening.has_value();
    });
    if (listens) render_listening(out, stores);
}

}  // namespace tranter::admin

#include "sqs/attribute_table.hpp"
#include "sqs/call.hpp"
#include "sqs/service.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace tranter::sqs {

namespace {

constexpr OutputMap attribute_map{"Attributes", "Attribute"};

}  // namespace

Outcome<> get_queue_attributes(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto names = call.input.list({"AttributeNames", "AttributeName"});
    if (Outcome<> good = call.check_input(); !good) return good;

    bool all = false;
    for (const std::string_view name : names) {
        if (name == "All") {
            all = true;
        } else if (!is_queue_attribute(name)) {
            return Failed(unknown_attribute(name));
        }
    }
    const broker::SettingsSnapshot settings = (*queue)->settings();
    const AttributeSource source{
        call.options, call.broker, *settings, queue->get(), (*queue)->counters(call.broker.now())};
    bool any = false;
    for (const std::string_view name : queue_attribute_names()) {
        if (!all && std::ranges::find(names, name) == names.end()) continue;
        const auto value = show_attribute(source, name);
        if (!value) continue;
        if (!any) call.output.begin_map(attribute_map);
        any = true;
        call.output.entry(attribute_map, name, *value);
    }
    if (any) call.output.end_map(attribute_map);
    return {};
}

std::vector<std::pair<std::string, std::string>> queue_attributes(
    const ServiceOptions& options, broker::Broker& broker, const broker::Queue& queue
) {
    const broker::SettingsSnapshot settings = queue.settings();
    const AttributeSource source{options, broker, *settings, &queue, queue.counters(broker.now())};
    std::vector<std::pair<std::string, std::string>> shown;
    for (const std::string_view name : queue_attribute_names()) {
        if (auto value = show_attribute(source, name)) shown.emplace_back(name, std::move(*value));
    }
    return shown;
}

Outcome<> set_queue_attributes(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto attributes = call.input.map({"Attributes", "Attribute"});
    if (Outcome<> good = call.check_input(); !good) return good;
    if (attributes.empty()) return Failed(missing("Attribute.Name"));

    AttributeTarget target{
        .options = call.options,
        .broker = call.broker,
        .queue = (*queue)->name(),
        .fifo = (*queue)->fifo(),
    };
    // Looking at the dead-letter queue must not happen under this queue's mutex, so a first pass
    // over a copy checks everything and the second one, under the mutex, only what needs no look.
    broker::QueueSettings copy = *(*queue)->settings();
    if (Outcome<> good = apply_attributes(target, attributes, copy); !good) return good;
    target.dead_letter_queue_checked = true;
    Outcome<> applied;
    const Result<broker::Position> changed =
        call.broker.change_settings(*queue, [&](broker::QueueSettings& settings) -> Result<> {
            applied = apply_attributes(target, attributes, settings);
            if (applied) return {};
            return fail(Errc::invalid_argument, applied.error().message);
        });
    if (!applied) return applied;
    if (!changed) return Failed(from_error(changed.error()));
    call.wait_for(*changed);
    return {};
}

}  // namespace tranter::sqs

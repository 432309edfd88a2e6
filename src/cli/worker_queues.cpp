#include "cli/worker_queues.hpp"

#include "base/log_text.hpp"
#include "base/suggest.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 3> queue_members{"name", "weight", "concurrency"};
constexpr std::int64_t queue_concurrency_max = 10'000;

std::unexpected<Error> wrong_queue(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

Result<void> read_queue_number(
    const ConfigMember& member, std::int64_t min, std::int64_t max, unsigned& value
) {
    const auto number = read_integer(member.node, min, max);
    if (!number) return wrong_queue(fmt::format("{} {}", member.key, number.error().message()));
    value = static_cast<unsigned>(*number);
    return {};
}

Result<void> read_queue_member(const ConfigMember& member, WorkerQueue& queue) {
    if (member.key == "weight") return read_queue_number(member, 1, queue_weight_max, queue.weight);
    if (member.key == "concurrency") {
        return read_queue_number(member, 0, queue_concurrency_max, queue.concurrency);
    }
    if (member.key == "name") {
        const auto read = read_text(member.node, queue.name);
        if (!read) return wrong_queue(fmt::format("name {}", read.error().message()));
        return {};
    }
    return wrong_queue(fmt::format(
        "has a key {}{}, known are name, weight and concurrency",
        one_line(member.key),
        did_you_mean(member.key, queue_members)
    ));
}

Result<WorkerQueue> read_worker_queue(const ConfigNode& node) {
    if (const auto* text = std::get_if<std::string>(&node.value)) return parse_worker_queue(*text);
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    if (object == nullptr) {
        return wrong_queue(fmt::format(
            "is {}, write a name or {{ name = \"mail\", weight = 3, concurrency = 2 }}",
            kind_of(node)
        ));
    }
    WorkerQueue queue("");
    for (const ConfigMember& member : *object) {
        if (auto read = read_queue_member(member, queue); !read) {
            return std::unexpected(read.error());
        }
    }
    if (queue.name.empty()) return wrong_queue("has no name, write name = \"mail\"");
    return queue;
}

std::string toml_worker_queue(const WorkerQueue& queue) {
    if (queue == WorkerQueue(queue.name)) return toml_text(queue.name);
    std::string out = "{ name = " + toml_text(queue.name);
    if (queue.weight != 1) out += fmt::format(", weight = {}", queue.weight);
    if (queue.concurrency != 0) out += fmt::format(", concurrency = {}", queue.concurrency);
    return out + " }";
}

}  // namespace

Result<WorkerQueue> parse_worker_queue(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return WorkerQueue(std::string(text));
    const std::string_view digits = text.substr(colon + 1);
    unsigned weight = 0;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, weight);
    const bool is_number = read.ec == std::errc() && read.ptr == end;
    if (!is_number || weight == 0 || weight > queue_weight_max) {
        return wrong_queue(fmt::format(
            "is \"{}\", write a name, or NAME:WEIGHT with a weight from 1 to {}",
            one_line(text),
            queue_weight_max
        ));
    }
    return WorkerQueue(std::string(text.substr(0, colon)), weight);
}

Result<void> read_worker_queues(const ConfigNode& node, std::vector<WorkerQueue>& queues) {
    const auto* array = std::get_if<ConfigNode::Array>(&node.value);
    if (array == nullptr) {
        return wrong_queue(
            fmt::format("is {}, write a list like [\"mail\", \"reports\"]", kind_of(node))
        );
    }
    std::vector<WorkerQueue> read;
    for (const ConfigNode& element : *array) {
        auto queue = read_worker_queue(element);
        if (!queue) {
            return wrong_queue(
                fmt::format("element {} {}", read.size() + 1, queue.error().message())
            );
        }
        read.push_back(std::move(*queue));
    }
    queues = std::move(read);
    return {};
}

std::string toml_worker_queues(const std::vector<WorkerQueue>& queues) {
    std::vector<std::string> texts;
    for (const WorkerQueue& queue : queues)
        texts.push_back(toml_worker_queue(queue));
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

}  // namespace tranter::cli

#include "cli/queue_attributes.hpp"

#include "base/size.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>

namespace tranter::cli {

namespace {

constexpr std::int64_t default_max_receives = 3;
constexpr std::int64_t max_receives_max = 1000;

enum class Kind : std::uint8_t { seconds, bytes, text };

struct Attribute {
    std::string_view name;      // ours
    std::string_view aws_name;  // on the wire
    Kind kind;
};

constexpr auto known_attributes = std::to_array<Attribute>({
    {"visibility-timeout", "VisibilityTimeout", Kind::seconds},
    {"delay", "DelaySeconds", Kind::seconds},
    {"retention", "MessageRetentionPeriod", Kind::seconds},
    {"receive-wait", "ReceiveMessageWaitTimeSeconds", Kind::seconds},
    {"max-message-size", "MaximumMessageSize", Kind::bytes},
    {"content-based-deduplication", "ContentBasedDeduplication", Kind::text},
    {"deduplication-scope", "DeduplicationScope", Kind::text},
    {"fifo-throughput-limit", "FifoThroughputLimit", Kind::text},
    {"policy", "Policy", Kind::text},
    {"redrive-policy", "RedrivePolicy", Kind::text},
    {"redrive-allow-policy", "RedriveAllowPolicy", Kind::text},
});

Result<JsonMember> encode(const Attribute& attribute, std::string_view value) {
    std::string text(value);
    if (attribute.kind == Kind::seconds) {
        const auto seconds = parse_seconds(value, attribute.name);
        if (!seconds) return std::unexpected(seconds.error());
        text = fmt::to_string(*seconds);
    } else if (attribute.kind == Kind::bytes) {
        const auto bytes = parse_size(value);
        if (!bytes) {
            return fail(
                Errc::invalid_argument,
                fmt::format("{}: {}", attribute.name, bytes.error().message())
            );
        }
        text = fmt::to_string(*bytes);
    }
    return JsonMember{std::string(attribute.aws_name), Json(std::move(text))};
}

}  // namespace

Result<JsonMember> parse_queue_attribute(std::string_view assignment) {
    const auto parts = split_assignment(assignment, "queue attribute");
    if (!parts) return std::unexpected(parts.error());
    const auto& [name, value] = *parts;
    if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("queue attribute {} is not valid UTF-8", in_quotes(assignment))
        );
    }
    std::array<std::string_view, known_attributes.size()> known;
    for (std::size_t i = 0; i < known_attributes.size(); ++i) {
        if (known_attributes[i].name == name) return encode(known_attributes[i], value);
        known[i] = known_attributes[i].name;
    }
    // AWS names go through as they are: the server knows best which there are.
    if (std::isupper(static_cast<unsigned char>(name.front())) != 0) {
        return JsonMember{name, Json(value)};
    }
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "unknown queue attribute {}{}, expected one like visibility-timeout=30s or "
            "VisibilityTimeout=30",
            in_quotes(name),
            did_you_mean(name, known)
        )
    );
}

Result<Json> collect_queue_attributes(const Arguments& arguments) {
    std::vector<std::string> assignments = arguments.list("attribute");
    for (const std::string& word : arguments.list("K=V")) {
        assignments.push_back(word);
    }
    for (const std::string_view name : {"visibility-timeout", "delay", "retention"}) {
        const auto value = arguments.find(name);
        if (value) assignments.push_back(fmt::format("{}={}", name, *value));
    }
    Json collected{Json::Object()};
    for (const std::string& assignment : assignments) {
        auto member = parse_queue_attribute(assignment);
        if (!member) return std::unexpected(member.error());
        if (!collected[member->name].is_null()) {
            return fail(
                Errc::invalid_argument,
                fmt::format("queue attribute {} is given twice, once is right", member->name)
            );
        }
        collected.set(member->name, std::move(member->value));
    }
    return collected;
}

Result<> add_redrive_policy(const Arguments& arguments, aws::SqsClient& client, Json& attributes) {
    const auto max_receives =
        arguments.integer("max-receives", {.min = 1, .max = max_receives_max});
    if (!max_receives) return std::unexpected(max_receives.error());
    const auto dlq = arguments.find("dlq");
    if (arguments.is_on("no-dlq") && (dlq || *max_receives)) {
        return fail(
            Errc::invalid_argument, "--no-dlq and --dlq or --max-receives are given, expected one"
        );
    }
    if (arguments.is_on("no-dlq")) attributes.set("RedrivePolicy", "");
    if (!dlq && *max_receives) {
        return fail(Errc::invalid_argument, "--max-receives is given without --dlq QUEUE");
    }
    if (!dlq) return {};
    const auto arn = client.queue_arn(*dlq);
    if (!arn) return fail(arn.error().code(), "--dlq: " + arn.error().message());
    Json policy;
    policy.set("deadLetterTargetArn", *arn)
        .set("maxReceiveCount", max_receives->value_or(default_max_receives));
    attributes.set("RedrivePolicy", policy.dump());
    return {};
}

Result<Json> collect_assignments(const Arguments& arguments, std::string_view option) {
    Json collected;
    for (const std::string& word : arguments.list(option)) {
        const auto parts = split_assignment(word, fmt::format("--{}", option));
        if (!parts) return std::unexpected(parts.error());
        if (!is_valid_utf8(word)) {
            return fail(
                Errc::invalid_argument,
                fmt::format("--{} {} is not valid UTF-8", option, in_quotes(word))
            );
        }
        collected.set(parts->first, parts->second);
    }
    return collected;
}

std::vector<Option> queue_attribute_options() {
    return {
        {.name = "visibility-timeout",
         .value = "DURATION",
         .help = "how long a received message stays hidden (server default: 30s)"},
        {.name = "delay",
         .value = "DURATION",
         .help = "how long a sent message stays hidden (server default: 0s)"},
        {.name = "retention",
         .value = "DURATION",
         .help = "how long a message is kept (server default: 4d)"},
        {.name = "dlq",
         .value = "QUEUE",
         .help = "dead-letter queue, which has to exist: a name, URL or ARN"},
        {.name = "max-receives",
         .value = "N",
         .help = "deliveries after which a message goes to --dlq (default: 3)"},
        {.name = "attribute",
         .value = "K=V",
         .help = "any other attribute, e.g. max-message-size=64KiB or an AWS name",
         .repeated = true},
    };
}

}  // namespace tranter::cli

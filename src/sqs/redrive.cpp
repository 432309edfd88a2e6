#include "sqs/redrive.hpp"

#include "base/json_writer.hpp"
#include "sqs/names.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>

namespace tranter::sqs {

namespace {

namespace dom = simdjson::dom;

constexpr std::string_view policy_name = "RedrivePolicy";
constexpr std::string_view allow_name = "RedriveAllowPolicy";
constexpr std::int64_t max_receives_max = 1000;
constexpr std::size_t allowed_sources_max = 10;

Failure not_a_document(std::string_view attribute) {
    return {
        Code::invalid_attribute_value,
        fmt::format("Invalid value for the parameter {}.", attribute)};
}

/// A number, or a text that is one.
std::optional<std::int64_t> number_of(const dom::element& value) {
    std::int64_t number = 0;
    if (value.get(number) == simdjson::SUCCESS) return number;
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
    return whole_number(text);
}

std::string_view show_scalar(const dom::element& value, std::string& storage) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) return text;
    storage = simdjson::to_string(value);
    return storage;
}

struct RedrivePolicy {
    std::string_view queue;  // refers to the parser's document
    std::int64_t max_receives = 0;
};

Outcome<RedrivePolicy> read_policy(const dom::object& document, std::string_view text) {
    const auto refuse = [&](std::string_view reason) {
        return Failed(invalid_value(text, policy_name, reason));
    };
    dom::element arn;
    dom::element count;
    bool has_arn = false;
    bool has_count = false;
    for (const dom::key_value_pair field : document) {
        if (field.key == "deadLetterTargetArn") {
            arn = field.value;
            has_arn = true;
        } else if (field.key == "maxReceiveCount") {
            count = field.value;
            has_count = true;
        } else {
            return refuse(
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
            );
        }
    }
    if (!has_arn) {
        return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
    }
    if (!has_count) {
        return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
    }
    const auto number = number_of(count);
    if (!number || *number < 1 || *number > max_receives_max) {
        std::string storage;
        return refuse(fmt::format(
            "Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 both "
            "inclusive.",
            show_scalar(count, storage)
        ));
    }
    std::string_view arn_text;
    const bool is_text = arn.get(arn_text) == simdjson::SUCCESS;
    const auto name = is_text ? queue_name_of_arn(arn_text) : std::nullopt;
    if (!name) return refuse("Invalid value for deadLetterTargetArn.");
    return RedrivePolicy{*name, *number};
}

Outcome<> check_dead_letter_queue(
    const AttributeTarget& target, std::string_view name, std::string_view text
) {
    const auto refuse = [&](std::string_view reason) {
        return Failed(invalid_value(text, policy_name, reason));
    };
    const broker::QueueHandle dead = target.broker.find_queue(name);
    if (!dead) return refuse("Dead letter target does not exist.");
    if (dead->name() == target.queue) {
        return refuse("A queue cannot be its own dead letter target.");
    }
    if (dead->fifo() != target.fifo) {
        return refuse("Dead-letter queue must be same type of queue as the source.");
    }
    if (!allows_redrive_from(*dead->settings(), target.queue)) {
        return refuse("Dead letter target does not allow this queue as a source.");
    }
    return {};
}

}  // namespace

Outcome<> apply_redrive_policy(
    const AttributeTarget& target, std::string_view text, broker::QueueSettings& settings
) {
    if (text.empty()) {
        settings.dead_letter_queue.clear();
        settings.engine.max_receives = 0;
        return {};
    }
    dom::parser parser;
    dom::object document;
    const simdjson::padded_string padded(text);
    if (parser.parse(padded).get(document) != simdjson::SUCCESS) {
        return Failed(not_a_document(policy_name));
    }
    const auto policy = read_policy(document, text);
    if (!policy) return Failed(policy.error());

    if (!target.dead_letter_queue_checked) {
        if (Outcome<> good = check_dead_letter_queue(target, policy->queue, text); !good) {
            return good;
        }
    }
    settings.dead_letter_queue = policy->queue;
    settings.engine.max_receives = static_cast<std::uint32_t>(policy->max_receives);
    return {};
}

std::optional<std::string> show_redrive_policy(
    const ServiceOptions& options, const broker::QueueSettings& settings
) {
    // What only jobs use is no redrive policy: no message goes there by itself.
    if (settings.dead_letter_queue.empty() || settings.engine.max_receives == 0) {
        return std::nullopt;
    }
    std::string text;
    JsonWriter json(text);
    json.begin_object()
        .member("deadLetterTargetArn", queue_arn(options, settings.dead_letter_queue))
        .member("maxReceiveCount", settings.engine.max_receives)
        .end_object();
    return text;
}

Outcome<> apply_redrive_allow_policy(std::string_view text, broker::QueueSettings& settings) {
    if (text.empty()) {
        settings.attributes.erase(std::string(allow_name));
        return {};
    }
    dom::parser parser;
    dom::object document;
    const simdjson::padded_string padded(text);
    if (parser.parse(padded).get(document) != simdjson::SUCCESS) {
        return Failed(not_a_document(allow_name));
    }
    const auto refuse = [&](std::string_view reason) {
        return Failed(invalid_value(text, allow_name, reason));
    };
    std::string_view permission;
    if (document["redrivePermission"].get(permission) != simdjson::SUCCESS ||
        (permission != "allowAll" && permission != "denyAll" && permission != "byQueue")) {
        return refuse("redrivePermission must be one of allowAll, denyAll and byQueue.");
    }
    dom::array sources;
    const bool has_sources = document["sourceQueueArns"].get(sources) == simdjson::SUCCESS;
    if (has_sources != (permission == "byQueue")) {
        return refuse("sourceQueueArns must be given with byQueue, and only then.");
    }
    if (has_sources) {
        if (sources.size() == 0 || sources.size() > allowed_sources_max) {
            return refuse("sourceQueueArns must have 1 to 10 elements.");
        }
        for (const dom::element source : sources) {
            std::string_view arn;
            if (source.get(arn) != simdjson::SUCCESS || !queue_name_of_arn(arn)) {
                return refuse("Invalid value for sourceQueueArns.");
            }
        }
    }
    settings.attributes[std::string(allow_name)] = text;
    return {};
}

bool allows_redrive_from(const broker::QueueSettings& settings, std::string_view source) {
    const auto found = settings.attributes.find(std::string(allow_name));
    if (found == settings.attributes.end()) return true;
    dom::parser parser;
    dom::object document;
    const simdjson::padded_string padded(found->second);
    if (parser.parse(padded).get(document) != simdjson::SUCCESS) return false;
    std::string_view permission;
    if (document["redrivePermission"].get(permission) != simdjson::SUCCESS) return false;
    if (permission != "byQueue") return permission == "allowAll";
    dom::array sources;
    if (document["sourceQueueArns"].get(sources) != simdjson::SUCCESS) return false;
    for (const dom::element element : sources) {
        std::string_view arn;
        if (element.get(arn) == simdjson::SUCCESS && queue_name_of_arn(arn) == source) return true;
    }
    return false;
}

}  // namespace tranter::sqs

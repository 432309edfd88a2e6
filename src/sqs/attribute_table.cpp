#include "sqs/attribute_table.hpp"

#include "sqs/names.hpp"
#include "sqs/policy.hpp"
#include "sqs/redrive.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace tranter::sqs {

namespace {

using broker::QueueSettings;
using std::chrono::seconds;
using Shown = std::optional<std::string>;

struct Row {
    std::string_view name;
    /// Null: read-only.
    Outcome<> (*apply)(const AttributeTarget&, std::string_view value, QueueSettings&);
    Shown (*show)(const AttributeSource&);
};

Failed bad_value(std::string_view name) {
    return failed(
        Code::invalid_attribute_value, fmt::format("Invalid value for the parameter {}.", name)
    );
}

std::optional<bool> truth(std::string_view text) {
    if (text == "true" || text == "True") return true;
    if (text == "false" || text == "False") return false;
    return std::nullopt;
}

Shown show_seconds(Duration duration) {
    return fmt::to_string(std::chrono::duration_cast<seconds>(duration).count());
}

Shown show_kept(const AttributeSource& source, std::string_view name, const Shown& otherwise) {
    const auto found = source.settings.attributes.find(std::string(name));
    return found == source.settings.attributes.end() ? otherwise : Shown(found->second);
}

bool is_fifo(const AttributeSource& source) {
    return source.settings.engine.groups.order == engine::Order::fifo;
}

Outcome<> in_range(
    std::string_view name,
    std::string_view value,
    std::int64_t min,
    std::int64_t max,
    const std::function<void(std::int64_t)>& store
) {
    const auto number = whole_number(value);
    if (!number || *number < min || *number > max) return bad_value(name);
    store(*number);
    return {};
}

Outcome<> only_for_fifo(const AttributeTarget& target, std::string_view name) {
    if (target.fifo) return {};
    return failed(
        Code::invalid_attribute_name,
        fmt::format("You can specify the {} only when FifoQueue is set to true.", name)
    );
}

template <std::uint64_t engine::Counters::*Member>
Shown show_counter(const AttributeSource& source) {
    if (!source.counters) return std::nullopt;
    return fmt::to_string((*source.counters).*Member);
}

Outcome<> apply_content_deduplication(
    const AttributeTarget& target, std::string_view value, QueueSettings& settings
) {
    constexpr std::string_view name = "ContentBasedDeduplication";
    if (!target.fifo) return Failed(unknown_attribute(name));
    const auto enabled = truth(value);
    if (!enabled) return bad_value(name);
    settings.content_based_deduplication = *enabled;
    return {};
}

Outcome<> apply_deduplication_scope(
    const AttributeTarget& target, std::string_view value, QueueSettings& settings
) {
    constexpr std::string_view name = "DeduplicationScope";
    if (Outcome<> good = only_for_fifo(target, name); !good) return good;
    if (value != "queue" && value != "messageGroup") return bad_value(name);
    settings.attributes[std::string(name)] = value;
    // Later changes are shown but have no effect (SQS_SPEC 11.5).
    if (target.creating) {
        settings.engine.deduplication_scope = value == "queue"
                                                  ? engine::DeduplicationScope::queue
                                                  : engine::DeduplicationScope::message_group;
    }
    return {};
}

Shown show_deduplication_scope(const AttributeSource& source) {
    if (!is_fifo(source)) return std::nullopt;
    const bool whole_queue =
        source.settings.engine.deduplication_scope == engine::DeduplicationScope::queue;
    return show_kept(source, "DeduplicationScope", whole_queue ? "queue" : "messageGroup");
}

Outcome<> apply_fifo_queue(
    const AttributeTarget& target, std::string_view value, QueueSettings& settings
) {
    if (!target.fifo && !target.creating) return Failed(unknown_attribute("FifoQueue"));
    if (target.fifo && truth(value) == true) {
        settings.engine.groups.order = engine::Order::fifo;
        return {};
    }
    if (target.creating) return bad_value("FifoQueue");
    return failed(
        Code::invalid_attribute_value,
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    );
}

Outcome<> apply_throughput_limit(
    const AttributeTarget& target, std::string_view value, QueueSettings& settings
) {
    constexpr std::string_view name = "FifoThroughputLimit";
    if (Outcome<> good = only_for_fifo(target, name); !good) return good;
    if (value != "perQueue" && value != "perMessageGroupId") return bad_value(name);
    settings.attributes[std::string(name)] = value;
    return {};
}

Outcome<> apply_kms_key(const AttributeTarget&, std::string_view value, QueueSettings& settings) {
    if (value.empty()) {
        settings.attributes.erase("KmsMasterKeyId");
        return {};
    }
    settings.attributes["KmsMasterKeyId"] = value;
    settings.attributes["SqsManagedSseEnabled"] = "false";
    return {};
}

Outcome<> apply_kms_reuse(const AttributeTarget&, std::string_view value, QueueSettings& settings) {
    constexpr std::string_view name = "KmsDataKeyReusePeriodSeconds";
    return in_range(name, value, 60, 86'400, [&](std::int64_t period) {
        if (period == 300) {
            settings.attributes.erase(std::string(name));
        } else {
            settings.attributes[std::string(name)] = fmt::to_string(period);
        }
    });
}

Outcome<> apply_managed_sse(
    const AttributeTarget&, std::string_view value, QueueSettings& settings
) {
    const auto enabled = truth(value);
    if (!enabled) return bad_value("SqsManagedSseEnabled");
    settings.attributes["SqsManagedSseEnabled"] = *enabled ? "true" : "false";
    if (*enabled) settings.attributes.erase("KmsMasterKeyId");
    return {};
}

Outcome<> apply_policy(const AttributeTarget&, std::string_view value, QueueSettings& settings) {
    if (value.empty()) {
        settings.attributes.erase("Policy");
        return {};
    }
    simdjson::dom::parser parser;
    simdjson::dom::object document;
    const simdjson::padded_string padded(value);
    if (value.size() > policy_bytes_max ||
        parser.parse(padded).get(document) != simdjson::SUCCESS) {
        return bad_value("Policy");
    }
    settings.attributes["Policy"] = value;
    return {};
}

// In the order of their names, which is the order in which All shows them.
constexpr std::array rows{
    Row{"ApproximateNumberOfMessages", nullptr, show_counter<&engine::Counters::visible>},
    Row{"ApproximateNumberOfMessagesDelayed", nullptr, show_counter<&engine::Counters::delayed>},
    Row{"ApproximateNumberOfMessagesNotVisible",
        nullptr,
        show_counter<&engine::Counters::in_flight>},
    Row{"ContentBasedDeduplication",
        apply_content_deduplication,
        [](const AttributeSource& source) -> Shown {
            if (!is_fifo(source)) return std::nullopt;
            return source.settings.content_based_deduplication ? "true" : "false";
        }},
    Row{"CreatedTimestamp",
        nullptr,
        [](const AttributeSource& source) -> Shown {
            if (source.queue == nullptr) return std::nullopt;
            return fmt::to_string(unix_seconds(source.queue->created()));
        }},
    Row{"DeduplicationScope", apply_deduplication_scope, show_deduplication_scope},
    Row{"DelaySeconds",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return in_range("DelaySeconds", value, 0, 900, [&](std::int64_t number) {
                settings.engine.delay = seconds(number);
            });
        },
        [](const AttributeSource& source) {
            return show_seconds(source.settings.engine.delay);
        }},
    Row{"FifoQueue",
        apply_fifo_queue,
        [](const AttributeSource& source) -> Shown {
            if (!is_fifo(source)) return std::nullopt;
            return "true";
        }},
    Row{"FifoThroughputLimit",
        apply_throughput_limit,
        [](const AttributeSource& source) -> Shown {
            if (!is_fifo(source)) return std::nullopt;
            return show_kept(source, "FifoThroughputLimit", "perQueue");
        }},
    Row{"KmsDataKeyReusePeriodSeconds",
        apply_kms_reuse,
        [](const AttributeSource& source) {
            return show_kept(source, "KmsDataKeyReusePeriodSeconds", std::nullopt);
        }},
    Row{"KmsMasterKeyId",
        apply_kms_key,
        [](const AttributeSource& source) {
            return show_kept(source, "KmsMasterKeyId", std::nullopt);
        }},
    Row{"LastModifiedTimestamp",
        nullptr,
        [](const AttributeSource& source) -> Shown {
            if (source.queue == nullptr) return std::nullopt;
            return fmt::to_string(unix_seconds(source.queue->modified()));
        }},
    Row{"MaximumMessageSize",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return in_range("MaximumMessageSize", value, 1024, 1'048'576, [&](std::int64_t number) {
                settings.max_message_bytes = static_cast<std::uint32_t>(number);
            });
        },
        [](const AttributeSource& source) -> Shown {
            return fmt::to_string(source.settings.max_message_bytes);
        }},
    Row{"MessageRetentionPeriod",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return in_range(
                "MessageRetentionPeriod",
                value,
                60,
                1'209'600,
                [&](std::int64_t number) { settings.engine.retention = seconds(number); }
            );
        },
        [](const AttributeSource& source) {
            return show_seconds(source.settings.engine.retention);
        }},
    Row{"Policy",
        apply_policy,
        [](const AttributeSource& source) {
            return show_kept(source, "Policy", std::nullopt);
        }},
    Row{"QueueArn",
        nullptr,
        [](const AttributeSource& source) -> Shown {
            if (source.queue == nullptr) return std::nullopt;
            return queue_arn(source.options, source.queue->name());
        }},
    Row{"ReceiveMessageWaitTimeSeconds",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return in_range(
                "ReceiveMessageWaitTimeSeconds",
                value,
                0,
                20,
                [&](std::int64_t number) { settings.receive_wait = seconds(number); }
            );
        },
        [](const AttributeSource& source) {
            return show_seconds(source.settings.receive_wait);
        }},
    Row{"RedriveAllowPolicy",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return apply_redrive_allow_policy(value, settings);
        },
        [](const AttributeSource& source) {
            return show_kept(source, "RedriveAllowPolicy", std::nullopt);
        }},
    Row{"RedrivePolicy",
        apply_redrive_policy,
        [](const AttributeSource& source) {
            return show_redrive_policy(source.options, source.settings);
        }},
    Row{"SqsManagedSseEnabled",
        apply_managed_sse,
        [](const AttributeSource& source) {
            return show_kept(source, "SqsManagedSseEnabled", "true");
        }},
    Row{"VisibilityTimeout",
        [](const AttributeTarget&, std::string_view value, QueueSettings& settings) {
            return in_range("VisibilityTimeout", value, 0, 43'200, [&](std::int64_t number) {
                settings.engine.visibility_timeout = seconds(number);
            });
        },
        [](const AttributeSource& source) {
            return show_seconds(source.settings.engine.visibility_timeout);
        }},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::name));

constexpr std::array<std::string_view, rows.size()> make_names() {
    std::array<std::string_view, rows.size()> names{};
    for (std::size_t i = 0; i < rows.size(); ++i)
        names[i] = rows[i].name;
    return names;
}
constexpr std::array row_names = make_names();

const Row* find_row(std::string_view name) {
    const auto found = std::ranges::lower_bound(rows, name, {}, &Row::name);
    return found != rows.end() && found->name == name ? &*found : nullptr;
}

/// What no attribute can say alone.
Outcome<> check_together(std::span<const NamedText> attributes, const QueueSettings& settings) {
    bool kms = false;
    bool managed = false;
    for (const NamedText& attribute : attributes) {
        kms = kms || (attribute.name == "KmsMasterKeyId" && !attribute.value.empty());
        managed =
            managed || (attribute.name == "SqsManagedSseEnabled" && truth(attribute.value) == true);
    }
    if (kms && managed) {
        return failed(
            Code::invalid_attribute_name,
            "You can use one type of server-side encryption (SSE) at one time. You can either "
            "enable KMS SSE or SQS SSE."
        );
    }
    const auto limit = settings.attributes.find("FifoThroughputLimit");
    const auto scope = settings.attributes.find("DeduplicationScope");
    const bool per_group =
        limit != settings.attributes.end() && limit->second == "perMessageGroupId";
    const bool group_scope =
        scope != settings.attributes.end()
            ? scope->second == "messageGroup"
            : settings.engine.deduplication_scope == engine::DeduplicationScope::message_group;
    if (per_group && !group_scope) {
        return failed(
            Code::invalid_attribute_value,
            "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId needs "
            "DeduplicationScope messageGroup."
        );
    }
    return {};
}

}  // namespace

bool is_queue_attribute(std::string_view name) {
    return find_row(name) != nullptr;
}

Outcome<> apply_attributes(
    const AttributeTarget& target,
    std::span<const NamedText> attributes,
    broker::QueueSettings& settings
) {
    for (const NamedText& attribute : attributes) {
        const Row* const row = find_row(attribute.name);
        if (row == nullptr || row->apply == nullptr) {
            return Failed(unknown_attribute(attribute.name));
        }
        if (Outcome<> good = row->apply(target, attribute.value, settings); !good) return good;
    }
    return check_together(attributes, settings);
}

std::optional<std::string> show_attribute(const AttributeSource& source, std::string_view name) {
    const Row* const row = find_row(name);
    return row == nullptr ? std::nullopt : row->show(source);
}

std::span<const std::string_view> queue_attribute_names() {
    return row_names;
}

}  // namespace tranter::sqs

#include "base/encoding.hpp"
#include "sqs/attribute_table.hpp"
#include "sqs/call.hpp"
#include "sqs/names.hpp"
#include "sqs/tags.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace tranter::sqs {

namespace {

constexpr std::size_t page_max = 1000;
constexpr std::size_t queue_name_bytes_max = 80;
constexpr std::size_t relaxed_queue_name_bytes_max = 1000;

Outcome<> check_queue_name(const ServiceOptions& options, std::string_view name, bool wants_fifo) {
    const std::size_t max =
        options.limits == Limits::strict ? queue_name_bytes_max : relaxed_queue_name_bytes_max;
    const bool good = is_queue_name(name, max);
    if (wants_fifo && !(good && is_fifo_name(name))) {
        return failed(
            Code::invalid_parameter_value,
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length"
        );
    }
    if (!good || is_fifo_name(name) != wants_fifo) {
        return failed(
            Code::invalid_parameter_value,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        );
    }
    return {};
}

/// An existing queue satisfies a CreateQueue when every attribute that is given has the value that
/// it has now.
Outcome<> check_same(
    Call& call,
    const broker::Queue& queue,
    const AttributeTarget& target,
    std::span<const NamedText> attributes
) {
    const broker::SettingsSnapshot current = queue.settings();
    broker::QueueSettings wanted = *current;
    if (Outcome<> good = apply_attributes(target, attributes, wanted); !good) return good;
    const AttributeSource before{call.options, call.broker, *current};
    const AttributeSource after{call.options, call.broker, wanted};
    for (const NamedText& attribute : attributes) {
        if (show_attribute(before, attribute.name) != show_attribute(after, attribute.name)) {
            return failed(
                Code::queue_name_exists,
                fmt::format(
                    "A queue already exists with the same name and a different value for "
                    "attribute {}",
                    attribute.name
                )
            );
        }
    }
    return {};
}

void write_url(Call& call, std::string_view name) {
    call.output.text("QueueUrl", queue_url(call.options, call.host, name));
}

struct CreateInput {
    std::string_view name{};
    std::vector<NamedText> attributes{};
    std::vector<NamedText> tags{};
};

Outcome<CreateInput> read_create(Call& call) {
    const auto name = call.input.text("QueueName");
    CreateInput input{
        .name = name.value_or(std::string_view()),
        .attributes = call.input.map({"Attributes", "Attribute"}),
        .tags = call.input.map({"tags", "Tag", "Key"}),
    };
    if (call.input.failure()) return Failed(*call.input.failure());
    if (!name) return Failed(missing("QueueName"));
    std::erase_if(input.attributes, [](const NamedText& attribute) {
        return attribute.value.empty() &&
               (attribute.name == "Policy" || attribute.name == "RedrivePolicy");
    });
    const bool wants_fifo = std::ranges::any_of(input.attributes, [](const NamedText& attribute) {
        return attribute.name == "FifoQueue" &&
               (attribute.value == "true" || attribute.value == "True");
    });
    if (Outcome<> good = check_queue_name(call.options, input.name, wants_fifo); !good) {
        return Failed(good.error());
    }
    if (Outcome<> good = check_tags(input.name, input.tags); !good) return Failed(good.error());
    return input;
}

Outcome<std::size_t> read_page_size(Call& call, bool& limited) {
    const auto size = call.input.integer("MaxResults");
    limited = size.has_value();
    if (!size) return page_max;
    if (!size->valid || size->value < 1 || size->value > static_cast<std::int64_t>(page_max)) {
        return failed(
            Code::invalid_parameter_value,
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
            "between 1 and 1000."
        );
    }
    return static_cast<std::size_t>(size->value);
}

/// A token is the name of the last queue of the page before.
Outcome<std::string> read_token(Call& call) {
    const auto token = call.input.text("NextToken");
    if (!token || token->empty()) return std::string();
    auto name = from_base64(*token);
    if (!name || name->empty() || !is_valid_utf8(*name)) {
        return Failed(
            invalid_value(*token, "NextToken", "It is not a token that a listing returned.")
        );
    }
    return std::move(*name);
}

void write_page(
    Call& call, const OutputList& list, std::span<const broker::QueueHandle> queues, bool more
) {
    if (queues.empty()) return;
    call.output.begin_list(list);
    for (const broker::QueueHandle& queue : queues) {
        call.output.element(list, queue_url(call.options, call.host, queue->name()));
    }
    call.output.end_list(list);
    if (more) call.output.text("NextToken", to_base64(queues.back()->name()));
}

}  // namespace

Outcome<> create_queue(Call& call) {
    const Outcome<CreateInput> input = read_create(call);
    if (!input) return Failed(input.error());
    const AttributeTarget target{
        .options = call.options,
        .broker = call.broker,
        .queue = input->name,
        .fifo = is_fifo_name(input->name),
        .creating = true,
    };
    if (const broker::QueueHandle existing = call.broker.find_queue(input->name)) {
        if (Outcome<> good = check_same(call, *existing, target, input->attributes); !good) {
            return good;
        }
        call.wait_for_all();
        write_url(call, input->name);
        return {};
    }
    broker::QueueSettings settings;
    settings.engine.max_in_flight = call.options.max_in_flight;
    if (Outcome<> good = apply_attributes(target, input->attributes, settings); !good) return good;
    for (const NamedText& tag : input->tags)
        settings.tags[std::string(tag.name)] = tag.value;

    const auto created = call.broker.create_queue(input->name, std::move(settings));
    if (!created) {
        if (created.error().code() == Errc::already_exists) return create_queue(call);
        if (created.error().code() == Errc::conflict) {
            return failed(
                Code::queue_deleted_recently,
                "You must wait 60 seconds after deleting a queue before you can create another "
                "with the same name."
            );
        }
        return Failed(from_error(created.error()));
    }
    call.wait_for_all();
    write_url(call, input->name);
    return {};
}

Outcome<> delete_queue(Call& call) {
    const auto queue = call.existing_queue();
    if (!queue) return Failed(queue.error());
    const auto position = call.broker.delete_queue(*queue);
    if (!position) return Failed(from_error(position.error()));
    call.wait_for(*position);
    return {};
}

Outcome<> get_queue_url(Call& call) {
    const auto name = call.input.text("QueueName");
    if (Outcome<> good = call.check_input(); !good) return good;
    if (!name || name->empty()) return Failed(missing("QueueName"));
    if (!call.broker.find_queue(*name)) return Failed(no_such_queue());
    write_url(call, *name);
    return {};
}

Outcome<> list_queues(Call& call) {
    const std::string_view prefix = call.input.text("QueueNamePrefix").value_or(std::string_view());
    bool limited = false;
    const auto size = read_page_size(call, limited);
    const auto after = read_token(call);
    if (Outcome<> good = call.check_input(); !good) return good;
    if (!size) return Failed(size.error());
    if (!after) return Failed(after.error());

    std::vector<broker::QueueHandle> queues = call.broker.list_queues(prefix, *after, *size + 1);
    const bool more = limited && queues.size() > *size;
    queues.resize(std::min(queues.size(), *size));
    write_page(call, {"QueueUrls", "QueueUrl"}, queues, more);
    return {};
}

Outcome<> list_dead_letter_source_queues(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    bool limited = false;
    const auto size = read_page_size(call, limited);
    const auto after = read_token(call);
    if (Outcome<> good = call.check_input(); !good) return good;
    if (!size) return Failed(size.error());
    if (!after) return Failed(after.error());

    std::vector<broker::QueueHandle> queues = call.broker.dead_letter_sources((*queue)->name());
    std::erase_if(queues, [&](const broker::QueueHandle& source) {
        // Without a count of receives it has no RedrivePolicy: only dead jobs go there.
        return source->name() <= *after || source->settings()->engine.max_receives == 0;
    });
    const bool more = limited && queues.size() > *size;
    queues.resize(std::min(queues.size(), *size));
    write_page(call, {"queueUrls", "QueueUrl"}, queues, more);
    return {};
}

Outcome<> purge_queue(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const auto position = call.broker.purge(*queue);
    if (position) {
        call.wait_for(*position);
        return {};
    }
    if (position.error().code() != Errc::conflict) return Failed(from_error(position.error()));
    return failed(
        Code::purge_queue_in_progress,
        fmt::format(
            "Only one PurgeQueue operation on {} is allowed every 60 seconds.", (*queue)->name()
        )
    );
}

}  // namespace tranter::sqs

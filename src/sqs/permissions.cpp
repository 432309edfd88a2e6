#include "sqs/call.hpp"
#include "sqs/names.hpp"
#include "sqs/policy.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

namespace tranter::sqs {

namespace {

constexpr std::size_t label_bytes_max = 80;
constexpr std::size_t actions_max = 7;
constexpr std::size_t accounts_max = 50;
constexpr std::array<std::string_view, 9> shareable_actions{
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
};

Outcome<> check_label(std::string_view label) {
    if (label.empty()) return Failed(missing("Label"));
    if (is_label(label, label_bytes_max)) return {};
    return Failed(invalid_value(
        label,
        "Label",
        "It can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    ));
}

Outcome<> check_actions(const std::vector<std::string_view>& actions) {
    if (actions.empty()) return Failed(missing("Actions"));
    if (actions.size() > actions_max) {
        return failed(
            Code::over_limit,
            fmt::format(
                "{} Actions were found, maximum allowed is {}.", actions.size(), actions_max
            )
        );
    }
    for (const std::string_view action : actions) {
        if (std::ranges::find(shareable_actions, action) != shareable_actions.end()) continue;
        const std::string shown = fmt::format("SQS:{}", action);
        if (find_action(action) != nullptr) {
            return Failed(invalid_value(
                shown, "ActionName", "Only the queue owner is allowed to invoke this action."
            ));
        }
        return Failed(invalid_value(
            shown,
            "ActionName",
            "Please refer to the appropriate WSDL for a list of valid actions. "
        ));
    }
    return {};
}

Outcome<> check_accounts(const std::vector<std::string_view>& accounts) {
    if (accounts.empty()) return Failed(missing("AWSAccountIds"));
    if (accounts.size() > accounts_max) {
        return failed(
            Code::over_limit,
            fmt::format(
                "{} Principals were found, maximum allowed is {}.", accounts.size(), accounts_max
            )
        );
    }
    for (const std::string_view account : accounts) {
        const bool digits = account.size() == 12 && std::ranges::all_of(account, [](char c) {
                                return c >= '0' && c <= '9';
                            });
        if (!digits) {
            return Failed(invalid_value(account, "PrincipalId", "Unable to verify."));
        }
    }
    return {};
}

/// Replaces the queue's policy by what `edit` makes of it.
Outcome<> edit_policy(
    Call& call,
    const broker::QueueHandle& queue,
    const std::function<Outcome<std::string>(std::string_view policy)>& edit
) {
    Outcome<> edited;
    const auto changed =
        call.broker.change_settings(queue, [&](broker::QueueSettings& settings) -> Result<> {
            const auto found = settings.attributes.find("Policy");
            Outcome<std::string> policy =
                edit(found == settings.attributes.end() ? std::string_view() : found->second);
            if (!policy) {
                edited = Failed(policy.error());
                return fail(Errc::invalid_argument, policy.error().message);
            }
            if (policy->empty()) {
                settings.attributes.erase("Policy");
            } else {
                settings.attributes["Policy"] = std::move(*policy);
            }
            return {};
        });
    if (!edited) return edited;
    if (!changed) return Failed(from_error(changed.error()));
    call.wait_for(*changed);
    return {};
}

}  // namespace

Outcome<> add_permission(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const std::string_view label = call.input.text("Label").value_or(std::string_view());
    const auto accounts = call.input.list({"AWSAccountIds", "AWSAccountId"});
    const auto actions = call.input.list({"Actions", "ActionName"});
    if (Outcome<> good = call.check_input(); !good) return good;
    if (Outcome<> good = check_label(label); !good) return good;
    if (Outcome<> good = check_accounts(accounts); !good) return good;
    if (Outcome<> good = check_actions(actions); !good) return good;

    const std::string arn = queue_arn(call.options, (*queue)->name());
    return edit_policy(call, *queue, [&](std::string_view policy) {
        return add_statement(policy, arn, {label, accounts, actions});
    });
}

Outcome<> remove_permission(Call& call) {
    const auto queue = call.queue();
    if (!queue) return Failed(queue.error());
    const std::string_view label = call.input.text("Label").value_or(std::string_view());
    if (Outcome<> good = call.check_input(); !good) return good;
    if (label.empty()) return Failed(missing("Label"));
    return edit_policy(call, *queue, [&](std::string_view policy) {
        return remove_statement(policy, label);
    });
}

}  // namespace tranter::sqs

#include "sqs/batch.hpp"

#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::sqs {

namespace {

constexpr std::size_t id_bytes_max = 80;
constexpr OutputList failed_list{"Failed", "BatchResultErrorEntry"};

}  // namespace

Outcome<> check_batch(
    const std::vector<std::string_view>& ids,
    std::size_t count,
    const BatchKind& kind,
    Limits limits
) {
    if (count == 0) {
        return failed(
            Code::empty_batch_request,
            fmt::format("There should be at least one {} in the request.", kind.entries.query)
        );
    }
    if (const std::size_t most = batch_entries_max(limits); count > most) {
        return failed(
            Code::too_many_entries_in_batch_request,
            fmt::format(
                "Maximum number of entries per request are {}. You have sent {}.", most, count
            )
        );
    }
    for (const std::string_view id : ids) {
        if (!is_label(id, id_bytes_max)) {
            return failed(
                Code::invalid_batch_entry_id,
                "A batch entry id can only contain alphanumeric characters, hyphens and "
                "underscores. It can be at most 80 letters long."
            );
        }
    }
    std::vector<std::string_view> sorted = ids;
    std::ranges::sort(sorted);
    const auto repeated = std::ranges::adjacent_find(sorted);
    if (repeated != sorted.end()) {
        return failed(
            Code::batch_entry_ids_not_distinct, fmt::format("Id {} repeated.", *repeated)
        );
    }
    return {};
}

void BatchAnswer::begin_success(std::string_view id) {
    output_.begin_object(kind_.successful);
    output_.text("Id", id);
}

void BatchAnswer::failure(std::string_view id, Failure failure) {
    failed_.push_back({id, std::move(failure)});
}

void BatchAnswer::finish() {
    output_.end_list(kind_.successful);
    if (failed_.empty()) return;
    output_.begin_list(failed_list);
    for (const Entry& entry : failed_) {
        const CodeInfo& code = info(entry.failure.code);
        output_.begin_object(failed_list);
        output_.text("Id", entry.id);
        output_.flag("SenderFault", code.fault == Fault::sender);
        output_.text("Code", code.legacy);
        output_.text("Message", entry.failure.message);
        output_.end_object(failed_list);
    }
    output_.end_list(failed_list);
}

}  // namespace tranter::sqs

#include "providers/record_entry.hpp"

namespace tranter::providers {

history::JobEntry comparable(const JobRecord& record) {
    history::JobEntry entry;
    entry.queue = record.queue;
    entry.type = record.type;
    entry.payload = record.payload;
    entry.group = record.options.group;
    entry.tags = record.options.tags;
    for (const AttemptFailure& failure : record.failures) {
        entry.errors.push_back(
            {.attempt = failure.attempt, .type = failure.type, .text = failure.text}
        );
    }
    return entry;
}

}  // namespace tranter::providers

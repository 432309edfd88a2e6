#include "history/record_match.hpp"

namespace tranter::history {

JobEntry comparable(const JobRecord& record) {
    JobEntry entry;
    entry.queue = record.queue;
    entry.type = record.type;
    entry.payload = record.payload;
    entry.result = record.result;
    entry.group = record.options.group;
    entry.tags = record.options.tags;
    for (const AttemptFailure& failure : record.failures) {
        entry.errors.push_back(
            {.attempt = failure.attempt, .type = failure.type, .text = failure.text}
        );
    }
    return entry;
}

bool is_in_time(const HistoryFilter& filter, const JobRecord& record) {
    if (!filter.finished_from && !filter.finished_before) return true;
    if (!record.finished_at) return false;
    const Instant at(record.finished_at->time_since_epoch());
    return (!filter.finished_from || at >= *filter.finished_from) &&
           (!filter.finished_before || at < *filter.finished_before);
}

}  // namespace tranter::history

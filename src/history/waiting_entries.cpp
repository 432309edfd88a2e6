#include "history/waiting_entries.hpp"

#include <algorithm>
#include <utility>

namespace tranter::history {

void WaitingEntries::push(SourcePtr source, std::vector<SourcePtr>& outnumbered) {
    const EntrySource& added = *source;
    const std::uint64_t number = first_ + all_.size();
    all_.push_back(std::move(source));
    ++sources_;
    entries_ += added.entries();
    bytes_ += added.bytes();
    if (kept_per_queue_ == 0) return;
    auto line = lines_.find(added.queue());
    if (line == lines_.end()) line = lines_.emplace(added.queue(), Line{}).first;
    Line& same = line->second;
    same.numbers.push_back(number);
    same.ends += added.ends();
    while (same.numbers.size() > 1) {
        const std::uint64_t oldest = same.numbers.front();
        const std::size_t newer = same.ends - all_[oldest - first_]->ends();
        if (newer < kept_per_queue_) break;
        same.numbers.pop_front();
        same.ends = newer;
        outnumbered.push_back(take(oldest));
    }
    skip_gaps();
}

SourcePtr WaitingEntries::pop() {
    SourcePtr oldest = take(first_);
    if (kept_per_queue_ > 0) {
        const auto line = lines_.find(oldest->queue());
        line->second.numbers.pop_front();
        line->second.ends -= oldest->ends();
        if (line->second.numbers.empty()) lines_.erase(line);
    }
    skip_gaps();
    return oldest;
}

std::vector<SourcePtr> WaitingEntries::before(std::uint64_t& below, std::size_t sources_max) const {
    std::vector<SourcePtr> sources;
    below = std::min(below, first_ + all_.size());
    while (below > first_ && sources.size() < sources_max) {
        const SourcePtr& source = all_[--below - first_];
        if (source) sources.push_back(source);
    }
    return sources;
}

SourcePtr WaitingEntries::take(std::uint64_t number) {
    SourcePtr source = std::move(all_[number - first_]);
    --sources_;
    entries_ -= source->entries();
    bytes_ -= source->bytes();
    return source;
}

void WaitingEntries::skip_gaps() {
    while (!all_.empty() && !all_.front()) {
        all_.pop_front();
        ++first_;
    }
}

}  // namespace tranter::history

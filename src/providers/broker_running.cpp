#include "providers/broker_running.hpp"

#include <algorithm>
#include <utility>

namespace tranter::providers {

RunningNotes& RunningJobs::writable(const Uuid& id) {
    Entry& entry = jobs_[id];
    if (!entry.notes) {
        entry.notes = std::make_shared<RunningNotes>();
        entries_.store(jobs_.size(), std::memory_order_release);
    } else if (std::exchange(entry.is_read, false)) {
        // History reads the notes of an attempt that failed while the next one writes on. That it
        // has let go of them, which use_count() tells, does not say that it has read them.
        entry.notes = std::make_shared<RunningNotes>(*entry.notes);
    }
    return *entry.notes;
}

void RunningJobs::set_progress(const Uuid& id, std::string_view json) {
    const std::lock_guard lock(mutex_);
    writable(id).progress = json;
}

void RunningJobs::append_log(const Uuid& id, std::span<const std::string> lines) {
    const std::lock_guard lock(mutex_);
    history::LogLines& log = writable(id).log;
    std::size_t& bytes = jobs_[id].bytes;
    for (const std::string& line : lines) {
        const std::size_t kept = std::min(line.size(), history::LogLines::bytes_max);
        // A job's own limit keeps it from growing further; this is the bound of all together.
        const bool grows = bytes < history::LogLines::bytes_max;
        if (grows && bytes_ + kept > bytes_max_) {
            log.add_dropped(1);
            continue;
        }
        log.append(line);
        if (!grows) continue;
        bytes += kept;
        bytes_ += kept;
    }
}

RunningNotesPtr RunningJobs::look_up(const Uuid& id, bool forget) {
    if (entries_.load(std::memory_order_acquire) == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return nullptr;
    RunningNotesPtr notes = found->second.notes;
    found->second.is_read = true;
    if (forget) {
        bytes_ -= found->second.bytes;
        jobs_.erase(found);
        entries_.store(jobs_.size(), std::memory_order_release);
    }
    return notes;
}

RunningNotesPtr RunningJobs::find(const Uuid& id) const {
    return const_cast<RunningJobs*>(this)->look_up(id, false);
}

RunningNotesPtr RunningJobs::take(const Uuid& id) {
    return look_up(id, true);
}

std::uint32_t WorkerTable::Access::number_of(const std::string& name) {
    if (name.empty()) return 0;
    const auto found = table_.numbers_.find(name);
    if (found != table_.numbers_.end()) return found->second;
    if (table_.names_.size() >= names_max) return 0;
    const auto number = static_cast<std::uint32_t>(table_.names_.size());
    table_.names_.push_back(name);
    table_.numbers_.emplace(name, number);
    return number;
}

void WorkerTable::Access::put(const engine::Receipt& receipt, std::uint32_t number) {
    const std::uint32_t slot = receipt.slot;
    if (slot >= slots_max) return;
    std::vector<Place>& places = table_.places_;
    if (slot >= places.size()) {
        if (number == 0) return;
        places.resize(std::min(slots_max, std::max<std::size_t>(slot + 1, places.size() * 2)));
    }
    places[slot] = {.sequence = receipt.sequence, .name = number, .delivery = receipt.delivery};
}

bool WorkerTable::Access::collect(std::uint32_t& slot, std::size_t max, std::vector<Named>& out)
    const {
    const std::vector<Place>& places = table_.places_;
    for (; slot < places.size() && max > 0; ++slot, --max) {
        const Place& place = places[slot];
        if (place.name == 0) continue;
        out.push_back(
            {.receipt = {.slot = slot, .delivery = place.delivery, .sequence = place.sequence},
             .number = place.name}
        );
    }
    return slot < places.size();
}

const std::string& WorkerTable::Access::name_of(std::uint32_t slot, engine::Sequence sequence)
    const {
    const std::vector<Place>& places = table_.places_;
    if (slot >= places.size() || places[slot].sequence != sequence) return table_.names_[0];
    return table_.names_[places[slot].name];
}

}  // namespace tranter::providers

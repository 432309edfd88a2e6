#include "virtual_disk.hpp"

#include "log/format.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace tranter::store_sim {

/// A descriptor. After the process that opened it ended it changes and reads nothing.
class VirtualDisk::OpenFile final : public log::File {
  public:
    OpenFile(VirtualDisk& disk, FilePtr file)
        : disk_(disk), file_(std::move(file)), process_(disk.process_) {}

    void write(std::uint64_t offset, std::string_view bytes) override {
        if (alive()) disk_.write(*file_, offset, bytes);
    }
    void sync() override {
        if (alive()) disk_.sync(*file_);
    }
    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        if (!alive() || offset >= file_->live.size()) return 0;
        return file_->live.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
    }
    std::uint64_t size() const override { return file_->live.size(); }
    void truncate(std::uint64_t size) override {
        if (alive()) disk_.truncate(*file_, size);
    }

  private:
    bool alive() const { return process_ == disk_.process_; }

    VirtualDisk& disk_;
    FilePtr file_;
    const std::uint64_t process_;
};

VirtualDisk::VirtualDisk() = default;
VirtualDisk::~VirtualDisk() = default;

VirtualDisk::FilePtr VirtualDisk::find(const std::string& name) const {
    const auto found = live_names_.find(name);
    if (found == live_names_.end()) {
        throw log::DiskError(path_of(name) + " does not exist", false);
    }
    return found->second;
}

void VirtualDisk::note(std::uint64_t what) {
    trace_ = (trace_ ^ what) * 1099511628211ULL;
}

bool VirtualDisk::chance(unsigned per_ten_thousand) {
    return per_ten_thousand != 0 && choices_->below(10'000) < per_ten_thousand;
}

VirtualDisk::CrashAt VirtualDisk::crash_now() {
    if (crash_in_ == 0 || --crash_in_ != 0) return CrashAt::no;
    return choices_->one_of<CrashAt>({CrashAt::before, CrashAt::inside, CrashAt::after});
}

void VirtualDisk::crash() {
    ++process_;
    throw Crash{};
}

// Names -----------------------------------------------------------------------------------------

void VirtualDisk::apply(Names& names, const NameChange& change) {
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.file;
}

void VirtualDisk::name_call(NameChange change, std::string_view call) {
    note(call.size());
    const CrashAt at = crash_now();
    if (at == CrashAt::before) crash();
    if (chance(faults_.directory_fails)) {
        ++tally_.failed_names;
        const std::string& name = change.to.empty() ? change.from : change.to;
        throw log::DiskError(path_of(name) + ": " + std::string(call) + " failed", false);
    }
    apply(live_names_, change);
    name_changes_.push_back(std::move(change));
    if (at != CrashAt::no) crash();
}

std::unique_ptr<log::File> VirtualDisk::create(const std::string& name) {
    if (exists(name)) throw log::DiskError(path_of(name) + " exists already", false);
    if (used_bytes() >= capacity_) {
        ++tally_.full_writes;
        throw log::DiskError(path_of(name) + ": no space left", true);
    }
    auto file = std::make_shared<FileState>();
    name_call({.to = name, .file = file}, "create");
    return std::make_unique<OpenFile>(*this, std::move(file));
}

std::unique_ptr<log::File> VirtualDisk::open(const std::string& name) {
    return std::make_unique<OpenFile>(*this, find(name));
}

bool VirtualDisk::exists(const std::string& name) const {
    return live_names_.contains(name);
}

std::vector<std::string> VirtualDisk::list() const {
    std::vector<std::string> names;
    for (const auto& [name, file] : live_names_)
        names.push_back(name);
    return names;
}

void VirtualDisk::rename(const std::string& from, const std::string& to) {
    name_call({.from = from, .to = to, .file = find(from)}, "rename to");
}

void VirtualDisk::remove(const std::string& name) {
    const FilePtr file = find(name);
    if (log::parse_segment_name(name)) removed_ = file->live;
    name_call({.from = name}, "remove");
}

void VirtualDisk::sync_directory() {
    note(99);
    const CrashAt at = crash_now();
    if (at == CrashAt::before) crash();
    std::size_t reached = name_changes_.size();
    const bool fails = chance(faults_.directory_fails);
    if (fails || at == CrashAt::inside) reached = choices_->below(reached + 1);
    for (std::size_t i = 0; i < reached; ++i)
        apply(durable_names_, name_changes_[i]);
    name_changes_.erase(
        name_changes_.begin(), name_changes_.begin() + static_cast<std::ptrdiff_t>(reached)
    );
    if (at != CrashAt::no) crash();
    if (!fails) return;
    ++tally_.failed_names;
    throw log::DiskError("disk: the directory could not be synced", false);
}

// Bytes -----------------------------------------------------------------------------------------

std::uint64_t VirtualDisk::used_bytes() const {
    std::uint64_t used = 0;
    for (const auto& [name, file] : live_names_)
        used += file->live.size();
    return used;
}

std::uint64_t VirtualDisk::free_bytes() const {
    const std::uint64_t used = used_bytes();
    return used < capacity_ ? capacity_ - used : 0;
}

void VirtualDisk::put(std::string& bytes, std::uint64_t offset, std::string_view what) {
    const auto at = static_cast<std::size_t>(offset);
    if (bytes.size() < at + what.size()) bytes.resize(at + what.size(), '\0');
    bytes.replace(at, what.size(), what);
}

void VirtualDisk::apply(std::string& bytes, const Change& change) {
    if (change.truncates) {
        bytes.resize(static_cast<std::size_t>(change.offset), '\0');
    } else {
        put(bytes, change.offset, change.bytes);
    }
}

void VirtualDisk::write(FileState& file, std::uint64_t offset, std::string_view bytes) {
    note(offset * 31 + bytes.size());
    if (busy_ && !inside_busy_) {
        inside_busy_ = true;
        busy_();
        inside_busy_ = false;
    }
    const CrashAt at = crash_now();
    if (at == CrashAt::before) crash();
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t grows = end > file.live.size() ? end - file.live.size() : 0;
    const bool full = grows > free_bytes();
    const bool fails = !full && chance(faults_.write_fails);
    std::string_view written = bytes;
    if (full || fails || at == CrashAt::inside) {
        const std::uint64_t room = full ? bytes.size() - (grows - free_bytes()) : bytes.size();
        written = bytes.substr(0, static_cast<std::size_t>(choices_->below(room + 1)));
    }
    if (!written.empty()) {
        put(file.live, offset, written);
        file.changes.push_back({.offset = offset, .bytes = std::string(written)});
    }
    if (at != CrashAt::no) crash();
    if (full) {
        ++tally_.full_writes;
        throw log::DiskError("disk: no space left for " + std::to_string(bytes.size()), true);
    }
    if (!fails) return;
    ++tally_.failed_writes;
    failed_ = true;
    throw log::DiskError("disk: input/output error while writing", false);
}

void VirtualDisk::truncate(FileState& file, std::uint64_t size) {
    note(size * 31 + 5);
    const CrashAt at = crash_now();
    if (at == CrashAt::before) crash();
    Change change{.offset = size, .truncates = true};
    apply(file.live, change);
    file.changes.push_back(std::move(change));
    if (at != CrashAt::no) crash();
}

void VirtualDisk::sync(FileState& file) {
    note(98);
    // What is written meanwhile is not covered.
    const std::size_t changes = file.changes.size();
    if (busy_ && !inside_busy_) {
        inside_busy_ = true;
        busy_();
        inside_busy_ = false;
    }
    const CrashAt at = crash_now();
    if (at == CrashAt::before || at == CrashAt::inside) crash();
    if (chance(faults_.sync_fails)) {
        fail_sync(file, changes);
        ++tally_.failed_syncs;
        failed_ = true;
        throw log::DiskError("disk: input/output error while syncing", choices_->percent(10));
    }
    for (std::size_t i = 0; i < changes; ++i)
        apply(file.durable, file.changes[i]);
    file.changes.erase(
        file.changes.begin(), file.changes.begin() + static_cast<std::ptrdiff_t>(changes)
    );
    if (at == CrashAt::after) crash();
}

/// Some pages reached the disk, the others are clean now and were never written.
void VirtualDisk::fail_sync(FileState& file, std::size_t changes) {
    const auto end = file.changes.begin() + static_cast<std::ptrdiff_t>(changes);
    const std::vector<Change> tried(file.changes.begin(), end);
    file.changes.erase(file.changes.begin(), end);
    settle_sectors(file, tried, choices_->one_of<unsigned>({0, 0, 50}));
    file.failed_pages = true;
}

bool VirtualDisk::holds_failed_pages() const {
    return std::ranges::any_of(live_names_, [](const auto& entry) {
        return entry.second->failed_pages;
    });
}

void VirtualDisk::forget_failed_pages() {
    std::set<FileState*> done;
    for (const auto& [name, file] : live_names_) {
        if (!file->failed_pages || !done.insert(file.get()).second) continue;
        ++tally_.forgotten;
        file->failed_pages = false;
        file->live = file->durable;
        for (const Change& change : file->changes)
            apply(file->live, change);
    }
}

// The end ---------------------------------------------------------------------------------------

void VirtualDisk::kill() {
    ++process_;
    ++tally_.kills;
    failed_ = false;
    crash_in_ = 0;
}

void VirtualDisk::power_cut() {
    ++process_;
    ++tally_.power_cuts;
    failed_ = false;
    crash_in_ = 0;
    // The directory is journaled: changes of names survive in order.
    const std::size_t reached =
        choices_->percent(30) ? 0 : choices_->below(name_changes_.size() + 1);
    for (std::size_t i = 0; i < reached; ++i)
        apply(durable_names_, name_changes_[i]);
    tally_.lost_names += name_changes_.size() - reached;
    name_changes_.clear();
    live_names_ = durable_names_;
    // Everything, nothing, or a part of what was not synced.
    const unsigned percent = choices_->one_of<unsigned>({0, 0, 30, 50, 70, 95, 100});
    std::set<FileState*> done;
    for (const auto& [name, file] : live_names_) {
        if (done.insert(file.get()).second) settle(*file, percent);
    }
}

void VirtualDisk::settle(FileState& file, unsigned percent) {
    settle_sectors(file, std::exchange(file.changes, {}), percent);
    file.failed_pages = false;
    file.live = file.durable;
}

/// Each sector is as it was after some of the changes that touch it, each with this chance; the one
/// after those may be torn. Never a byte that was not changed.
void VirtualDisk::settle_sectors(
    FileState& file, const std::vector<Change>& changes, unsigned percent
) {
    std::set<std::uint64_t> stopped;  // sectors that later changes do not reach any more
    for (const Change& change : changes) {
        if (change.truncates) {
            if (choices_->percent(50)) apply(file.durable, change);
            continue;
        }
        const std::uint64_t end = change.offset + change.bytes.size();
        for (std::uint64_t at = change.offset; at < end;) {
            const std::uint64_t sector = at / sector_bytes;
            const std::uint64_t stop = std::min(end, (sector + 1) * sector_bytes);
            std::string piece = change.bytes.substr(
                static_cast<std::size_t>(at - change.offset), static_cast<std::size_t>(stop - at)
            );
            const std::uint64_t from = std::exchange(at, stop);
            if (stopped.contains(sector)) continue;
            if (choices_->percent(percent)) {
                put(file.durable, from, piece);
                continue;
            }
            stopped.insert(sector);
            if (percent != 0 && choices_->percent(20)) tear(file, from, std::move(piece));
        }
    }
}

/// A part of the change reaches the sector, or garbage does.
void VirtualDisk::tear(FileState& file, std::uint64_t from, std::string piece) {
    ++tally_.torn_sectors;
    if (choices_->percent(60)) {
        piece.resize(static_cast<std::size_t>(choices_->below(piece.size() + 1)));
    } else {
        // What is written over itself cannot come out as anything else.
        const std::string bytes = garbage(piece.size());
        for (std::size_t i = 0; i < piece.size(); ++i) {
            const auto place = static_cast<std::size_t>(from) + i;
            const bool same = place < file.durable.size() && file.durable[place] == piece[i];
            if (!same) piece[i] = bytes[i];
        }
    }
    put(file.durable, from, piece);
}

/// Noise, or what another file held once, from where a commit begins there: a block that was
/// written to the wrong place.
std::string VirtualDisk::garbage(std::size_t size) {
    static constexpr std::string_view commit_head("\x10\0\0\0\1\0\0\0", 8);
    std::vector<std::size_t> commits;
    for (auto at = removed_.find(commit_head); at != std::string::npos;
         at = removed_.find(commit_head, at + 8))
        commits.push_back(at);
    if (!commits.empty() && choices_->percent(50)) {
        std::string bytes = removed_.substr(commits[choices_->below(commits.size())], size);
        bytes.resize(size, '\0');
        return bytes;
    }
    std::string noise;
    while (noise.size() < size)
        noise.push_back(static_cast<char>(choices_->below(256)));
    return noise;
}

void VirtualDisk::flip(const std::string& name, std::uint64_t offset, unsigned bit) {
    FileState& file = *find(name);
    const auto at = static_cast<std::size_t>(offset);
    const auto mask = static_cast<char>(1U << bit);
    for (std::string* bytes : {&file.live, &file.durable}) {
        if (at < bytes->size()) (*bytes)[at] = static_cast<char>((*bytes)[at] ^ mask);
    }
}

std::unique_ptr<VirtualDisk> VirtualDisk::copy() const {
    auto twin = std::make_unique<VirtualDisk>();
    for (const auto& [name, file] : live_names_) {
        auto state = std::make_shared<FileState>();
        state->live = state->durable = file->live;
        twin->live_names_[name] = twin->durable_names_[name] = state;
    }
    twin->choices_ = choices_;
    return twin;
}

log::Position VirtualDisk::log_end() const {
    log::Position end = 0;
    for (const auto& [name, file] : live_names_) {
        const auto number = log::parse_segment_name(name);
        if (!number) continue;
        end = log::make_position(*number, static_cast<std::uint32_t>(file->live.size()));
    }
    return end;
}

const std::string& VirtualDisk::content(const std::string& name) const {
    return find(name)->live;
}

}  // namespace tranter::store_sim

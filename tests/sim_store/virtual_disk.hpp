#pragma once

#include "choices.hpp"
#include "log/disk.hpp"
#include "log/position.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::store_sim {

/// The process stopped in the middle of a disk call. Not a std::exception, so that no code under
/// test takes it for an error of the disk.
struct Crash {};

/// How the machine may misbehave; chances are per 10,000 calls.
struct DiskFaults {
    unsigned sync_fails = 0;
    unsigned write_fails = 0;
    unsigned directory_fails = 0;  // create, rename, remove, sync_directory

    bool operator==(const DiskFaults&) const = default;
};

struct DiskTally {
    std::uint64_t power_cuts = 0;
    std::uint64_t kills = 0;
    std::uint64_t failed_syncs = 0;
    std::uint64_t failed_writes = 0;
    std::uint64_t failed_names = 0;
    std::uint64_t full_writes = 0;
    std::uint64_t torn_sectors = 0;
    std::uint64_t lost_names = 0;  // files that a power cut took the name of
    std::uint64_t forgotten = 0;   // files whose unsynced pages were dropped after a failed sync
};

/// A disk in memory that loses what a real one may lose. Each file has the bytes that can be read
/// now, the bytes that survive a power cut, and the changes between; the directory has the same for
/// names.
///
///     write() -> live and changes          sync() -> changes go to durable
///     kill()  -> all stays                 power_cut() -> any subset of changed sectors, maybe
///     torn
///
/// A sync that fails marks the changed pages clean without writing them all, as Linux does: they
/// can still be read, later syncs succeed, and they are gone when the page cache drops them.
///
/// Not thread-safe. All decisions come from the Choices of the moment.
class VirtualDisk final : public log::Disk {
  public:
    static constexpr std::uint64_t sector_bytes = 512;
    static constexpr std::uint64_t unlimited = std::uint64_t{1} << 40U;

    VirtualDisk();
    ~VirtualDisk() override;

    std::unique_ptr<log::File> create(const std::string& name) override;
    std::unique_ptr<log::File> open(const std::string& name) override;
    bool exists(const std::string& name) const override;
    std::vector<std::string> list() const override;
    void rename(const std::string& from, const std::string& to) override;
    void remove(const std::string& name) override;
    void sync_directory() override;
    std::uint64_t free_bytes() const override;
    std::string path_of(const std::string& name) const override { return "disk/" + name; }

    // What happens to it --------------------------------------------------------------------------
    /// Outlives its use here.
    void decide_by(sim::Choices& choices) { choices_ = &choices; }
    void set_faults(const DiskFaults& faults) { faults_ = faults; }
    const DiskFaults& faults() const { return faults_; }
    /// Crash is thrown from inside the `calls`-th changing call from now on; 0: never.
    void crash_in(std::uint64_t calls) { crash_in_ = calls; }
    /// How much all files together may take.
    void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
    std::uint64_t used_bytes() const;
    /// The process ended: its files are closed, what it wrote stays.
    void kill();
    /// The machine lost power.
    void power_cut();
    /// The page cache drops what failed to reach the disk.
    void forget_failed_pages();
    /// One bit of a file, where it counts: in what is read and in what survives.
    void flip(const std::string& name, std::uint64_t offset, unsigned bit);
    /// Called while the process is inside write() or sync() of a file, before anything happened.
    void while_busy(std::function<void()> hook) { busy_ = std::move(hook); }

    // What it looks like --------------------------------------------------------------------------
    /// A disk with the same files, all of it durable.
    std::unique_ptr<VirtualDisk> copy() const;
    const std::string& content(const std::string& name) const;
    /// Where the log ends that was opened this moment: its newest segment has just been written
    /// anew.
    log::Position log_end() const;
    /// Whether a file has pages that a failed sync left unwritten, and that can still be read.
    bool holds_failed_pages() const;
    /// Whether a write (for another reason than space) or sync failed since the process started.
    bool failed() const { return failed_; }
    const DiskTally& tally() const { return tally_; }
    /// Of every call and its outcome, to compare two runs of a seed.
    std::uint64_t trace() const { return trace_; }

  private:
    class OpenFile;
    struct Change {
        std::uint64_t offset = 0;
        std::string bytes{};
        bool truncates = false;  // to `offset`
    };
    struct FileState {
        std::string live{};
        std::string durable{};
        std::vector<Change> changes{};
        bool failed_pages = false;
    };
    using FilePtr = std::shared_ptr<FileState>;
    struct NameChange {
        std::string from{};  // empty: a new file
        std::string to{};    // empty: removed
        FilePtr file{};
    };
    using Names = std::map<std::string, FilePtr>;
    enum class CrashAt : std::uint8_t { no, before, inside, after };

    FilePtr find(const std::string& name) const;
    CrashAt crash_now();
    [[noreturn]] void crash();
    bool chance(unsigned per_ten_thousand);
    void note(std::uint64_t what);
    void name_call(NameChange change, std::string_view call);
    void write(FileState& file, std::uint64_t offset, std::string_view bytes);
    void sync(FileState& file);
    void truncate(FileState& file, std::uint64_t size);
    void fail_sync(FileState& file, std::size_t changes);
    void settle(FileState& file, unsigned percent);
    void tear(FileState& file, std::uint64_t from, std::string piece);
    void settle_sectors(FileState& file, const std::vector<Change>& changes, unsigned percent);
    std::string garbage(std::size_t size);
    static void put(std::string& bytes, std::uint64_t offset, std::string_view what);
    static void apply(std::string& bytes, const Change& change);
    static void apply(Names& names, const NameChange& change);

    sim::Choices* choices_ = nullptr;
    DiskFaults faults_{};
    std::uint64_t crash_in_ = 0;
    std::uint64_t capacity_ = unlimited;
    std::function<void()> busy_;
    bool inside_busy_ = false;
    bool failed_ = false;
    std::uint64_t process_ = 1;  // files opened by an earlier one do nothing
    Names live_names_;
    Names durable_names_;
    std::vector<NameChange> name_changes_;
    std::string removed_;  // what the last removed segment held
    DiskTally tally_{};
    std::uint64_t trace_ = 1469598103934665603ULL;
};

}  // namespace tranter::store_sim

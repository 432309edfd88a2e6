#include "cli/data_copy.hpp"

#include "cli/data_files.hpp"
#include "log/scan.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace tranter::cli {
namespace {

constexpr std::size_t copy_bytes = 1U << 20U;

class StoreCopy {
  public:
    StoreCopy(log::Disk& from, log::Disk& to, const log::StoreIdentity& identity)
        : from_(from), to_(to), identity_(identity) {}

    void run(const std::function<void(log::SegmentNumber)>& on_segment) {
        log::SegmentNumber last = 0;  // copied while it was the newest
        for (;;) {
            const auto numbers = log::list_segments(from_);
            if (numbers.empty()) break;
            drop_below_gap(numbers.front());
            if (numbers.back() == last) break;
            for (const log::SegmentNumber number : numbers) {
                if (complete_.contains(number)) continue;
                on_segment(number);
                copy_segment(number, number == numbers.back());
            }
            last = numbers.back();
        }
        copy_file("store", UINT64_MAX);
        to_.sync_directory();
    }

  private:
    /// Keeps of what was copied and is not there any more only what leads up to `oldest` in full.
    void drop_below_gap(log::SegmentNumber oldest) {
        log::SegmentNumber keep = oldest;
        while (complete_.contains(keep - 1))
            --keep;
        for (const log::SegmentNumber number : log::list_segments(to_)) {
            if (number < keep) to_.remove(log::segment_name(number));
        }
        std::erase_if(complete_, [&](log::SegmentNumber number) { return number < keep; });
    }

    /// Nothing happens when it was compacted away since it was listed.
    void copy_segment(log::SegmentNumber number, bool newest) {
        const std::string name = log::segment_name(number);
        try {
            const std::uint64_t bytes = newest ? intact_bytes(number) : UINT64_MAX;
            // 0: made a moment ago, and nothing of it is written yet.
            if (bytes > 0) copy_file(name, bytes);
            // The newest grows while it is that: copied again when another has followed.
            if (!newest) complete_.insert(number);
        } catch (const log::DiskError&) {
            if (from_.exists(name)) throw;
        }
    }

    /// Where the commits end that are complete now: what is being written behind them is left.
    std::uint64_t intact_bytes(log::SegmentNumber number) {
        const auto file = from_.open(log::segment_name(number));
        log::IgnoreRecords ignore;
        for (int left = read_tries_max;; --left) {
            const log::SegmentScan scan =
                log::scan_segment(*file, identity_.id, number, {.newest = true}, ignore);
            // A write that we overtook looks like damage, but not for long.
            const bool torn = scan.damage.empty() || scan.damage.front().torn_tail;
            if (torn) return scan.open_batch != 0 ? scan.open_batch : scan.end;
            if (left == 1) {
                const log::Damage& damage = scan.damage.front();
                throw log::CorruptLog(
                    from_.path_of(damage.file) + " at offset " + std::to_string(damage.offset) +
                    ": " + damage.what
                );
            }
        }
    }

    void copy_file(const std::string& name, std::uint64_t bytes_max) {
        if (to_.exists(name)) to_.remove(name);
        const auto source = from_.open(name);
        const auto target = to_.create(name);
        std::string buffer(copy_bytes, '\0');
        for (std::uint64_t offset = 0; offset < bytes_max;) {
            const auto wanted = std::min<std::uint64_t>(buffer.size(), bytes_max - offset);
            const std::size_t got = source->read(offset, std::span(buffer).first(wanted));
            if (got == 0) break;
            target->write(offset, std::string_view(buffer).substr(0, got));
            offset += got;
        }
        target->sync();
    }

    log::Disk& from_;
    log::Disk& to_;
    const log::StoreIdentity& identity_;
    std::set<log::SegmentNumber> complete_{};
};

}  // namespace

void copy_store(
    log::Disk& from,
    log::Disk& to,
    const log::StoreIdentity& identity,
    const std::function<void(log::SegmentNumber)>& on_segment
) {
    StoreCopy(from, to, identity).run(on_segment);
}

}  // namespace tranter::cli

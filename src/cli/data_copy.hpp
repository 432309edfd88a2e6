#pragma once

#include "log/disk.hpp"
#include "log/format.hpp"

#include <functional>

namespace tranter::cli {

/// Copies the segments of a store that somebody may be writing to, so that the copy is the store as
/// it was at some moment after the call began, and everything is synced. `from` is only read.
///
/// A segment is copied again when it was the newest and is not any more, because it grew until
/// then. When one was compacted away before its turn, those copied before it go too: what of them
/// still matters stands in newer ones, and every suffix of the segments is a store of its own.
///
/// Throws DiskError, or CorruptLog when the newest segment is damaged. `on_segment` is called with
/// each number, before it is copied.
void copy_store(
    log::Disk& from,
    log::Disk& to,
    const log::StoreIdentity& identity,
    const std::function<void(log::SegmentNumber)>& on_segment
);

}  // namespace tranter::cli

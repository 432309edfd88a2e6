#pragma once

#include <tranter/error.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::postgres_jobs {

enum class ListPart : std::uint8_t { live, ended, letters };

/// What finished jobs are ordered by, newest first.
struct EndKey {
    std::int64_t micros = 0;  // since 1970
    std::string id{};

    friend bool operator<(const EndKey& left, const EndKey& right) {
        return left.micros != right.micros ? left.micros < right.micros : left.id < right.id;
    }
};

/// Where a page of a list begins: behind the job that was looked at last. As text:
///
///     live/QUEUE/ID                    unfinished jobs, by queue and id
///     letters/ID                       of one dead-letter queue, by id
///     ended/PERIOD/MICROS/ID/MICROS/ID finished jobs, newest first: of the history, and of the
///     dead
///                                      letters, which stand in another table; either may be -/-
struct ListPlace {
    ListPart part = ListPart::live;
    std::string queue{};  // empty: before the first
    std::string id{};     // empty: before the first
    std::int64_t period = std::numeric_limits<std::int32_t>::max();
    std::optional<EndKey> ended{};
    std::optional<EndKey> dead{};
};

std::string format_place(const ListPlace& place);
/// `invalid_argument` for a text that no list has given.
Result<ListPlace> parse_place(std::string_view text);

}  // namespace tranter::postgres_jobs

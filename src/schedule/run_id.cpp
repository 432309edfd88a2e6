#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "schedule/store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::schedule {

std::string job_id_of(const RunKey& key) {
    const auto digest = sha256(fmt::format(
        "{}\n{}\n{}", key.schedule, key.slot.time_since_epoch().count(), key.manual ? "manual" : ""
    ));
    Uuid uuid{};
    std::copy_n(digest.begin(), uuid.size(), uuid.begin());
    // RFC 9562, section 5.8
    uuid[6] = static_cast<std::uint8_t>(0x80 | (uuid[6] & 0x0f));
    uuid[8] = static_cast<std::uint8_t>(0x80 | (uuid[8] & 0x3f));
    return format_uuid(uuid);
}

}  // namespace tranter::schedule

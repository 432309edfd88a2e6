#include "base/digest.hpp"
#include "base/encoding.hpp"

#include <tranter/job_type.hpp>

#include <fmt/format.h>

namespace tranter::detail {

Result<std::string> make_unique_key(std::string_view kind, std::span<const MemberToWrite> fields) {
    const auto json = write_payload(&fields, [](PayloadWriter& out, const void* value) {
        return out.object(*static_cast<const std::span<const MemberToWrite>*>(value));
    });
    if (!json) return std::unexpected(json.error());
    // No kind has a line break in it.
    const Sha256Digest digest = sha256(fmt::format("{}\n{}", kind, *json));
    return to_hex(std::span(digest).first<16>());
}

}  // namespace tranter::detail

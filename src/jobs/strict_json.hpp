#pragma once

#include "base/error.hpp"
#include "jobs/payload_limits.hpp"

#include <tranter/job.hpp>
#include <tranter/payload.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tranter::jobs {

/// from_json() for what carries a payload. What the text does not say stays as it is in `value`, in
/// structs within it too.
template <class T>
[[nodiscard]] Result<T> read_envelope(std::string_view text, ReadRules rules, T value = T{}) {
    rules.envelope_depth = envelope_depth_max;
    auto done = read_payload(text, &value, &detail::read_erased<T>, rules);
    if (!done) return std::unexpected(std::move(done.error()));
    return value;
}

/// For what people write to us: unknown members are refused with a suggestion, because a misspelt
/// option would be one that is silently left out, and no more is kept than a call may take.
template <class T>
[[nodiscard]] Result<T> from_json_strictly(std::string_view text, T value = T{}) {
    const ReadRules rules{.unknown = UnknownMembers::refuse, .elements_max = jobs_per_call_max};
    return read_envelope<T>(text, rules, std::move(value));
}

/// For what a server writes to us: a newer one may say more.
template <class T>
[[nodiscard]] Result<T> from_json_of_server(std::string_view text) {
    return read_envelope<T>(text, {.unknown = UnknownMembers::skip});
}

/// Of results and the like, where null says that there is none.
inline std::string text_or_nothing(const Json& json) {
    return json == Json() ? std::string() : json.text();
}

}  // namespace tranter::jobs

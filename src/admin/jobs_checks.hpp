#pragma once

#include "admin/jobs_once.hpp"
#include "admin/jobs_route.hpp"
#include "base/error.hpp"
#include "http/server.hpp"

#include <tranter/provider.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the Jobs API makes of requests before the store sees them.
namespace tranter::admin {

/// In quotes, on one line, and shortened: what was given, for errors.
std::string shown(std::string_view text);

/// Nothing, or an object without members, as some clients send it.
bool is_blank_body(std::string_view body);

/// A checked enqueue.
struct EnqueueCall {
    std::vector<NewJob> jobs{};
    bool array = false;
    std::optional<IdempotentRequests::Request> once{};  // with an Idempotency-Key
    std::vector<std::string> chosen_ids{};              // that follow from the key

    http::Response answer(Result<std::vector<Enqueued>>&& enqueued) const;
};
/// Nothing when the exchange was answered: the request is wrong, or a repeated one.
std::optional<EnqueueCall> begin_enqueue(
    const JobCall& call, std::string_view body, IdempotentRequests& once, http::Exchange& exchange
);

/// Whether this is the first such request; otherwise the exchange was answered.
bool begin_once(
    const IdempotentRequests::Request& request, IdempotentRequests& once, http::Exchange& exchange
);

[[nodiscard]] Result<ReceiveRequest> read_receive(const JobCall& call, std::string_view body);
[[nodiscard]] Result<std::vector<Settlement>> read_settle(std::string_view body);
[[nodiscard]] Result<Milliseconds> read_wait(const JobCall& call);
[[nodiscard]] Result<ListRequest> read_list(const JobCall& call);
/// The query parameter `name` as a number from 1 to `max`; `otherwise` when it is not there.
[[nodiscard]] Result<std::size_t> read_number(
    const JobCall& call, std::string_view name, std::size_t otherwise, std::size_t max
);
/// The query parameter `name`, `true` or `false`; false when it is not there.
[[nodiscard]] Result<bool> read_flag(const JobCall& call, std::string_view name);
[[nodiscard]] Result<> check_key(std::string_view idempotency_key);
[[nodiscard]] Result<> check_lease(Milliseconds lease);
[[nodiscard]] Result<> check_count(std::string_view what, std::size_t count);

/// Of a call with one settlement.
http::Response answer_one(const Result<std::vector<Result<>>>& results);
http::Response answer_done(const Result<>& result);

}  // namespace tranter::admin

#include "providers/sqs_leases.hpp"

#include "base/uuid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tranter::providers {

namespace {

constexpr std::size_t forgiven_max = 100'000;
// Leases that ended are dropped at leisure: what they are for is the same without them.
constexpr std::chrono::seconds time_between_looks(30);

std::uint64_t random_number() {
    const Uuid random = make_uuid();
    std::uint64_t number = 0;
    std::memcpy(&number, random.data(), sizeof number);
    return number;
}

Result<SqsReceipt> receipt_for(std::string_view queue, std::string_view text) {
    auto receipt = SqsReceipt::parse(text);
    if (!receipt || receipt->queue == queue) return receipt;
    return fail(
        Errc::invalid_argument,
        fmt::format("the receipt is of queue {} and not of {}", receipt->queue, queue)
    );
}

}  // namespace

SqsLeases::SqsLeases() : process_(random_number()) {}

ReceivedJob SqsLeases::add(SqsHeld held, Instant received_at, Instant lease_until) {
    const std::lock_guard lock(mutex_);
    forget_old(received_at);
    ReceivedJob& job = held.job;
    const std::uint64_t random = random_number();
    const SqsReceipt receipt{
        .process = process_,
        .delivery = ++deliveries_,
        .attempt = job.attempt,
        .received_at = received_at,
        .retry_after = job.options.retry.next_delay(job.attempt, random),
        .queue = job.queue,
        .message_id = held.delivery.message_id,
        .handle = held.delivery.handle,
    };
    job.receipt = receipt.text();
    job.lease_until = TimePoint(lease_until.time_since_epoch());
    const auto shared = std::make_shared<const SqsHeld>(std::move(held));
    leases_[receipt.message_id] = {
        .delivery = receipt.delivery, .until = lease_until, .held = shared};
    return shared->job;
}

Result<SqsLeases::Claim> SqsLeases::claim(
    std::string_view queue, std::string_view receipt, Instant now
) {
    auto read = receipt_for(queue, receipt);
    if (!read) return std::unexpected(read.error());
    return check(std::move(*read), now, true);
}

Result<SqsLeases::Claim> SqsLeases::look_at(
    std::string_view queue, std::string_view receipt, Instant now
) {
    auto read = receipt_for(queue, receipt);
    if (!read) return std::unexpected(read.error());
    return check(std::move(*read), now, false);
}

Result<SqsLeases::Claim> SqsLeases::check(SqsReceipt receipt, Instant now, bool to_settle) {
    Claim claim{.receipt = std::move(receipt)};
    if (claim.receipt.process != process_) return claim;

    const std::lock_guard lock(mutex_);
    Lease* const lease = find(claim);
    const char* reason = nullptr;
    if (lease == nullptr) {
        reason = "was settled, or handed out again";
    } else if (lease->until <= now) {
        reason = "ended with its lease";
    } else if (lease->claimed) {
        reason = "is being settled by another call";
    }
    if (reason != nullptr) {
        return fail(
            Errc::conflict,
            fmt::format(
                "the delivery of message {} on attempt {} {}",
                claim.receipt.message_id,
                claim.receipt.attempt,
                reason
            )
        );
    }
    lease->claimed = to_settle;
    claim.held = lease->held;
    claim.copied = lease->copied;
    return claim;
}

SqsLeases::Lease* SqsLeases::find(const Claim& claim) {
    const auto found = leases_.find(claim.receipt.message_id);
    const bool same = found != leases_.end() && found->second.delivery == claim.receipt.delivery;
    return same ? &found->second : nullptr;
}

void SqsLeases::give_back(const Claim& claim, bool copied) {
    if (!claim.held) return;
    const std::lock_guard lock(mutex_);
    if (Lease* const lease = find(claim)) {
        lease->claimed = false;
        lease->copied = lease->copied || copied;
    }
}

void SqsLeases::end(const Claim& claim) {
    if (!claim.held) return;
    const std::lock_guard lock(mutex_);
    if (find(claim) != nullptr) leases_.erase(claim.receipt.message_id);
}

void SqsLeases::extend(const Claim& claim, Instant lease_until) {
    if (!claim.held) return;
    const std::lock_guard lock(mutex_);
    if (Lease* const lease = find(claim)) lease->until = lease_until;
}

void SqsLeases::forget_old(Instant now) {
    if (now < next_look_) return;
    next_look_ = now + time_between_looks;
    std::erase_if(leases_, [&](const auto& entry) {
        return entry.second.until <= now && !entry.second.claimed;
    });
}

void SqsLeases::forgive(const std::string& message_id) {
    const std::lock_guard lock(mutex_);
    if (++forgiven_[message_id] == 1) forgiven_ids_.push_back(message_id);
    if (forgiven_ids_.size() <= forgiven_max) return;
    forgiven_.erase(forgiven_ids_.front());
    forgiven_ids_.pop_front();
}

std::uint32_t SqsLeases::attempt_of(const SqsDelivery& delivery) const {
    const std::lock_guard lock(mutex_);
    const auto found = forgiven_.find(delivery.message_id);
    const std::uint32_t forgiven = found == forgiven_.end() ? 0 : found->second;
    const std::uint32_t counted =
        delivery.receive_count - std::min(forgiven, delivery.receive_count - 1);
    return attempts_before(delivery.message) + counted;
}

}  // namespace tranter::providers

#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "providers/sqs_job.hpp"
#include "providers/sqs_receipt.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tranter::providers {

/// A job that this process holds, with what is needed to send it again.
struct SqsHeld {
    SqsDelivery delivery{};
    ReceivedJob job{};
    std::uint32_t max_receives = 0;  // of the queue; 0: no limit
};

/// The deliveries of this process, because SQS takes a receipt whose time is over for good: its
/// standard queues delete a message with any handle that they ever gave out. Also remembers which
/// deliveries did not count as attempts, which SQS has no place for. Thread-safe.
class SqsLeases {
  public:
    SqsLeases();

    /// From now on the only delivery of that message. The attempt of the job is set; returns the
    /// job with receipt and lease.
    ReceivedJob add(SqsHeld held, Instant received_at, Instant lease_until);

    /// What a receipt gives the right to do, until it is given back or over.
    struct Claim {
        SqsReceipt receipt{};
        std::shared_ptr<const SqsHeld> held{};  // null: another process received it
        bool copied = false;                    // only the original is left to be deleted
    };
    /// `conflict` when the delivery is over, or another call is about to settle it;
    /// `invalid_argument` for the receipt of another queue.
    [[nodiscard]] Result<Claim> claim(
        std::string_view queue, std::string_view receipt, Instant now
    );
    /// The same, to extend it: nobody is kept from settling it meanwhile.
    [[nodiscard]] Result<Claim> look_at(
        std::string_view queue, std::string_view receipt, Instant now
    );
    /// It could not be settled: what comes next may try again. `copied`: see Claim.
    void give_back(const Claim& claim, bool copied = false);
    /// The delivery is over.
    void end(const Claim& claim);
    /// The delivery goes on until then, if it is not over by now.
    void extend(const Claim& claim, Instant lease_until);

    /// The attempt of a message's next delivery is one less than its receives say.
    void forgive(const std::string& message_id);
    /// The attempt that this delivery is.
    std::uint32_t attempt_of(const SqsDelivery& delivery) const;

  private:
    struct Lease {
        std::uint64_t delivery = 0;
        Instant until{};
        std::shared_ptr<const SqsHeld> held{};
        bool claimed = false;
        bool copied = false;
    };

    Result<Claim> check(SqsReceipt receipt, Instant now, bool to_settle);
    Lease* find(const Claim& claim);
    void forget_old(Instant now);

    const std::uint64_t process_;

    mutable std::mutex mutex_{};
    // Guarded by mutex_.
    std::uint64_t deliveries_ = 0;
    std::unordered_map<std::string, Lease> leases_{};  // by message id
    Instant next_look_{};
    std::unordered_map<std::string, std::uint32_t> forgiven_{};  // by message id
    std::deque<std::string> forgiven_ids_{};                     // oldest first
};

}  // namespace tranter::providers

#pragma once

#include "base/time.hpp"
#include "base/uuid.hpp"
#include "broker/broker.hpp"
#include "broker/settings.hpp"
#include "engine/payload.hpp"
#include "engine/types.hpp"
#include "jobs/new_jobs.hpp"

#include <tranter/job.hpp>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Jobs as messages of the broker, and messages as jobs, whoever sent them.
namespace tranter::providers {

/// Attribute of a queue (QueueSettings::attributes): the type of messages that do not say theirs.
inline constexpr std::string_view default_type_attribute = "tranter.job_type";

inline TimePoint to_time_point(Instant when) {
    return TimePoint(when.time_since_epoch());
}
inline Instant to_instant(TimePoint when) {
    return Instant(when.time_since_epoch());
}

using jobs::is_json_value;

/// What a message says of itself as a job.
struct JobShape {
    std::string type{};
    JobOptions options{};
    /// Why it cannot be run, as a sentence; empty: it can.
    std::string problem{};
};

/// A message that does not say how often it is tried is tried as often as its queue delivers before
/// the dead-letter queue, or 25 times when it has none.
JobShape read_shape(
    const engine::Payload& payload, std::string_view group, const broker::QueueSettings& settings
);
/// JobShape::type alone. The payload has its bytes.
std::string_view type_of(const engine::Payload& payload, const broker::QueueSettings& settings);
/// The tranter.options of the message, as they are.
std::string_view options_text(const engine::Payload& payload);
/// The body, or what is no JSON as a JSON string.
std::string read_payload(const engine::Payload& payload);

/// When jobs are enqueued, by the clock of the broker, which outlives it.
class EnqueueMoment {
  public:
    explicit EnqueueMoment(const broker::Broker& broker) : now(broker.now()), broker_(&broker) {}
    /// With a clock that is that of the wall.
    explicit EnqueueMoment(Instant when) : now(when) {}

    /// Of a time that somebody has named, who reads the clock on the wall.
    Instant at(TimePoint when) const {
        return to_instant(when) - (broker_ == nullptr ? Duration() : broker_->wall_ahead());
    }

    const Instant now;

  private:
    const broker::Broker* const broker_ = nullptr;
};

/// Makes messages of jobs that were checked. For one call: refers to the jobs, which outlive it.
class JobEncoder {
  public:
    JobEncoder(
        const broker::QueueSettings& settings,
        bool fifo,
        const EnqueueMoment& moment,
        std::size_t jobs
    );

    void add(const NewJob& job, const Uuid& id);
    std::span<const broker::Broker::SendRequest> requests() const { return requests_; }

  private:
    std::string_view attributes_of(const NewJob& job);
    const engine::Traits* traits_of(const NewJob& job);

    const broker::QueueSettings& settings_;
    const bool fifo_;
    const EnqueueMoment moment_;
    std::vector<broker::Broker::SendRequest> requests_;
    std::deque<engine::Traits> traits_{};  // what the requests point to
    // Of the last job: most jobs of a call look the same.
    std::string attributes_{};
    std::string_view type_{};
    bool alone_ = false;  // those attributes hold a type only
};

}  // namespace tranter::providers

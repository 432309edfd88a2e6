#pragma once

#include "base/time.hpp"
#include "telemetry/exporter.hpp"
#include "telemetry/settings.hpp"

#include <tranter/tracing.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tranter::telemetry {

/// First attempts that have failed here, so that later ones can name them. Forgets the oldest.
/// Thread-safe.
class FirstAttempts {
  public:
    void keep(const std::string& job, const TraceContext& context);
    std::optional<TraceContext> find(const std::string& job) const;
    void forget(const std::string& job);

  private:
    static constexpr std::size_t kept_max = 10'000;

    mutable std::mutex mutex_;
    // Guarded by mutex_:
    std::unordered_map<std::string, TraceContext> contexts_;
    std::deque<std::string> order_;  // oldest first; some of it may be forgotten already
};

/// Makes the spans of jobs (TELEMETRY.md section 4).
class Tracer final : public Tracing, public std::enable_shared_from_this<Tracer> {
  public:
    explicit Tracer(Settings settings);

    EndSend begin_send(const Provider& provider, std::string_view queue, std::span<NewJob> jobs)
        override;
    SpanCounts counts() const override { return exporter_.counts(); }

    std::shared_ptr<WorkerObserver> observer(const Provider& provider, const std::string& worker)
        override;
    EnqueueMiddleware layer(const std::shared_ptr<Provider>& provider) override;

  private:
    const Sampler sampler_;
    Exporter exporter_;
};

/// The spans of one worker.
class AttemptSpans final : public WorkerObserver {
  public:
    AttemptSpans(
        std::shared_ptr<Tracer> tracer,
        Sampler sampler,
        Exporter& exporter,
        std::string system,
        std::string worker
    )
        : tracer_(std::move(tracer)),
          sampler_(sampler),
          exporter_(exporter),
          system_(std::move(system)),
          worker_(std::move(worker)) {}

    void received(ReceivedJob& job) override;
    void ended(const EndedAttempt& attempt) override;

  private:
    void link(Span& span, const EndedAttempt& attempt);

    const std::shared_ptr<Tracer> tracer_;  // owns the exporter
    const Sampler sampler_;
    Exporter& exporter_;
    const std::string system_;
    const std::string worker_;
    FirstAttempts first_attempts_;
};

}  // namespace tranter::telemetry

#pragma once

#include <tranter/client.hpp>
#include <tranter/span_counts.hpp>
#include <tranter/worker.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// Spans of jobs for any collector that takes OTLP/HTTP JSON (docs/tracing.md):
///
///     const auto tracing = tranter::Tracing::from_environment();  // OTEL_EXPORTER_OTLP_ENDPOINT
///     if (tracing) tracing->trace(client);
namespace tranter {

/// Makes spans and sends them from a thread of its own. Whoever makes a span never waits: what does
/// not fit in the queue is dropped and counted. Thread-safe.
class Tracing {
  public:
    using Getenv = std::function<const char*(const char* name)>;

    /// As the variables OTEL_* say, from which this takes what docs/tracing.md lists. Null when
    /// they name no endpoint or switch it off. A value that cannot be read is logged, and its
    /// default counts.
    static std::shared_ptr<Tracing> from_environment(const Getenv& getenv = {});

    /// Waits for what was made, for 5 s at most.
    virtual ~Tracing() = default;
    Tracing(const Tracing&) = delete;
    Tracing& operator=(const Tracing&) = delete;

    /// Each call of enqueue is a span `send QUEUE`, in which its jobs are enqueued. The client
    /// keeps the object alive. Not while others enqueue with the client.
    void trace(Client& client);
    /// Each attempt is a span `process QUEUE`, which its handler goes on in, until the returned
    /// object is destroyed.
    [[nodiscard]] std::shared_ptr<void> trace(Worker& worker) {
        return worker.observe(observer(*worker.provider(), worker.name()));
    }

    /// For those who enqueue without a client: begins a span and puts the jobs into it. What is
    /// returned ends it; called at most once, from any thread.
    using EndSend = std::move_only_function<void(const Result<std::vector<Enqueued>>&)>;
    virtual EndSend begin_send(
        const Provider& provider, std::string_view queue, std::span<NewJob> jobs
    ) = 0;

    virtual SpanCounts counts() const = 0;

  protected:
    Tracing() = default;

  private:
    virtual std::shared_ptr<WorkerObserver> observer(
        const Provider& provider, const std::string& worker
    ) = 0;
    virtual EnqueueMiddleware layer(const std::shared_ptr<Provider>& provider) = 0;
};

}  // namespace tranter

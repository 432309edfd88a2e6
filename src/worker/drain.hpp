#pragma once

#include "worker/runner.hpp"
#include "worker/tally.hpp"

#include <tranter/provider.hpp>
#include <tranter/registry.hpp>
#include <tranter/worker.hpp>

namespace tranter::worker {

/// What Worker::drain() promises.
WorkerCounts drain(
    Provider& provider,
    const Registry& handlers,
    const WorkerOptions& options,
    const DrainOptions& bounds
);

}  // namespace tranter::worker

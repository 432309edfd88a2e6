#pragma once

namespace tranter::postgres_jobs {

/// What receives tell about the workers that make them. Thread-safe.
class WorkerSightings {};

}  // namespace tranter::postgres_jobs

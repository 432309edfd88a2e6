#pragma once

#include "jobs/test_provider.hpp"
#include "worker/task.hpp"

#include <tranter/registry.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::worker {

/// Makes jobs as a receiver would have them.
class TestTasks {
  public:
    std::shared_ptr<Task> make(
        std::string id, JobOptions options = {}, const Registry::Entry* handler = nullptr
    ) {
        ReceivedJob job{.id = std::move(id), .options = std::move(options)};
        return std::make_shared<Task>(std::move(job), handler, surroundings_);
    }
    std::vector<std::shared_ptr<Task>> make_many(
        std::size_t count, const JobOptions& options = {}
    ) {
        std::vector<std::shared_ptr<Task>> out;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(make(std::to_string(i), options));
        return out;
    }

  private:
    NoProvider provider_;
    Task::Surroundings surroundings_{provider_, [](const std::shared_ptr<Task>&) {
                                     }};
};

}  // namespace tranter::worker

#include "handlers/child_handler.hpp"

#include "handlers/result_text.hpp"

#include <tranter/exception.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace tranter::handlers {
namespace {

class ChildPool {
  public:
    ChildPool(
        ChildOptions options,
        std::vector<std::string> environment,
        std::shared_ptr<OrphanWatch> orphans
    )
        : options_(std::move(options)),
          environment_(std::move(environment)),
          orphans_(std::move(orphans)),
          retirement_(options_.grace) {
        const ChildPoolParts parts{
            .options = options_,
            .environment = environment_,
            .starter = starter_,
            .retirement = retirement_,
            .orphans = orphans_.get()};
        for (unsigned i = 0; i < options_.processes; ++i)
            idle_.push_back(std::make_unique<ChildProcess>(parts));
    }

    AttemptOutcome do_job(Context& context) {
        auto child = take(context.stop_token());
        if (!child) return stopped_outcome(context);
        // Whatever is thrown, the process goes back.
        const auto give_back = [this](ChildProcess* used) {
            give(std::unique_ptr<ChildProcess>(used));
        };
        const std::unique_ptr<ChildProcess, decltype(give_back)> lent(child.release(), give_back);
        return lent->do_job(context);
    }

  private:
    /// Null when the job has to stop first.
    std::unique_ptr<ChildProcess> take(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        if (!returned_.wait(lock, stop, [&] { return !idle_.empty(); })) return nullptr;
        // The one that was used last: the others may rest.
        auto child = std::move(idle_.back());
        idle_.pop_back();
        return child;
    }

    void give(std::unique_ptr<ChildProcess> child) {
        {
            const std::lock_guard lock(mutex_);
            idle_.push_back(std::move(child));
        }
        returned_.notify_one();
    }

    const ChildOptions options_;
    const std::vector<std::string> environment_;
    const std::shared_ptr<OrphanWatch> orphans_;  // with the other handlers of the worker
    process::SpawnThread starter_;  // its processes end with it, so it goes after `retirement_`
    Retirement retirement_;
    std::mutex mutex_;
    std::condition_variable_any returned_;
    std::deque<std::unique_ptr<ChildProcess>> idle_;  // guarded by mutex_
};

}  // namespace

RunHandler make_child_handler(
    ChildOptions options, const Getenv& getenv, std::shared_ptr<OrphanWatch> orphans
) {
    if (options.command.empty() || options.command.front().empty()) {
        throw Exception(Error(
            Errc::invalid_argument,
            "child is empty, it needs a program: child = [\"node\", \"handler.mjs\"]"
        ));
    }
    if (options.processes == 0) {
        throw Exception(Error(Errc::invalid_argument, "processes is 0, a pool needs at least 1"));
    }
    auto environment = base_environment(options.environment, getenv);
    auto pool =
        std::make_shared<ChildPool>(std::move(options), std::move(environment), std::move(orphans));
    return [pool](Context& context) {
        return pool->do_job(context);
    };
}

}  // namespace tranter::handlers

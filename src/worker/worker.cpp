#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/process_name.hpp"
#include "worker/drain.hpp"
#include "worker/observers.hpp"
#include "worker/session.hpp"
#include "worker/tally.hpp"

#include <tranter/exception.hpp>
#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace tranter {

namespace {

using namespace std::chrono_literals;

constexpr unsigned concurrency_max = 10'000;
/// With more of them a store refuses every call for jobs.
constexpr Milliseconds lease_min = 1s;
constexpr Milliseconds lease_max = 12h;
constexpr Milliseconds poll_wait_max = 5min;

[[noreturn]] void refuse(std::string problem) {
    throw Exception(Error(Errc::invalid_argument, std::move(problem)));
}

void check_queues(const std::vector<WorkerQueue>& queues) {
    if (queues.empty()) {
        refuse("there is no queue to work for: name one, or register a job that has one");
    }
    std::set<std::string_view> seen;
    for (const WorkerQueue& queue : queues) {
        if (queue.name.empty()) refuse("the name of a queue is empty");
        if (!seen.insert(queue.name).second) {
            refuse(fmt::format("queue {} is named twice", one_line(queue.name)));
        }
        if (queue.weight == 0 || queue.weight > queue_weight_max) {
            refuse(fmt::format(
                "the weight of queue {} is {}, it must be 1 to {}",
                one_line(queue.name),
                queue.weight,
                queue_weight_max
            ));
        }
    }
}

void check_numbers(const WorkerOptions& options) {
    if (options.concurrency > concurrency_max) {
        refuse(fmt::format("concurrency is {}, limit is {}", options.concurrency, concurrency_max));
    }
    if (options.name.size() > worker_name_bytes_max) {
        refuse(
            fmt::format("name is {} bytes, limit is {}", options.name.size(), worker_name_bytes_max)
        );
    }
    if (options.lease < lease_min || options.lease > lease_max) {
        refuse(fmt::format("lease is {}ms, it must be 1s to 12h", options.lease.count()));
    }
    if (options.shutdown_timeout.count() < 0) {
        refuse(fmt::format(
            "shutdown_timeout is {}ms, it must not be below zero", options.shutdown_timeout.count()
        ));
    }
    if (options.stop_grace.count() < 0) {
        refuse(
            fmt::format("stop_grace is {}ms, it must not be below zero", options.stop_grace.count())
        );
    }
    if (options.poll_wait.count() < 0 || options.poll_wait > poll_wait_max) {
        refuse(fmt::format("poll_wait is {}ms, it must be 0s to 5m", options.poll_wait.count()));
    }
    if (options.batch_max == 0 || options.batch_max > jobs_per_call_max) {
        refuse(
            fmt::format("batch_max is {}, it must be 1 to {}", options.batch_max, jobs_per_call_max)
        );
    }
}

WorkerOptions complete(WorkerOptions options, const Registry& handlers) {
    if (options.queues.empty()) {
        for (std::string& queue : handlers.queues())
            options.queues.emplace_back(std::move(queue));
    }
    if (options.concurrency == 0) {
        options.concurrency = std::max(1U, std::thread::hardware_concurrency());
    }
    if (options.name.empty()) options.name = process_name();
    check_queues(options.queues);
    check_numbers(options);
    return options;
}

}  // namespace

class Worker::Impl {
  public:
    Impl(std::shared_ptr<Provider> provider, Registry handlers, WorkerOptions options)
        : provider_(std::move(provider)),
          handlers_(std::move(handlers)),
          options_(complete(std::move(options), handlers_)) {
        // More than that are shown when their jobs come.
        const std::vector<std::string> types = handlers_.types();
        if (types.size() * options_.queues.size() > worker::Meters::types_max) return;
        for (const WorkerQueue& queue : options_.queues)
            tally_.expect(queue.name, types);
    }

    void run(const std::stop_token& stop) {
        const Occupation occupation(*this);
        work(stop);
    }

    void start() {
        auto occupation = std::make_unique<Occupation>(*this);
        std::jthread ended;  // an earlier one
        const std::lock_guard lock(mutex_);
        ended = std::exchange(
            background_,
            std::jthread([this, own = std::move(occupation)](const std::stop_token& stop) {
                work_in_background(stop);
            })
        );
    }

    void stop() {
        std::jthread ended;
        const std::lock_guard lock(mutex_);
        ended = std::move(background_);
    }

    WorkerCounts drain(const DrainOptions& bounds) {
        const Occupation occupation(*this);
        return worker::drain(*provider_, handlers_, options_, bounds);
    }

    WorkerFigures figures() const {
        WorkerFigures figures{.counts = tally_.counts()};
        const std::lock_guard lock(session_mutex_);
        if (session_ == nullptr) return figures;
        const auto load = session_->load();
        figures.running = load.running;
        figures.waiting = load.waiting + load.blocked;
        figures.blocked = load.blocked;
        figures.receiving = session_->is_receiving();
        figures.stuck = session_->is_stuck();
        auto store = session_->store();
        figures.latency = store.latency;
        figures.last_error = std::move(store.last_error);
        figures.last_error_at = store.last_error_at;
        if (store.failing) {
            figures.storing = !store.failing->lasts;
            figures.failing = worker::sentence_of(*store.failing);
        }
        figures.missing_queues = session_->missing_queues();
        return figures;
    }

    WorkerMetrics metrics() const {
        const std::lock_guard lock(session_mutex_);
        const bool works = session_ != nullptr;
        WorkerMetrics metrics = tally_.metrics(
            works ? session_->running() : std::vector<std::shared_ptr<worker::Task>>()
        );
        if (works) metrics.last_answer = session_->store().answered_at;
        metrics.connections = provider_->connections();
        return metrics;
    }

    const std::string& name() const { return options_.name; }
    const std::shared_ptr<Provider>& provider() const { return provider_; }

    std::shared_ptr<void> observe(std::shared_ptr<WorkerObserver> observer) {
        if (observer == nullptr) refuse("the observer is empty");
        const WorkerObserver* one = observer.get();
        // Shared by the worker and by whoever may end the observation after it.
        const std::weak_ptr<worker::Observers> watched = observers_;
        observers_->add(std::move(observer));
        return {observers_.get(), [watched, one](void*) {
                    if (const auto observers = watched.lock()) observers->remove(one);
                }};
    }

  private:
    /// One thing at a time.
    class Occupation {
      public:
        explicit Occupation(Impl& worker) : worker_(worker) {
            if (worker_.is_occupied_.exchange(true)) {
                throw Exception(Error(Errc::conflict, "this worker works already"));
            }
        }
        ~Occupation() { worker_.is_occupied_ = false; }
        Occupation(const Occupation&) = delete;
        Occupation& operator=(const Occupation&) = delete;

      private:
        Impl& worker_;
    };

    void work(const std::stop_token& stop) {
        worker::Session session(*provider_, handlers_, options_, tally_);
        show(&session);
        try {
            session.run(stop);
        } catch (...) {
            show(nullptr);
            throw;
        }
        show(nullptr);
    }

    void work_in_background(const std::stop_token& stop) {
        try {
            work(stop);
        } catch (const std::exception& error) {
            log_error("worker", "the worker has ended", {{"error", error.what()}});
        }
    }

    void show(const worker::Session* session) {
        const std::lock_guard lock(session_mutex_);
        session_ = session;
    }

    const std::shared_ptr<Provider> provider_;
    const Registry handlers_;
    const WorkerOptions options_;
    const std::shared_ptr<worker::Observers> observers_ = std::make_shared<worker::Observers>();
    worker::Tally tally_{observers_.get()};
    std::atomic<bool> is_occupied_ = false;

    mutable std::mutex session_mutex_;
    const worker::Session* session_ = nullptr;  // guarded by session_mutex_

    std::mutex mutex_;
    std::jthread background_;  // guarded by mutex_
};

Worker::Worker(const Client& client, Registry handlers, WorkerOptions options)
    : impl_(std::make_unique<Impl>(client.provider(), std::move(handlers), std::move(options))) {}

Worker::~Worker() = default;

void Worker::run(std::stop_token stop) {
    impl_->run(stop);
}

void Worker::start() {
    impl_->start();
}

void Worker::stop() {
    impl_->stop();
}

WorkerCounts Worker::drain(DrainOptions options) {
    return impl_->drain(options);
}

WorkerFigures Worker::figures() const {
    return impl_->figures();
}

WorkerMetrics Worker::metrics() const {
    return impl_->metrics();
}

const std::string& Worker::name() const {
    return impl_->name();
}

const std::shared_ptr<Provider>& Worker::provider() const {
    return impl_->provider();
}

std::shared_ptr<void> Worker::observe(std::shared_ptr<WorkerObserver> observer) {
    return impl_->observe(std::move(observer));
}

}  // namespace tranter

#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "cli/dlq_store.hpp"
#include "jobs/value_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <unordered_set>
#include <utility>

namespace tranter::cli {

namespace {

constexpr std::size_t letters_page = 1'000;
/// A change waits for the disk of its server, and shares that with those beside it.
constexpr std::size_t change_threads = 8;

/// The id of a letter that is enqueued anew. The same for the same change, so that one that was
/// interrupted can be repeated without a second job.
std::string id_of_copy(const JobRecord& job, std::string_view queue, std::string_view payload) {
    constexpr unsigned char version_bits = 0x80;  // 8: made of what suits
    constexpr unsigned char variant_bits = 0x80;
    const auto digest = sha256(fmt::format("{}\n{}\n{}", job.id, queue, payload));
    Uuid id{};
    std::copy_n(digest.begin(), id.size(), id.begin());
    id[6] = static_cast<unsigned char>((id[6] & 0x0F) | version_bits);
    id[8] = static_cast<unsigned char>((id[8] & 0x3F) | variant_bits);
    return format_uuid(id);
}

/// Calls `change(i)` for each index, on a few threads.
template <class Change>
std::vector<Result<>> change_all(std::size_t count, const Change& change) {
    std::vector<Result<>> results(count);
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++)
            results[i] = change(i);
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(count, change_threads); ++i)
        threads.emplace_back(work);
    work();
    threads.clear();
    return results;
}

class JobDeadLetters final : public DeadLetterStore {
  public:
    explicit JobDeadLetters(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {}

    bool receives_to_look() const override { return false; }
    std::size_t batch_max() const override { return letters_page; }

    Result<std::vector<DeadLetterQueue>> queues() override {
        const auto all = provider_->queues();
        if (!all) return std::unexpected(all.error());
        std::map<std::string, DeadLetterQueue> found;
        for (const QueueStats& stats : *all) {
            if (stats.dead_letter_queue.empty()) continue;
            DeadLetterQueue& queue = found[stats.dead_letter_queue];
            queue.exists = false;
            queue.sources.push_back({.queue = stats.queue});
        }
        for (const QueueStats& stats : *all) {
            const auto queue = found.find(stats.queue);
            if (queue == found.end()) continue;
            queue->second.exists = true;
            queue->second.visible = stats.pending + stats.scheduled;
            queue->second.in_flight = stats.processing;
        }
        std::vector<DeadLetterQueue> queues;
        for (auto& [name, queue] : found) {
            queue.name = name;
            queues.push_back(std::move(queue));
        }
        return queues;
    }

    Result<DeadLetterQueue> queue(const std::string& name) override {
        const auto stats = provider_->stats(name);
        if (!stats) return std::unexpected(stats.error());
        auto all = queues();
        if (!all) return std::unexpected(all.error());
        const auto found = std::ranges::find(*all, name, &DeadLetterQueue::name);
        if (found != all->end()) return std::move(*found);
        if (auto checked = check_dead_letter_name(name); !checked) {
            return std::unexpected(checked.error());
        }
        return DeadLetterQueue{
            .name = name,
            .visible = stats->pending + stats->scheduled,
            .in_flight = stats->processing};
    }

    Result<> walk(const LetterQuery& query, const Visit& visit) override {
        if (!query.ids.empty()) return walk_ids(query, visit);
        std::unordered_set<std::string> seen;
        std::size_t shown = 0;
        ListRequest request{
            .filter = query.filter, .jobs_max = letters_page, .dead_letter_queue = query.queue};
        do {
            if (query.letters_max != 0) {
                request.jobs_max = std::min(letters_page, query.letters_max - shown);
            }
            auto page = provider_->list(request);
            if (!page) return std::unexpected(page.error());
            request.cursor = page->next;
            std::vector<DeadLetter> letters;
            for (JobRecord& job : page->jobs) {
                if (query.for_change && !seen.insert(job.id).second) continue;
                letters.push_back({.job = std::move(job)});
            }
            shown += letters.size();
            if (letters.empty()) continue;
            const auto more = visit(letters);
            if (!more) return std::unexpected(more.error());
            if (!*more) break;
        } while (!request.cursor.empty() && !query.stop.stop_requested() &&
                 (query.letters_max == 0 || shown < query.letters_max));
        return {};
    }

    std::vector<Result<>> replay(const std::string& queue, std::span<const LetterReplay> letters)
        override {
        std::string source;
        for (const LetterReplay& each : letters) {
            if (each.letter->job.state == JobState::dead || !each.to.empty()) continue;
            source = only_source(queue);
            break;
        }
        return change_all(letters.size(), [&](std::size_t i) {
            return replay_one(letters[i], source);
        });
    }

    std::vector<Result<>> remove(
        const std::string& /*queue*/, std::span<const DeadLetter* const> letters
    ) override {
        return change_all(letters.size(), [&](std::size_t i) {
            return remove_one(letters[i]->job);
        });
    }

    Result<LogPage> log_of(const DeadLetter& letter) override {
        return provider_->log_of(letter.job.id);
    }

  private:
    std::shared_ptr<Provider> provider_;  // shared with nobody, but a client would keep it so

    Result<> walk_ids(const LetterQuery& query, const Visit& visit) {
        std::vector<DeadLetter> letters;
        for (const std::string& id : query.ids) {
            auto job = provider_->find(id);
            if (!job) return std::unexpected(job.error());
            const bool by_hand = !query.queue.empty() && job->queue == query.queue;
            if (job->state != JobState::dead && !by_hand) {
                return fail(
                    Errc::conflict,
                    fmt::format("job {} is not dead, it stands in queue {}", id, job->queue)
                );
            }
            letters.push_back({.job = std::move(*job)});
        }
        const auto more = visit(letters);
        if (!more) return std::unexpected(more.error());
        return {};
    }

    /// Of the queues whose dead letters come here; empty when there are several or none.
    std::string only_source(const std::string& name) {
        const auto found = queue(name);
        return found && found->sources.size() == 1 ? found->sources.front().queue : std::string();
    }

    Result<> replay_one(const LetterReplay& replay, const std::string& source) {
        const JobRecord& job = replay.letter->job;
        const bool dead = job.state == JobState::dead;
        if (job.state == JobState::processing) {
            return fail(Errc::conflict, fmt::format("job {} was received by somebody", job.id));
        }
        const std::string& home = dead ? job.queue : source;
        const std::string& to = replay.to.empty() ? home : replay.to;
        if (to.empty()) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "job {} was sent to the dead-letter queue by hand, expected --to QUEUE", job.id
                )
            );
        }
        if (dead && to == home && !replay.payload) return provider_->retry(job.id);
        if (auto copied = enqueue_copy(job, to, replay.payload.value_or(job.payload)); !copied) {
            return copied;
        }
        return remove_one(job);
    }

    Result<> enqueue_copy(const JobRecord& job, const std::string& to, const std::string& payload) {
        NewJob copy{
            .id = id_of_copy(job, to, payload),
            .type = job.type,
            .payload = payload,
            .options = job.options};
        // The moment by which it had to begin is over.
        const auto now = std::chrono::system_clock::now();
        if (copy.options.deadline && *copy.options.deadline <= now) copy.options.deadline.reset();
        const auto enqueued = provider_->enqueue(to, std::span(&copy, 1));
        if (!enqueued) return std::unexpected(enqueued.error());
        const std::string& other = enqueued->front().duplicate_of;
        if (other.empty() || other == copy.id) return {};
        return fail(
            Errc::conflict,
            fmt::format("job {} has the same dedup key as job {}, which is there", job.id, other)
        );
    }

    Result<> remove_one(const JobRecord& job) {
        if (job.state == JobState::pending || job.state == JobState::scheduled) {
            const auto cancelled = provider_->cancel(job.id);
            if (!cancelled) return std::unexpected(cancelled.error());
        }
        return provider_->remove(job.id);
    }
};

}  // namespace

std::unique_ptr<DeadLetterStore> job_dead_letters(std::shared_ptr<Provider> provider) {
    return std::make_unique<JobDeadLetters>(std::move(provider));
}

Result<> check_dead_letter_name(std::string_view name) {
    for (const std::string_view ending : {"-dlq", "-dlq.fifo"}) {
        if (name.ends_with(ending)) return {};
    }
    return fail(
        Errc::conflict, fmt::format("queue {} is not the dead-letter queue of another", name)
    );
}

std::string error_of(const JobRecord& job) {
    constexpr std::size_t error_bytes_max = 200;
    std::string text = job.reason;
    if (!job.failures.empty()) {
        const AttemptFailure& last = job.failures.back();
        text = last.type.empty() ? last.text : fmt::format("{}: {}", last.type, last.text);
    }
    text.resize(std::min(text.size(), text.find('\n')));
    return std::string(jobs::shortened(text, error_bytes_max));
}

}  // namespace tranter::cli

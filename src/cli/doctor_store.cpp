#include "base/duration.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "cli/doctor_check.hpp"
#include "cli/doctor_tables.hpp"
#include "cli/job_session.hpp"
#include "cli/schedule_session.hpp"
#include "postgres/target.hpp"
#include "schedule/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>

// Jobs and schedules, wherever they are.
namespace tranter::cli {
namespace {

using StoreMillis = std::chrono::duration<double, std::milli>;

constexpr StoreMillis store_slow{250};
constexpr Milliseconds waiting_long = std::chrono::minutes(5);
constexpr std::size_t letters_looked_at = 1000;
constexpr std::size_t letters_many = 100;  // in an hour
constexpr auto overdue_after = std::chrono::minutes(1);
constexpr std::size_t schedules_named = 5;
constexpr std::string_view schedules_file_name = "schedules.db";

/// The one that has it would be kept from its work, or keep us waiting.
bool has_one_owner(const Patient& patient) {
    return patient.provider.starts_with("file:");
}

Result<std::shared_ptr<Provider>> open_store_of(const Patient& patient) {
    if (postgres::is_postgres_url(patient.provider)) {
        if (auto current = check_job_tables(patient.provider); !current) {
            return std::unexpected(current.error());
        }
    }
    return open_provider(patient.provider, {.token = patient.config.admin_token, .create = false});
}

/// The queues of a store that has several users.
struct AskedStore {
    std::shared_ptr<Provider> store{};
    std::vector<QueueStats> queues{};
};
Result<AskedStore> ask_shared_store(const Patient& patient) {
    if (has_one_owner(patient)) {
        return fail(Errc::unsupported, "a data directory is opened by one process at a time");
    }
    auto store = open_store_of(patient);
    if (!store) return std::unexpected(store.error());
    auto queues = (*store)->queues();
    if (!queues) return std::unexpected(queues.error());
    return AskedStore{.store = std::move(*store), .queues = std::move(*queues)};
}

std::string shown_url(const Patient& patient) {
    return one_line(without_secrets(patient.provider));
}

std::vector<Finding> not_asked(const Error& error) {
    return {Finding::fine("not looked at: " + one_line(without_secrets(error.message())))};
}

TimePoint doctor_now() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

std::optional<Finding> judge_queue(
    const QueueStats& queue, const Result<std::vector<WorkerInfo>>& workers
) {
    const std::string name = one_line(queue.queue);
    if (queue.paused && queue.pending > 0) {
        return Finding::warning(
            fmt::format("queue {} is paused with {} jobs", name, queue.pending),
            fmt::format("tranter queue resume {}", name)
        );
    }
    if (!workers || queue.pending == 0) return std::nullopt;
    const bool has_worker = std::ranges::any_of(*workers, [&](const WorkerInfo& worker) {
        return std::ranges::find(worker.queues, queue.queue) != worker.queues.end();
    });
    if (!has_worker) {
        return Finding::warning(
            fmt::format("queue {} has {} jobs and no worker", name, queue.pending),
            fmt::format("tranter work --config tranter.toml --queue {}", name)
        );
    }
    const Milliseconds oldest = queue.oldest_pending.value_or(Milliseconds());
    if (oldest < waiting_long) return std::nullopt;
    return Finding::warning(
        fmt::format(
            "a job of queue {} has waited for {}",
            name,
            format_duration(std::chrono::floor<std::chrono::seconds>(oldest))
        ),
        "more workers, or a higher concurrency"
    );
}

std::vector<std::string> names_of_dead_letter_queues(const std::vector<QueueStats>& queues) {
    std::vector<std::string> names;
    for (const QueueStats& queue : queues) {
        if (!queue.dead_letter_queue.empty()) names.push_back(queue.dead_letter_queue);
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

Finding judge_letters(Provider& store, const QueueStats& letters) {
    const std::string name = one_line(letters.queue);
    std::string text = fmt::format("{} dead jobs are in {}", letters.pending, name);
    std::string fix = fmt::format("tranter dlq list {}", name);
    const auto page =
        store.list({.jobs_max = letters_looked_at, .dead_letter_queue = letters.queue});
    if (!page) return Finding::warning(std::move(text), std::move(fix));
    const TimePoint since = doctor_now() - std::chrono::hours(1);
    const auto fresh = std::ranges::count_if(page->jobs, [&](const JobRecord& job) {
        return job.finished_at && *job.finished_at >= since;
    });
    text += fmt::format(", {} of them for less than an hour", fresh);
    if (static_cast<std::size_t>(fresh) >= letters_many) {
        return Finding::error(std::move(text), std::move(fix));
    }
    return Finding::warning(std::move(text), std::move(fix));
}

/// To look for schedules must not make a store of them.
bool is_missing_file(std::string_view url) {
    constexpr std::string_view scheme = "file:";
    if (!url.starts_with(scheme)) return false;
    std::filesystem::path path = url.substr(scheme.size());
    if (path.extension() != ".db") path /= schedules_file_name;
    std::error_code unknown;
    return !std::filesystem::exists(path, unknown) && !unknown;
}

std::vector<Finding> judge_overview(const schedule::StoreOverview& overview, TimePoint now) {
    std::vector<Finding> findings;
    const TimePoint latest = now - overdue_after;
    for (const auto& schedule : overview.soonest) {
        if (schedule.due > latest) continue;
        findings.push_back(Finding::warning(
            fmt::format(
                "schedule {} is overdue by {}",
                one_line(schedule.name),
                format_duration(std::chrono::floor<std::chrono::seconds>(now - schedule.due))
            ),
            "tranter schedule"
        ));
    }
    if (overview.next_job && overview.next_job->due <= latest) {
        findings.push_back(Finding::warning(
            fmt::format("{} jobs for later are due and not enqueued", overview.jobs_due),
            "tranter timers"
        ));
    }
    if (!findings.empty()) return findings;
    return {Finding::fine(fmt::format(
        "{} schedules and {} jobs for later, none is overdue",
        overview.enabled,
        overview.jobs_waiting
    ))};
}

std::vector<Finding> unopened_schedules(const Error& error) {
    return {Finding::error(
        "the store of schedules cannot be opened: " + one_line(without_secrets(error.message())),
        "scheduler.store in the configuration"
    )};
}

Finding judge_age(schedule::StoreAge age) {
    if (age == schedule::StoreAge::newer) {
        return Finding::error(
            "a newer tranter has changed the store of schedules", "the newer version of tranter"
        );
    }
    if (age == schedule::StoreAge::none) {
        return Finding::fine("the store has no schedules yet, `tranter schedule` makes it");
    }
    return Finding::fine(
        "the store of schedules is of an older version, `tranter schedule` brings it up to date"
    );
}

}  // namespace

std::vector<Finding> check_store(const Patient& patient) {
    if (has_one_owner(patient)) {
        return {Finding::fine(fmt::format(
            "{} is opened by one process at a time, `tranter data verify` looks into it",
            shown_url(patient)
        ))};
    }
    const auto store = open_store_of(patient);
    if (!store && store.error().code() == Errc::unsupported) return not_asked(store.error());
    const auto begun = std::chrono::steady_clock::now();
    const auto queues = store ? (*store)->queues() : std::unexpected(store.error());
    const StoreMillis took = std::chrono::steady_clock::now() - begun;
    if (!queues) {
        return {Finding::error(
            fmt::format(
                "the jobs in {} cannot be looked at: {}",
                shown_url(patient),
                one_line(without_secrets(queues.error().message()))
            ),
            "--url URL, or `provider` in the configuration"
        )};
    }
    const std::string text = fmt::format(
        "{} has {} queues and answers in {:.1f}ms", shown_url(patient), queues->size(), took.count()
    );
    if (took < store_slow) return {Finding::fine(text)};
    return {Finding::warning(
        text + fmt::format(", below {}ms is usual", store_slow.count()), "a store that is nearer"
    )};
}

std::vector<Finding> check_queues(const Patient& patient) {
    const auto asked = ask_shared_store(patient);
    if (!asked) return not_asked(asked.error());
    const auto workers = asked->store->workers();
    const std::vector<std::string> dead = names_of_dead_letter_queues(asked->queues);
    std::vector<Finding> findings;
    for (const QueueStats& queue : asked->queues) {
        if (std::ranges::binary_search(dead, queue.queue)) continue;
        if (auto found = judge_queue(queue, workers)) findings.push_back(std::move(*found));
    }
    if (!findings.empty()) return findings;
    if (!workers) return {Finding::fine("this store does not know its workers")};
    return {Finding::fine(fmt::format("{} workers, no queue waits for one", workers->size()))};
}

std::vector<Finding> check_dead_letters(const Patient& patient) {
    const auto asked = ask_shared_store(patient);
    if (!asked) return not_asked(asked.error());
    const std::vector<std::string> dead = names_of_dead_letter_queues(asked->queues);
    std::vector<Finding> findings;
    for (const QueueStats& queue : asked->queues) {
        if (queue.pending == 0 || !std::ranges::binary_search(dead, queue.queue)) continue;
        findings.push_back(judge_letters(*asked->store, queue));
    }
    if (findings.empty()) findings.push_back(Finding::fine("no dead jobs"));
    return findings;
}

std::vector<Finding> check_schedules(const Patient& patient) {
    ServerConfig config = patient.config;
    config.provider = patient.provider;
    const auto url = find_schedule_store(config);
    if (!url || url->starts_with("memory:")) {
        return {Finding::fine("the configuration names no store of schedules")};
    }
    if (is_missing_file(*url)) {
        return {Finding::fine(one_line(*url) + " does not exist yet, `tranter schedule` makes it")};
    }
    // To open one brings its tables up to date, which is not for a doctor to do.
    const auto age = schedule::age_of_store(*url);
    if (!age) return unopened_schedules(age.error());
    if (*age != schedule::StoreAge::current) return {judge_age(*age)};
    const auto store = schedule::open_store(*url);
    if (!store) return unopened_schedules(store.error());
    const TimePoint now = doctor_now();
    const auto overview = (*store)->overview(now, schedules_named);
    if (!overview) {
        return {Finding::error(
            "the store of schedules does not answer: " +
                one_line(without_secrets(overview.error().message())),
            "scheduler.store in the configuration"
        )};
    }
    return judge_overview(*overview, now);
}

}  // namespace tranter::cli

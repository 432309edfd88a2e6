#include "cli/bulk.hpp"
#include "cli/dlq_session.hpp"
#include "cli/exit_code.hpp"
#include "cli/payload_edit.hpp"
#include "cli/terminal.hpp"

#include <tranter/worker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tranter::cli {

namespace {

/// What replay and purge differ in.
struct LetterChange {
    std::string_view verb;
    std::string_view done;
    bool replays = false;
};

constexpr LetterChange replaying{"replay", "replayed", true};
constexpr LetterChange purging{"purge", "purged", false};

/// Somebody else has dealt with it meanwhile.
bool is_gone(Errc code) {
    return code == Errc::conflict || code == Errc::not_found;
}

/// One command that changes letters, from what it was told to what it says in the end.
class LetterChanger {
  public:
    static Result<LetterChanger> read(const Arguments& arguments, const LetterChange& change) {
        const auto pace = read_pace(arguments);
        if (!pace) return std::unexpected(pace.error());
        auto query = read_letter_query(arguments);
        if (!query) return std::unexpected(query.error());
        query->for_change = true;
        auto edit = PayloadEdit::read(arguments);
        if (!edit) return std::unexpected(edit.error());
        return LetterChanger(change, *pace, std::move(*query), std::move(*edit), arguments);
    }

    Result<int> run(DlqSession& dlq) {
        dlq.progress.start("looking");
        auto queue = dlq.store->queue(query_.queue);
        if (!queue) return std::unexpected(queue.error());
        if (dry_run_) return show(dlq);
        auto agreed = agree(dlq, *queue);
        if (!agreed) return std::unexpected(agreed.error());
        if (*agreed) {
            query_.stop = stop_on_signals();
            auto changed = change_all(dlq, queue->depth());
            if (!changed) return std::unexpected(changed.error());
        }
        return report(dlq);
    }

  private:
    LetterChanger(
        const LetterChange& change,
        const Pace& pace,
        LetterQuery query,
        PayloadEdit edit,
        const Arguments& arguments
    )
        : change_(change),
          pace_(pace),
          query_(std::move(query)),
          edit_(std::move(edit)),
          to_(arguments.text("to")),
          dry_run_(arguments.is_on("dry-run")),
          arguments_(arguments) {}

    const LetterChange& change_;
    Pace pace_;
    LetterQuery query_;
    PayloadEdit edit_;
    std::string to_;
    bool dry_run_;
    const Arguments& arguments_;
    std::uint64_t done_ = 0;
    std::uint64_t skipped_ = 0;
    std::vector<std::pair<std::string, Error>> failed_{};

    /// The letters as they would be.
    Result<int> show(DlqSession& dlq) {
        std::vector<Column> columns = letter_columns();
        columns.insert(columns.end() - 1, {"result", "RESULT"});
        return dlq.print(query_, std::move(columns), [&](const DeadLetter& letter) -> Result<Json> {
            DeadLetter changed = letter;
            if (edit_.changes()) {
                auto payload = edit_.apply(letter.job.payload);
                if (!payload) return std::unexpected(payload.error());
                changed.job.payload = std::move(*payload);
            }
            Json row = letter_row(changed, dlq.times);
            row.set("result", fmt::format("would {}", change_.verb));
            return row;
        });
    }

    /// Whether there is anything to do; an error when it shall not be done.
    Result<bool> agree(DlqSession& dlq, const DeadLetterQueue& queue) {
        if (queue.depth() == 0 && query_.ids.empty()) return false;
        if (arguments_.is_on("yes")) return true;
        std::string question = fmt::format(
            "{} what matches of about {} in {}?", change_.verb, queue.depth(), queue.name
        );
        if (!dlq.store->receives_to_look()) {
            std::uint64_t count = 0;
            auto counted = dlq.store->walk(query_, [&](auto letters) -> Result<bool> {
                count += letters.size();
                return true;
            });
            if (!counted) return std::unexpected(counted.error());
            if (count == 0) return false;
            question = fmt::format("{} {} of {}?", change_.verb, count, queue.name);
        }
        dlq.progress.stop();
        const auto confirmed = change_.replays ? confirm(arguments_, question)
                                               : confirm_by_word(arguments_, question, queue.name);
        if (!confirmed) return std::unexpected(confirmed.error());
        return true;
    }

    Result<> change_all(DlqSession& dlq, std::uint64_t depth) {
        dlq.progress.start(change_.verb, depth);
        const std::size_t batch = pace_.batch(dlq.store->batch_max());
        return dlq.store->walk(query_, [&](std::span<const DeadLetter> letters) -> Result<bool> {
            while (!letters.empty()) {
                pace_.keep(done_ + skipped_ + failed_.size());
                if (query_.stop.stop_requested()) return false;
                const auto some = letters.first(std::min(letters.size(), batch));
                letters = letters.subspan(some.size());
                if (auto changed = change_some(dlq, some); !changed) {
                    return std::unexpected(changed.error());
                }
                dlq.progress.update(done_ + skipped_ + failed_.size());
            }
            return !query_.stop.stop_requested();
        });
    }

    Result<> change_some(DlqSession& dlq, std::span<const DeadLetter> letters) {
        if (change_.replays) return replay_some(dlq, letters);
        std::vector<const DeadLetter*> changed;
        for (const DeadLetter& letter : letters)
            changed.push_back(&letter);
        return count(changed, dlq.store->remove(query_.queue, changed));
    }

    Result<> replay_some(DlqSession& dlq, std::span<const DeadLetter> letters) {
        std::vector<const DeadLetter*> changed;
        std::vector<LetterReplay> replays;
        for (const DeadLetter& letter : letters) {
            LetterReplay replay{.letter = &letter, .to = to_};
            auto payload = edit_.apply(letter.job.payload);
            if (!payload) {
                failed_.emplace_back(letter.job.id, payload.error());
                continue;
            }
            if (*payload != letter.job.payload) replay.payload = std::move(*payload);
            changed.push_back(&letter);
            replays.push_back(std::move(replay));
        }
        return count(changed, dlq.store->replay(query_.queue, replays));
    }

    /// An error when going on is of no use.
    Result<> count(
        const std::vector<const DeadLetter*>& letters, const std::vector<Result<>>& results
    ) {
        Result<> outcome{};
        for (std::size_t i = 0; i < letters.size(); ++i) {
            if (results[i]) {
                ++done_;
            } else if (is_gone(results[i].error().code())) {
                ++skipped_;
            } else {
                failed_.emplace_back(letters[i]->job.id, results[i].error());
                if (!concerns_one(results[i].error().code())) outcome = results[i];
            }
        }
        if (outcome) return outcome;
        return fail(
            outcome.error().code(),
            fmt::format("{}; {} were {} before", outcome.error().message(), done_, change_.done)
        );
    }

    Result<int> report(DlqSession& dlq) {
        Refusals refusals(dlq.progress);
        Json ids(Json::Array{});
        for (const auto& [id, error] : failed_) {
            refusals.add(id, error);
            ids.push(id);
        }
        // What is left now, with what came meanwhile.
        const auto queue = dlq.store->queue(query_.queue);
        dlq.progress.stop();
        const bool interrupted = query_.stop.stop_requested();
        Json record;
        record.set("queue", query_.queue)
            .set(change_.done, done_)
            .set("left", queue ? Json(queue->depth()) : Json())
            .set("skipped", skipped_)
            .set("failed", failed_.size())
            .set("failed_ids", std::move(ids))
            .set("interrupted", interrupted);
        dlq.output.one(record);
        if (interrupted) return static_cast<int>(ExitCode::interrupted);
        return refusals.exit_status(done_);
    }
};

template <const LetterChange& change>
Result<int> run_letter_change(const Arguments& arguments) {
    auto changer = LetterChanger::read(arguments, change);
    if (!changer) return std::unexpected(changer.error());
    const auto session = DlqSession::open(arguments, arguments.text("QUEUE"));
    if (!session) return std::unexpected(session.error());
    return changer->run(**session);
}

std::vector<Option> letter_change_options(std::vector<Option> own) {
    std::vector<Option> options = letter_filter_options();
    const std::vector<Option> shared{
        {.name = "yes", .value = "", .help = "do not ask", .letter = 'y'},
        {.name = "dry-run", .value = "", .help = "only show which it would be"},
        rate_option(),
    };
    options.insert(options.end(), own.begin(), own.end());
    options.insert(options.end(), shared.begin(), shared.end());
    return with_dlq_options(std::move(options));
}

const Positional changed_queue{.name = "QUEUE", .help = "name of the dead-letter queue"};
const Positional changed_ids{
    .name = "ID",
    .help = "ids of jobs or messages (default: all that match)",
    .required = false,
    .repeated = true};

}  // namespace

Command dlq_replay_command() {
    std::vector<Option> own = PayloadEdit::options();
    own.push_back(
        {.name = "to",
         .value = "QUEUE",
         .help = "replay into this queue (default: where each came from)"}
    );
    return {
        .name = "replay",
        .summary = "give dead jobs and messages another go, with all attempts",
        .description =
            "At least once: what is interrupted can be repeated, and loses nothing. Says how many "
            "were\nreplayed, how many are left, which somebody else had dealt with (skipped) and "
            "which failed\n(exit code 7, of all of them that of the first). SIGINT ends it after "
            "what is under way (130).\nWith another payload or queue a job is enqueued anew, under "
            "another id.",
        .positionals = {changed_queue, changed_ids},
        .options = letter_change_options(std::move(own)),
        .examples =
            {{"after the mail server is back, gently",
              "tranter dlq replay mail-dlq --error 'connection refused' --rate 10/s"},
             {"what would that be", "tranter dlq replay mail-dlq --older 1h --dry-run"},
             {"one, repaired",
              "tranter dlq replay mail-dlq \"$ID\" --set 'user.locale=\"en\"' "
              "--yes"}},
        .run = run_letter_change<replaying>,
    };
}

Command dlq_purge_command() {
    return {
        .name = "purge",
        .summary = "forget dead jobs and messages",
        .description =
            "They are gone for good: `dlq export` keeps them. Without --yes the name of the queue "
            "has to be\ntyped.",
        .positionals = {changed_queue, changed_ids},
        .options = letter_change_options({}),
        .examples =
            {{"what nobody will look at", "tranter dlq purge mail-dlq --older 30d"},
             {"one type of job", "tranter dlq purge mail-dlq --type email.digest --yes"}},
        .run = run_letter_change<purging>,
    };
}

}  // namespace tranter::cli

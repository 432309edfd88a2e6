#include "postgres_jobs/complete.hpp"

#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <unordered_set>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement complete(
    "SELECT place, is_known "
    "FROM tranter.complete($1::integer, $2::uuid[], $3::integer[], $4::text[])"
);

using Answers = Result<std::vector<Result<>>>;

Answers complete_alone(Store& store, std::int32_t queue_id, const Completions& completions) {
    return store.pool.once([&](postgres::Connection& connection) -> Answers {
        return complete_in(connection, queue_id, completions);
    });
}

/// Those of them that have no job together with one before them: of several deliveries of a job at
/// most one can be held, and each statement says of itself only which jobs have ended.
std::vector<SharedCompletions*> without_same_jobs(std::span<SharedCompletions* const> calls) {
    std::vector<SharedCompletions*> different;
    std::unordered_set<std::string_view> ids;
    for (SharedCompletions* const call : calls) {
        const auto& own = call->completions->ids();
        if (std::ranges::any_of(own, [&](const std::string& id) { return ids.contains(id); })) {
            continue;
        }
        ids.insert(own.begin(), own.end());
        different.push_back(call);
    }
    return different;
}

void complete_together(
    Store& store, std::int32_t queue_id, std::span<SharedCompletions* const> calls
) {
    const std::vector<SharedCompletions*> different = without_same_jobs(calls);
    Completions all;
    for (const SharedCompletions* const call : different)
        all.add_all(*call->completions);
    bool may_be_kept = false;
    Answers answers = store.pool.once([&](postgres::Connection& connection) -> Answers {
        may_be_kept = true;
        try {
            return complete_in(connection, queue_id, all);
        } catch (const postgres::DatabaseError& error) {
            may_be_kept = error.trouble() == postgres::Trouble::lost;
            throw;
        }
    });
    if (!answers) {
        if (!may_be_kept) return;
        for (SharedCompletions* const call : different)
            call->answer.emplace(std::unexpected(answers.error()));
        return;
    }
    auto rest = std::make_move_iterator(answers->begin());
    for (SharedCompletions* const call : different) {
        const auto end = rest + static_cast<std::ptrdiff_t>(call->completions->size());
        call->answer.emplace(std::vector<Result<>>(rest, end));
        rest = end;
    }
}

}  // namespace

void Completions::add(std::string id, std::string_view delivery, const std::string& result) {
    id_texts_.add_bare(id);
    ids_.push_back(std::move(id));
    deliveries_.add_bare(delivery);
    if (result.empty()) {
        results_.add_null();
    } else {
        results_.add(result);
    }
}

void Completions::add_all(const Completions& others) {
    ids_.insert(ids_.end(), others.ids_.begin(), others.ids_.end());
    id_texts_.add_all(others.id_texts_);
    deliveries_.add_all(others.deliveries_);
    results_.add_all(others.results_);
}

std::vector<postgres::Parameter> Completions::parameters(std::int32_t queue_id) const {
    return {std::to_string(queue_id), id_texts_.text(), deliveries_.text(), results_.text()};
}

std::vector<Result<>> complete_in(
    postgres::Connection& connection, std::int32_t queue_id, const Completions& completions
) {
    const postgres::Rows rows = connection.execute(complete, completions.parameters(queue_id));
    std::vector<Result<>> answers(completions.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto place = static_cast<std::size_t>(rows.integer(row, 0));
        answers.at(place - 1) = std::unexpected(delivery_over(rows.boolean(row, 1)));
    }
    return answers;
}

Result<std::vector<Result<>>> complete_jobs(
    Store& store, std::string_view queue, std::int32_t queue_id, const Completions& completions
) {
    SharedCompletions call{.completions = &completions};
    const SharedSize size{.jobs = completions.size(), .bytes = completions.bytes()};
    if (may_share(size)) {
        const auto work = [&](std::span<SharedCompletions* const> calls) {
            if (calls.size() > 1) return complete_together(store, queue_id, calls);
            call.answer = complete_alone(store, queue_id, completions);
        };
        store.completions.run(queue, size, call, work);
    }
    if (!call.answer) return complete_alone(store, queue_id, completions);
    return *std::move(call.answer);
}

}  // namespace tranter::postgres_jobs

#include "postgres_jobs/complete.hpp"

#include "postgres/array_text.hpp"
#include "postgres_jobs/receipt.hpp"
#include "postgres_jobs/store.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement complete(
    "SELECT place, is_known "
    "FROM tranter.complete($1::integer, $2::uuid[], $3::integer[], $4::text[])"
);

// What it has deleted before it comes to a job that somebody else has locked cannot be renewed
// meanwhile, so it gives up long before a lease may end. The setting is of its transaction, and
// comes before the call because that depends on it.
constexpr postgres::Statement complete_without_patience(
    "SELECT place, is_known FROM pg_catalog.set_config('lock_timeout', '500ms', true) waits(most), "
    "tranter.complete(CASE WHEN most IS NOT NULL THEN $1::integer END, $2::uuid[], $3::integer[], "
    "$4::text[])"
);

using Answers = Result<std::vector<Result<>>>;

std::vector<Result<>> complete_with(
    const postgres::Statement& statement,
    postgres::Connection& connection,
    std::int32_t queue_id,
    const Completions& completions
) {
    const std::vector<std::size_t> order = completions.in_order();
    std::vector<Result<>> answers(completions.size());
    const auto rows = connection.execute(statement, completions.parameters(queue_id, order));
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto place = static_cast<std::size_t>(rows.integer(row, 0));
        answers.at(order.at(place - 1)) = std::unexpected(delivery_over(rows.boolean(row, 1)));
    }
    return answers;
}

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
        const auto& own = call->completions->all();
        if (std::ranges::any_of(own, [&](const auto& one) { return ids.contains(one.id); })) {
            continue;
        }
        for (const Completions::One& one : own)
            ids.insert(one.id);
        different.push_back(call);
    }
    return different;
}

/// Leaves undone what each has to do alone.
void complete_together(
    Store& store, std::int32_t queue_id, std::span<SharedCompletions* const> calls
) {
    const std::vector<SharedCompletions*> different = without_same_jobs(calls);
    Completions all;
    for (const SharedCompletions* const call : different)
        all.add_all(*call->completions);
    // So that nobody does it again if the end of this is not even reached.
    for (SharedCompletions* const call : different)
        call->answer.emplace(fail(Errc::unavailable, "nobody knows whether the jobs completed"));
    auto trouble = postgres::Trouble::other;
    Answers answers = store.pool.once(
        [&](postgres::Connection& connection) -> Answers {
            return complete_with(complete_without_patience, connection, queue_id, all);
        },
        &trouble
    );
    if (!answers) {
        for (SharedCompletions* const call : different) {
            if (is_of_all(trouble)) {
                call->answer.emplace(std::unexpected(answers.error()));
            } else {
                call->answer.reset();
            }
        }
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

void Completions::add(std::string id, std::string delivery, std::string_view result) {
    bytes_ += id.size() + delivery.size() + result.size();
    all_.push_back({.id = std::move(id), .delivery = std::move(delivery), .result = result});
}

void Completions::add_all(const Completions& others) {
    bytes_ += others.bytes_;
    all_.insert(all_.end(), others.all_.begin(), others.all_.end());
}

std::vector<std::size_t> Completions::in_order() const {
    std::vector<std::size_t> order(all_.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [this](std::size_t place) -> const std::string& {
        return all_[place].id;
    });
    return order;
}

std::vector<postgres::Parameter> Completions::parameters(
    std::int32_t queue_id, std::span<const std::size_t> order
) const {
    postgres::ArrayText ids;
    postgres::ArrayText deliveries;
    postgres::ArrayText results;
    for (const std::size_t place : order) {
        const One& one = all_[place];
        ids.add_bare(one.id);
        deliveries.add_bare(one.delivery);
        one.result.empty() ? results.add_null() : results.add(one.result);
    }
    return {std::to_string(queue_id), ids.text(), deliveries.text(), results.text()};
}

std::vector<Result<>> complete_in(
    postgres::Connection& connection, std::int32_t queue_id, const Completions& completions
) {
    return complete_with(complete, connection, queue_id, completions);
}

Result<std::vector<Result<>>> complete_jobs(
    Store& store, std::string_view queue, std::int32_t queue_id, const Completions& completions
) {
    SharedCompletions call{.completions = &completions};
    const SharedSize size{.jobs = completions.size(), .bytes = completions.bytes()};
    if (may_share(size)) {
        const auto work = [&](std::span<SharedCompletions* const> calls) {
            if (calls.size() > 1) return complete_together(store, queue_id, calls);
            call.answer.emplace(complete_alone(store, queue_id, completions));
        };
        store.completions.run(queue, size, call, work);
    }
    if (!call.answer) return complete_alone(store, queue_id, completions);
    return *std::move(call.answer);
}

}  // namespace tranter::postgres_jobs

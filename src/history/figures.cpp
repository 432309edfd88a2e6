#include "history/figures.hpp"

#include <algorithm>

namespace tranter::history {

void Changes::add(const TallyKey& key, Seq seq, std::int64_t finished) {
    ++tally_[key];
    ++queues_[key.queue];
    Span& span = spans_[seq / span_length];
    ++span.live;
    span.finished_min = std::min(span.finished_min, finished);
    span.finished_max = std::max(span.finished_max, finished);
}

void Changes::subtract(const TallyKey& key, Seq seq) {
    --tally_[key];
    --queues_[key.queue];
    --spans_[seq / span_length].live;
}

std::int64_t Changes::queue_delta(NameId queue) const {
    const auto found = queues_.find(queue);
    return found == queues_.end() ? 0 : found->second;
}

void Figures::load(Database& database) {
    const std::lock_guard lock(mutex_);
    kinds_.clear();
    queues_.clear();
    spans_.clear();
    const StatementUse kinds =
        database.use("SELECT queue, type, state, sum(entries) FROM tally GROUP BY 1, 2, 3");
    while (kinds->step()) {
        const auto state = static_cast<State>(kinds->integer(2));
        kinds_[{{kinds->integer(0), kinds->integer(1)}, state}] = kinds->integer(3);
        queues_[kinds->integer(0)] += kinds->integer(3);
    }
    const StatementUse spans =
        database.use("SELECT id, live, finished_min, finished_max FROM span");
    while (spans->step())
        spans_[spans->integer(0)] = {spans->integer(1), spans->integer(2), spans->integer(3)};
}

void Figures::save(Database& database, const Changes& changes) const {
    const StatementUse tally = database.use(
        "INSERT INTO tally VALUES(?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET entries = entries + excluded.entries"
    );
    const StatementUse prune = database.use(
        "DELETE FROM tally WHERE minute=?1 AND queue=?2 AND type=?3 AND state=?4 AND entries<=0"
    );
    const auto bind_key = [](const StatementUse& statement, const TallyKey& key) {
        statement->bind(1, key.minute).bind(2, key.queue).bind(3, key.type);
        statement->bind(4, static_cast<std::int64_t>(key.state));
    };
    for (const auto& [key, delta] : changes.tally_) {
        if (delta == 0) continue;
        bind_key(tally, key);
        tally->bind(5, delta).run();
        if (delta > 0) continue;
        bind_key(prune, key);
        prune->run();
    }
    const StatementUse span = database.use(
        "INSERT INTO span VALUES(?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET live = live + excluded.live,"
        " finished_min = min(finished_min, excluded.finished_min),"
        " finished_max = max(finished_max, excluded.finished_max)"
    );
    const StatementUse drop = database.use("DELETE FROM span WHERE id=?1 AND live<=0");
    for (const auto& [id, delta] : changes.spans_) {
        span->bind(1, id).bind(2, delta.live).bind(3, delta.finished_min);
        span->bind(4, delta.finished_max).run();
        drop->bind(1, id).run();
    }
}

void Figures::apply(const Changes& changes) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, delta] : changes.tally_) {
        const auto kind = kinds_.try_emplace({{key.queue, key.type}, key.state}).first;
        kind->second += delta;
        if (kind->second <= 0) kinds_.erase(kind);
    }
    for (const auto& [queue, delta] : changes.queues_) {
        const auto sum = queues_.try_emplace(queue).first;
        sum->second += delta;
        if (sum->second <= 0) queues_.erase(sum);
    }
    for (const auto& [id, delta] : changes.spans_) {
        const auto span = spans_.try_emplace(id).first;
        span->second.live += delta.live;
        span->second.finished_min = std::min(span->second.finished_min, delta.finished_min);
        span->second.finished_max = std::max(span->second.finished_max, delta.finished_max);
        if (span->second.live <= 0) spans_.erase(span);
    }
}

std::uint64_t Figures::entries() const {
    return entries(Selector{});
}

std::int64_t Figures::entries_of_queue(NameId queue) const {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(queue);
    return found == queues_.end() ? 0 : found->second;
}

std::vector<Figures::Kind> Figures::kinds(const Selector& selector) const {
    const std::lock_guard lock(mutex_);
    std::vector<Kind> kinds;
    for (const auto& [key, entries] : kinds_) {
        const auto& [names, state] = key;
        if (selector.queue && *selector.queue != names.first) continue;
        if (selector.type && *selector.type != names.second) continue;
        if (!selector.states.empty() &&
            std::ranges::find(selector.states, state) == selector.states.end()) {
            continue;
        }
        kinds.push_back({names.first, names.second, state, static_cast<std::uint64_t>(entries)});
    }
    return kinds;
}

std::uint64_t Figures::entries(const Selector& selector) const {
    std::uint64_t sum = 0;
    for (const Kind& kind : kinds(selector))
        sum += kind.entries;
    return sum;
}

std::vector<NameId> Figures::queues_above(std::int64_t entries_max) const {
    const std::lock_guard lock(mutex_);
    std::vector<NameId> queues;
    for (const auto& [queue, entries] : queues_) {
        if (entries > entries_max) queues.push_back(queue);
    }
    return queues;
}

SeqRange Figures::seqs_between(std::int64_t from, std::int64_t before) const {
    const std::lock_guard lock(mutex_);
    SeqRange range{INT64_MAX, 0};
    for (const auto& [id, span] : spans_) {
        if (span.finished_max < from || span.finished_min >= before) continue;
        range.first = std::min(range.first, id * span_length);
        range.second = std::max(range.second, (id + 1) * span_length);
    }
    return range;
}

std::optional<std::int64_t> Figures::find_span_before(std::int64_t cutoff) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, span] : spans_) {
        if (span.finished_min < cutoff) return id;
    }
    return std::nullopt;
}

std::int64_t Figures::live_between(Seq first, Seq last) const {
    const std::lock_guard lock(mutex_);
    std::int64_t live = 0;
    for (auto span = spans_.lower_bound(first / span_length);
         span != spans_.end() && span->first <= last / span_length;
         ++span) {
        live += span->second.live;
    }
    return live;
}

void Figures::narrow_span(std::int64_t span, std::int64_t finished_min) {
    const std::lock_guard lock(mutex_);
    const auto found = spans_.find(span);
    if (found != spans_.end()) found->second.finished_min = finished_min;
}

void RecentIds::load(Database& database) {
    const std::lock_guard lock(mutex_);
    ids_.clear();
    const StatementUse statement = database.use(
        "SELECT id, seq FROM entry WHERE seq > (SELECT value FROM state WHERE key='indexed_to')"
    );
    while (statement->step())
        ids_[std::string(statement->text(0))] = statement->integer(1);
}

void RecentIds::put(std::string_view id, Seq seq) {
    const std::lock_guard lock(mutex_);
    ids_.insert_or_assign(std::string(id), seq);
}

std::optional<Seq> RecentIds::find(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(std::string(id));
    if (found == ids_.end()) return std::nullopt;
    return found->second;
}

void RecentIds::erase(std::string_view id, Seq seq) {
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(std::string(id));
    if (found != ids_.end() && found->second == seq) ids_.erase(found);
}

std::size_t RecentIds::size() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
}

}  // namespace tranter::history

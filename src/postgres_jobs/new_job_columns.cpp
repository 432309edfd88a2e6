#include "postgres_jobs/new_job_columns.hpp"

#include "jobs/job_json.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

std::int64_t micros_in(Milliseconds duration) {
    return std::chrono::microseconds(duration).count();
}

std::int64_t micros_in(TimePoint when) {
    return when.time_since_epoch().count();
}

}  // namespace

NewJobColumns::NewJobColumns(std::string_view queue, std::span<const NewJob> jobs) : queue_(queue) {
    ids_.reserve(jobs.size());
    const bool one_type =
        std::ranges::all_of(jobs, [&](const NewJob& job) { return job.type == jobs.front().type; });
    for (const NewJob& job : jobs) {
        if (!one_type || ids_.empty()) types_.add(job.type);
        add(job);
    }
}

void NewJobColumns::add_all(const NewJobColumns& others) {
    const bool one_type =
        types_.size() == 1 && others.types_.size() == 1 && types_.text() == others.types_.text();
    if (!one_type) {
        while (types_.size() < ids_.size())
            types_.add_null();
        for (std::size_t all = ids_.size() + others.ids_.size(); types_.size() < all;)
            types_.add_all(others.types_);
    }
    ids_.insert(ids_.end(), others.ids_.begin(), others.ids_.end());
    id_texts_.add_all(others.id_texts_);
    payloads_.add_all(others.payloads_);
}

bool NewJobColumns::are_plain() const {
    return !any_chosen_ && std::ranges::all_of(columns_, [](const postgres::ArrayText& column) {
        return column.size() == 0;
    });
}

postgres::ArrayText& NewJobColumns::at_its_place(Column column) {
    postgres::ArrayText& array = columns_[column];
    while (array.size() + 1 < ids_.size())
        array.add_null();
    return array;
}

void NewJobColumns::put(Column column, std::int64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
    at_its_place(column).add_bare({digits.begin(), end});
}

void NewJobColumns::add(const NewJob& job) {
    any_chosen_ = any_chosen_ || !job.id.empty();
    const auto chosen = parse_uuid(job.id);
    ids_.push_back(chosen ? *chosen : make_time_ordered_uuid());
    id_texts_.add_bare(format_uuid(ids_.back()));
    payloads_.add(job.payload);
    const JobOptions& said = job.options;
    if (job.delay.count() != 0) put(delay, micros_in(job.delay));
    if (job.run_at) put(run_at, micros_in(*job.run_at));
    if (said.priority != priority_default) put(priority, said.priority);
    if (!said.group.empty()) put(job_group, said.group);
    if (said.ttl.count() != 0) put(ttl, micros_in(said.ttl));
    if (said.deadline) put(deadline, micros_in(*said.deadline));
    if (const std::string json = jobs::options_to_json(said); !json.empty()) put(options, json);
    if (!said.dedup) return;
    put(key, said.dedup->key);
    put(mode, static_cast<std::int64_t>(said.dedup->mode));
    if (said.dedup->ttl.count() != 0) put(key_ttl, micros_in(said.dedup->ttl));
}

std::vector<postgres::Parameter> NewJobColumns::plain_parameters() const {
    return {queue_, id_texts_.text(), types_.text(), payloads_.text()};
}

std::vector<postgres::Parameter> NewJobColumns::parameters(bool may_be_there) const {
    std::vector<postgres::Parameter> all{
        queue_,
        any_chosen_ || may_be_there ? "t" : "f",
        id_texts_.text(),
        types_.text(),
        payloads_.text()};
    for (const postgres::ArrayText& column : columns_)
        all.emplace_back(column.text());
    return all;
}

}  // namespace tranter::postgres_jobs

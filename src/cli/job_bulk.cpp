#include "cli/job_bulk.hpp"

#include "cli/exit_code.hpp"
#include "cli/job_flags.hpp"
#include "cli/terminal.hpp"
#include "jobs/wire_json.hpp"

#include <tranter/json.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace tranter::cli {

namespace {

constexpr std::size_t bulk_jobs_max = 1000;
// Half of the smallest body that a server may be told to take.
constexpr std::size_t bulk_bytes_max = std::size_t{1} << 20;

/// What a line of stdin stands for.
class LineJobs {
  public:
    static Result<LineJobs> read(const Arguments& arguments) {
        LineJobs jobs;
        jobs.objects_ = arguments.is_on("bulk");
        if (jobs.objects_ && arguments.is_on("lines")) {
            return fail(Errc::invalid_argument, "--bulk and --lines are both given, expected one");
        }
        if (jobs.objects_) {
            if (auto checked = refuse_job_flags(arguments); !checked) {
                return std::unexpected(checked.error());
            }
            return jobs;
        }
        auto common = read_job_flags(arguments);
        if (!common) return std::unexpected(common.error());
        jobs.common_ = std::move(*common);
        jobs.common_.type = arguments.text("TYPE");
        if (std::string problem = problem_of(jobs.common_); !problem.empty()) {
            return fail(Errc::invalid_argument, std::move(problem));
        }
        for (const std::string_view name : {"PAYLOAD", "id", "dedup", "wait"}) {
            if (arguments.has(name)) return not_with(name, "--lines");
        }
        return jobs;
    }

    Result<NewJob> job_of(const std::string& line) const {
        if (objects_) return job_of_object(line);
        auto payload = ::tranter::Json::parse(line);
        if (!payload) return std::unexpected(payload.error());
        NewJob job = common_;
        job.payload = payload->text();
        return job;
    }

  private:
    bool objects_ = false;
    NewJob common_{};

    static Result<NewJob> job_of_object(const std::string& line) {
        auto read = jobs::read_new_jobs(line);
        if (!read) return std::unexpected(read.error());
        if (read->array) return fail(Errc::invalid_argument, "is an array, expected an object");
        NewJob job = std::move(read->jobs.front());
        std::string problem = problem_of(job);
        if (!problem.empty()) return fail(Errc::invalid_argument, std::move(problem));
        return job;
    }

    static std::unexpected<Error> not_with(std::string_view name, std::string_view mode) {
        const std::string_view dashes = name == "PAYLOAD" || name == "TYPE" ? "" : "--";
        return fail(
            Errc::invalid_argument,
            fmt::format("{}{} cannot be given with {}: lines say it", dashes, name, mode)
        );
    }

    static Result<> refuse_job_flags(const Arguments& arguments) {
        for (const std::string_view name : {"TYPE", "PAYLOAD", "wait"}) {
            if (arguments.has(name)) return not_with(name, "--bulk");
        }
        for (const Option& flag : job_flags()) {
            if (arguments.has(flag.name)) return not_with(flag.name, "--bulk");
        }
        return {};
    }
};

}  // namespace

BulkEnqueue::BulkEnqueue(JobSession& session, std::string queue, Pace pace)
    : session_(session), queue_(std::move(queue)), pace_(pace), refusals_(session.progress) {}

Result<> BulkEnqueue::add(std::uint64_t line, NewJob job) {
    const std::size_t batch_max =
        pace_.batch(std::min(bulk_jobs_max, session_.provider.capabilities().batch_max));
    const std::size_t bytes = job.payload.size();
    if (!jobs_.empty() && (jobs_.size() >= batch_max || bytes_ + bytes > bulk_bytes_max)) {
        if (auto done = flush(); !done) return done;
    }
    jobs_.push_back(std::move(job));
    lines_.push_back(line);
    bytes_ += bytes;
    return {};
}

Result<> BulkEnqueue::flush() {
    if (jobs_.empty()) return {};
    const std::vector<NewJob> jobs = std::exchange(jobs_, {});
    const std::vector<std::uint64_t> lines = std::exchange(lines_, {});
    bytes_ = 0;
    pace_.keep(enqueued_ + refusals_.count());
    return enqueue(jobs, lines);
}

Result<> BulkEnqueue::enqueue(std::span<const NewJob> jobs, std::span<const std::uint64_t> lines) {
    const auto answers = session_.provider.enqueue(queue_, jobs);
    if (answers) {
        enqueued_ += answers->size();
        duplicates_ +=
            static_cast<std::uint64_t>(std::ranges::count_if(*answers, [](const Enqueued& one) {
                return !one.duplicate_of.empty();
            }));
        session_.progress.update(enqueued_);
        return {};
    }
    const Error& error = answers.error();
    if (concerns_one(error.code()) && jobs.size() == 1) {
        refusals_.add(fmt::format("line {}", lines.front()), error);
        return {};
    }
    if (concerns_one(error.code()) && session_.provider.capabilities().atomic_batch) {
        const std::size_t half = jobs.size() / 2;
        auto first = enqueue(jobs.first(half), lines.first(half));
        return first ? enqueue(jobs.subspan(half), lines.subspan(half)) : first;
    }
    return fail(
        error.code(),
        fmt::format(
            "lines {} to {}: {}; {} were enqueued before",
            lines.front(),
            lines.back(),
            error.message(),
            enqueued_
        )
    );
}

Result<int> enqueue_many(JobSession& session, const Arguments& arguments) {
    const auto line_jobs = LineJobs::read(arguments);
    if (!line_jobs) return std::unexpected(line_jobs.error());
    const auto pace = read_pace(arguments);
    if (!pace) return std::unexpected(pace.error());
    session.progress.start("enqueueing");

    BulkEnqueue bulk(session, arguments.text("QUEUE"), *pace);
    LineReader reader(STDIN_FILENO, "stdin");
    std::string line;
    for (std::uint64_t number = 1; reader.next(line); ++number) {
        if (line.empty()) continue;
        auto job = line_jobs->job_of(line);
        if (!job) {
            bulk.refusals().add(fmt::format("line {}", number), job.error());
        } else if (auto added = bulk.add(number, std::move(*job)); !added) {
            return std::unexpected(added.error());
        }
    }
    if (auto flushed = bulk.flush(); !flushed) return std::unexpected(flushed.error());
    session.progress.stop();
    Json record;
    record.set("enqueued", bulk.enqueued() - bulk.duplicates())
        .set("duplicates", bulk.duplicates())
        .set("failed", bulk.refusals().count());
    session.output.one(record);
    return bulk.refusals().exit_status(bulk.enqueued());
}

}  // namespace tranter::cli

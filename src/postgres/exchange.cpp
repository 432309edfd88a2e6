#include "postgres/connection.hpp"
#include "postgres/libpq.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

// How a connection talks: everything is sent before anything is waited for.
namespace tranter::postgres {
namespace {

constexpr std::chrono::milliseconds poll_max = std::chrono::hours(1);

/// They stay where they are.
std::vector<const char*> values_of(std::span<const Parameter> parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const Parameter& parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    return values;
}

void check_texts(std::span<const Parameter> parameters) {
    for (const Parameter& parameter : parameters) {
        if (parameter && parameter->find('\0') != std::string::npos) {
            throw DatabaseError(Trouble::bad_value, "a text has a zero byte in it");
        }
    }
}

}  // namespace

void Connection::wait_for_socket(short events) {
    using Clock = std::chrono::steady_clock;
    pollfd asked{.fd = socket(), .events = events, .revents = 0};
    const auto until = Clock::now() + silence_max_;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) give_up("the server says nothing");
        const int ready = ::poll(&asked, 1, static_cast<int>(std::min(left, poll_max).count()));
        if (ready > 0) return;
        if (ready < 0 && errno != EINTR) give_up("its socket cannot be read");
    }
}

void Connection::flush() {
    // A server that cannot send its answers reads no more questions, so they are taken meanwhile.
    // What went wrong is told by the result.
    while (libpq().flush(connection_.get()) == 1) {
        wait_for_socket(POLLIN | POLLOUT);
        if (libpq().consume_input(connection_.get()) == 0) return;
    }
}

pg_result* Connection::next_result() {
    while (libpq().is_busy(connection_.get()) != 0) {
        wait_for_socket(POLLIN);
        if (libpq().consume_input(connection_.get()) == 0) break;
    }
    return libpq().get_result(connection_.get());
}

void Connection::send(const Step& step) {
    pg_conn* const to = connection_.get();
    const char* const name = step.name.c_str();
    const std::vector<const char*> values = values_of(step.parameters);
    const int count = static_cast<int>(values.size());
    int sent = 0;
    switch (step.kind) {
        case Step::Kind::parse:
            sent = libpq().send_prepare(to, name, step.sql, 0, nullptr);
            break;
        case Step::Kind::execute:
            sent = libpq().send_query_prepared(to, name, count, values.data(), nullptr, nullptr, 0);
            break;
        case Step::Kind::query:
            sent = libpq().send_query_params(
                to, step.sql, count, nullptr, values.data(), nullptr, nullptr, 0
            );
            break;
    }
    if (sent == 0) give_up(libpq().error_message(to));
}

/// Of one step. One that is alone is kept at its end, which may be told as refused after its rows.
Rows Connection::answer() {
    Rows rows(next_result());
    std::optional<Rows> refusal;
    while (pg_result* const more = next_result()) {
        Rows later(more);
        if (rows.is_good() && !later.is_good()) refusal = std::move(later);
    }
    if (refusal) check_end(*refusal);
    return rows;
}

Rows Connection::answer_of(const Step& step) {
    Rows rows = answer();
    if (step.kind == Step::Kind::execute && rows.is_of_stale_statement()) {
        prepared_.clear();
        throw DatabaseError(Trouble::collision, "the tables have changed");
    }
    check(rows);
    if (step.kind == Step::Kind::parse) prepared_.insert_or_assign(step.statement, step.name);
    return rows;
}

/// Of one whose steps went well: what they did is kept once its end has come, and not before, even
/// if all of them were answered.
void Connection::end_pipeline() {
    const Rows end(next_result());
    if (!end.is_pipeline_end()) {
        check_end(end);
        give_up(libpq().error_message(connection_.get()));
    }
    if (libpq().exit_pipeline_mode(connection_.get()) == 0) connection_.reset();
}

/// Takes what is left of the answers up to the end of the pipeline.
void Connection::leave_pipeline() {
    // A null ends the results of each step; two of them mean that nothing more comes.
    int nulls = 0;
    for (bool is_end = false; !is_end && is_alive() && nulls < 2;) {
        pg_result* const result = next_result();
        nulls = result == nullptr ? nulls + 1 : 0;
        is_end = result != nullptr && libpq().result_status(result) == PGRES_PIPELINE_SYNC;
        libpq().clear(result);
    }
    if (!is_alive() || libpq().exit_pipeline_mode(connection_.get()) == 0) connection_.reset();
}

std::vector<Rows> Connection::exchange(std::span<const Step> steps) {
    for (const Step& step : steps)
        check_texts(step.parameters);
    if (!is_alive()) give_up("the connection is closed");
    begins_ = false;  // it is in the steps
    std::vector<Rows> answers;
    answers.reserve(steps.size());
    if (steps.size() == 1) {
        send(steps.front());
        flush();
        answers.push_back(answer_of(steps.front()));
        return answers;
    }
    libpq().enter_pipeline_mode(connection_.get());
    for (const Step& step : steps)
        send(step);
    if (libpq().pipeline_sync(connection_.get()) == 0) give_up("nothing can be sent");
    flush();
    try {
        for (const Step& step : steps)
            answers.push_back(answer_of(step));
        end_pipeline();
    } catch (const DatabaseError&) {
        leave_pipeline();
        throw;
    }
    return answers;
}

}  // namespace tranter::postgres

#include "postgres/array_text.hpp"
#include "postgres/connection.hpp"
#include "postgres/libpq.hpp"

#include <charconv>

namespace tranter::postgres {

std::string array_of(std::span<const Parameter> values) {
    ArrayText array;
    for (const Parameter& value : values) {
        if (value) {
            array.add(*value);
        } else {
            array.add_null();
        }
    }
    return array.text();
}

Rows::Rows(pg_result* result) : result_(result) {}

void Rows::Clear::operator()(pg_result* result) const {
    libpq().clear(result);
}

std::size_t Rows::size() const {
    return static_cast<std::size_t>(libpq().rows(result_.get()));
}

bool Rows::is_null(std::size_t row, int column) const {
    return libpq().is_null(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view Rows::text(std::size_t row, int column) const {
    const int number = static_cast<int>(row);
    const int bytes = libpq().length(result_.get(), number, column);
    return {libpq().value(result_.get(), number, column), static_cast<std::size_t>(bytes)};
}

std::int64_t Rows::integer(std::size_t row, int column) const {
    const std::string_view digits = text(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
    if (error == std::errc() && end == digits.end()) return value;
    throw DatabaseError(Trouble::damage, "a column that is no whole number");
}

bool Rows::is_good() const {
    const ExecStatusType status = libpq().result_status(result_.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

bool Rows::is_pipeline_end() const {
    return libpq().result_status(result_.get()) == PGRES_PIPELINE_SYNC;
}

bool Rows::is_of_stale_statement() const {
    return !is_good() && (sqlstate() == "26000" || sqlstate() == "0A000");
}

std::string_view Rows::sqlstate() const {
    const char* state = libpq().error_field(result_.get(), PG_DIAG_SQLSTATE);
    return state == nullptr ? "" : state;
}

std::string_view Rows::message() const {
    const char* text = libpq().error_field(result_.get(), PG_DIAG_MESSAGE_PRIMARY);
    return text == nullptr ? "" : text;
}

std::string_view Rows::command() const {
    return libpq().command_status(result_.get());
}

}  // namespace tranter::postgres

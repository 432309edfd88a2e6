#pragma once

#include "cli/json.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

class Progress;

/// wide: a table with all columns. name: the first column alone, for scripts.
enum class Format : std::uint8_t { table, wide, json, ndjson, name };

/// The `-o` word, or what suits where stdout goes: a table for a person at a terminal, JSON for
/// everything else. "table", "wide", "json", "ndjson" and "name" are the only words; anything else
/// is a table.
Format choose_format(const std::optional<std::string>& word, bool terminal);

/// A member of a record that the table shows, and its heading.
struct Column {
    std::string_view member;
    std::string_view heading;
    bool wide = false;  // only in wide tables
};

/// Prints records: rows of a table, elements of one JSON array, one JSON object a line, or names
/// alone. Tables show the columns they are given, JSON everything. Throws as write_all.
class Output {
  public:
    struct Options {
        Format format = Format::json;
        int fd = 1;
        std::size_t columns = 0;       // of the terminal; 0: rows may be as long as they are
        Progress* progress = nullptr;  // hidden while something is printed
    };

    explicit Output(Options options) : options_(options) {}

    Format format() const { return options_.format; }
    bool is_table() const {
        return options_.format == Format::table || options_.format == Format::wide;
    }

    /// A list of records: begin, any number of rows, end.
    void begin(std::vector<Column> columns);
    void row(Json record);
    void end();
    /// One record: in a table each member on a line of its own. Its name is the first member.
    void one(const Json& record);
    /// Text on a line of its own, whatever the format.
    void line(std::string_view text);
    /// Everything that row() was given is written when this returns, except in tables, which need
    /// all rows to know how wide their columns are.
    void flush();

  private:
    Options options_;
    std::vector<Column> columns_{};
    std::vector<Json> rows_{};  // of a table
    std::string buffer_{};
    bool first_ = true;

    void append_table();
    void append_table_line(const std::vector<std::string>& cells, const std::vector<std::size_t>&);
};

/// How a table shows a value: text as it is, lists with commas, objects as JSON, null as "-".
std::string cell_text(const Json& value);

}  // namespace tranter::cli

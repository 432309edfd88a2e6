#include "cli/output.hpp"

#include "base/unicode.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tranter::cli {

namespace {

constexpr std::size_t buffer_bytes_max = 65536;
constexpr std::string_view gap = "  ";

void append_members(std::string& out, const Json::Object& members, std::string_view indent) {
    std::size_t width = 0;
    for (const JsonMember& member : members) {
        width = std::max(width, columns_of(printable(member.name)));
    }
    for (const JsonMember& member : members) {
        const std::string name = printable(member.name);
        out += indent;
        out += name;
        if (member.value.is_object() && !member.value.members().empty()) {
            out += '\n';
            append_members(out, member.value.members(), "  ");
            continue;
        }
        out.append(width - columns_of(name), ' ');
        fmt::format_to(std::back_inserter(out), "{}{}\n", gap, printable(cell_text(member.value)));
    }
}

}  // namespace

Format choose_format(const std::optional<std::string>& word, bool terminal) {
    if (!word) return terminal ? Format::table : Format::json;
    if (*word == "json") return Format::json;
    if (*word == "ndjson") return Format::ndjson;
    if (*word == "wide") return Format::wide;
    if (*word == "name") return Format::name;
    return Format::table;
}

std::string cell_text(const Json& value) {
    if (value.is_null()) return "-";
    if (value.is_text()) return std::string(value.text());
    if (value.items().empty()) return value.dump() == "[]" ? "-" : value.dump();
    std::string joined;
    for (const Json& item : value.items()) {
        if (!joined.empty()) joined += ", ";
        joined += cell_text(item);
    }
    return joined;
}

void Output::begin(std::vector<Column> columns) {
    columns_ = std::move(columns);
    if (options_.format != Format::wide) std::erase_if(columns_, &Column::wide);
}

void Output::row(Json record) {
    if (is_table()) {
        rows_.push_back(std::move(record));
        return;
    }
    if (options_.format == Format::name) {
        line(columns_.empty() ? "-" : cell_text(record[columns_.front().member]));
        return;
    }
    if (options_.format == Format::json) buffer_ += first_ ? "[\n" : ",\n";
    first_ = false;
    buffer_ += record.dump();
    if (options_.format == Format::ndjson) buffer_ += '\n';
    if (buffer_.size() > buffer_bytes_max) flush();
}

void Output::end() {
    if (is_table()) append_table();
    if (options_.format == Format::json) buffer_ += first_ ? "[]\n" : "\n]\n";
    first_ = true;
    flush();
}

void Output::one(const Json& record) {
    if (is_table()) {
        append_members(buffer_, record.members(), "");
    } else if (options_.format == Format::name) {
        line(record.members().empty() ? "-" : cell_text(record.members().front().value));
    } else {
        buffer_ += record.dump();
        buffer_ += '\n';
    }
    flush();
}

void Output::flush() {
    if (buffer_.empty()) return;
    if (options_.progress != nullptr) options_.progress->hide();
    // Taken out first: after a failure nothing is written twice.
    const std::string bytes = std::exchange(buffer_, {});
    write_all(options_.fd, bytes);
}

void Output::line(std::string_view text) {
    buffer_ += printable(text);
    buffer_ += '\n';
    if (buffer_.size() > buffer_bytes_max) flush();
}

void Output::append_table() {
    std::vector<std::vector<std::string>> lines(1);
    for (const Column& column : columns_) {
        lines.front().emplace_back(column.heading);
    }
    for (const Json& record : rows_) {
        std::vector<std::string>& cells = lines.emplace_back();
        for (const Column& column : columns_) {
            cells.push_back(printable(cell_text(record[column.member])));
        }
    }
    std::vector<std::size_t> widths(columns_.size());
    for (const auto& cells : lines) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            widths[i] = std::max(widths[i], columns_of(cells[i]));
        }
    }
    for (const auto& cells : lines) {
        append_table_line(cells, widths);
    }
    rows_.clear();
}

void Output::append_table_line(
    const std::vector<std::string>& cells, const std::vector<std::size_t>& widths
) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        if (i + 1 == cells.size()) break;
        line.append(widths[i] - columns_of(cells[i]), ' ');
        line += gap;
    }
    const std::size_t limit = options_.columns == 0 ? std::string::npos : options_.columns;
    buffer_ += printable(line, limit);
    buffer_ += '\n';
}

}  // namespace tranter::cli

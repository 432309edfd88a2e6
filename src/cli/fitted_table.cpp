#include "cli/fitted_table.hpp"

#include "base/unicode.hpp"
#include "cli/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace tranter::cli {

namespace {

constexpr std::string_view column_gap = "  ";

/// The columns that are shown, and how wide they are.
class Fitting {
  public:
    Fitting(std::span<const FittedColumn> columns, std::span<const FittedRow> rows)
        : columns_(columns), natural_(columns.size()) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            shown_.push_back(i);
            natural_[i] = columns_of(columns[i].heading);
            for (const FittedRow& row : rows)
                natural_[i] = std::max(natural_[i], columns_of(printable(row[i].text)));
        }
        widths_ = natural_;
    }

    void fit(std::size_t room) {
        while (width() > room) {
            cut(room, false);
            if (width() <= room) break;
            const auto least = least_wanted();
            if (!least) break;
            shown_.erase(*least);
            widths_ = natural_;
        }
        cut(room, true);
    }

    std::span<const std::size_t> shown() const { return shown_; }
    std::size_t width_of(std::size_t column) const { return widths_[column]; }

  private:
    std::size_t width() const {
        return std::accumulate(
            shown_.begin(),
            shown_.end(),
            shown_.empty() ? 0 : (shown_.size() - 1) * column_gap.size(),
            [this](std::size_t sum, std::size_t column) { return sum + widths_[column]; }
        );
    }

    /// Takes from the widest that may be cut, as long as that is needed and allowed.
    void cut(std::size_t room, bool to_the_last) {
        for (std::size_t excess = width(); excess > room; --excess) {
            std::optional<std::size_t> widest;
            for (const std::size_t column : shown_) {
                const std::size_t min = to_the_last ? 1 : columns_[column].width_min;
                if (columns_[column].width_min == 0 || widths_[column] <= min) continue;
                if (!widest || widths_[column] > widths_[*widest]) widest = column;
            }
            if (!widest) return;
            --widths_[*widest];
        }
    }

    std::optional<std::vector<std::size_t>::iterator> least_wanted() {
        const auto least = std::ranges::max_element(shown_, {}, [this](std::size_t column) {
            return columns_[column].leaves;
        });
        if (least == shown_.end() || columns_[*least].leaves == 0) return std::nullopt;
        return least;
    }

    std::span<const FittedColumn> columns_;
    std::vector<std::size_t> natural_;
    std::vector<std::size_t> widths_{};
    std::vector<std::size_t> shown_{};
};

std::string table_line(
    const Fitting& fitting, std::span<const FittedColumn> columns, const FittedRow& row, bool inks
) {
    std::string line;
    std::size_t blanks = 0;  // that are due before the next text
    for (const std::size_t column : fitting.shown()) {
        const std::string text = printable(row[column].text, fitting.width_of(column));
        const std::size_t room = fitting.width_of(column);
        const std::size_t rest = room - std::min(room, columns_of(text));
        const bool is_right = columns[column].is_number;
        if (is_right) blanks += rest;
        if (!text.empty()) {
            line.append(blanks, ' ');
            line += inks ? inked(text, row[column].ink) : text;
            blanks = 0;
        }
        if (!is_right) blanks += rest;
        blanks += column_gap.size();
    }
    return line;
}

}  // namespace

std::string inked(std::string_view text, Ink ink) {
    switch (ink) {
        case Ink::none:
            break;
        case Ink::good:
            return fmt::format("\x1b[32m{}\x1b[0m", text);
        case Ink::busy:
            return fmt::format("\x1b[33m{}\x1b[0m", text);
        case Ink::bad:
            return fmt::format("\x1b[31m{}\x1b[0m", text);
        case Ink::faint:
            return fmt::format("\x1b[2m{}\x1b[0m", text);
        case Ink::heading:
            return fmt::format("\x1b[1m{}\x1b[0m", text);
        case Ink::chosen:
            return fmt::format("\x1b[7m{}\x1b[0m", text);
    }
    return std::string(text);
}

std::vector<std::string> fitted_table(
    std::span<const FittedColumn> columns, std::span<const FittedRow> rows, const TableRoom& room
) {
    Fitting fitting(columns, rows);
    const std::size_t limit = room.columns == 0 ? std::string::npos : room.columns;
    fitting.fit(limit);
    FittedRow headings;
    for (const FittedColumn& column : columns)
        headings.push_back({std::string(column.heading), Ink::heading});
    std::vector<std::string> lines;
    lines.push_back(cut_line(table_line(fitting, columns, headings, room.colours), limit));
    for (const FittedRow& row : rows)
        lines.push_back(cut_line(table_line(fitting, columns, row, room.colours), limit));
    return lines;
}

}  // namespace tranter::cli

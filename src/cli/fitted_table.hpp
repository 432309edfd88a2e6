#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// What a colour says, as far as there are colours.
enum class Ink : std::uint8_t { none, good, busy, bad, faint, heading, chosen };

/// `text`, which is harmless, in that colour.
std::string inked(std::string_view text, Ink ink);

struct FittedColumn {
    std::string_view heading;
    /// Columns with the highest number go first when there is too little room; 0: it stays.
    int leaves = 0;
    /// It is cut down to so many columns before one goes; 0: it is not.
    std::size_t width_min = 0;
    bool is_number = false;  // stands at the right
};

struct FittedCell {
    std::string text{};  // anything; made printable here
    Ink ink = Ink::none;
};
using FittedRow = std::vector<FittedCell>;

struct TableRoom {
    std::size_t columns = 0;  // 0: as many as it takes
    bool colours = false;
};

/// The heading and the rows, each a line of at most so many columns. Cells are cut with an ellipsis
/// and columns left out until all fits; what is left over of the narrowest is cut off.
std::vector<std::string> fitted_table(
    std::span<const FittedColumn> columns, std::span<const FittedRow> rows, const TableRoom& room
);

}  // namespace tranter::cli

#include "cli/fitted_table.hpp"

#include "cli/terminal_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using testing::ElementsAre;

const std::vector<FittedColumn> test_columns{
    {.heading = "NAME", .width_min = 6},
    {.heading = "PID", .leaves = 1, .is_number = true},
    {.heading = "STATE", .leaves = 0},
    {.heading = "NOTE", .leaves = 2, .width_min = 5},
};

FittedRow cells_of(std::string name, std::string pid, std::string state, std::string note) {
    return {{std::move(name)}, {std::move(pid)}, {std::move(state)}, {std::move(note)}};
}

std::vector<std::string> small_table(std::size_t width, const std::vector<FittedRow>& rows) {
    return fitted_table(test_columns, rows, {.columns = width});
}

TEST(FittedTableTest, ShowsEverythingWithoutALimit) {
    EXPECT_THAT(
        small_table(
            0, {cells_of("web", "7", "ready", ""), cells_of("worker", "12345", "stopped", "a note")}
        ),
        ElementsAre(
            "NAME      PID  STATE    NOTE", "web         7  ready", "worker  12345  stopped  a note"
        )
    );
}

TEST(FittedTableTest, CutsCellsBeforeItLeavesColumnsOut) {
    const std::vector<FittedRow> rows{cells_of("worker", "12345", "ready", "a long note")};

    EXPECT_THAT(
        small_table(27, rows),
        ElementsAre("NAME      PID  STATE  NOTE", "worker  12345  ready  a lo…")
    );
    EXPECT_THAT(small_table(26, rows), ElementsAre("NAME      PID  STATE", "worker  12345  ready"));
    EXPECT_THAT(small_table(15, rows), ElementsAre("NAME    STATE", "worker  ready"));
}

TEST(FittedTableTest, CutsWhatStaysWhenNothingElseHelps) {
    const std::vector<FittedRow> rows{cells_of("a-very-long-name", "1", "ready", "")};

    EXPECT_THAT(small_table(13, rows), ElementsAre("NAME    STATE", "a-ver…  ready"));
    EXPECT_THAT(small_table(9, rows), ElementsAre("N…  STATE", "a…  ready"));
    EXPECT_THAT(small_table(4, rows), ElementsAre("…  …", "…  …"));
}

TEST(FittedTableTest, IsNeverWiderThanItsRoomWhateverTheCellsAre) {
    const std::vector<FittedRow> rows{
        cells_of("日本語の名前は長い", "99999", "errored", "漢字漢字漢字"),
        cells_of("\x1b[2J\u202e", "\n", "\xff", "e\u0301e\u0301"),
        cells_of("", "", "", ""),
    };

    for (std::size_t width = 1; width < 100; ++width) {
        for (const std::string& line : fitted_table(test_columns, rows, {width, true})) {
            EXPECT_LE(shown_columns(line), width) << line;
            EXPECT_EQ(line.find("\x1b[2J"), std::string::npos);
        }
    }
}

TEST(FittedTableTest, ColoursDoNotCountAsColumns) {
    const std::vector<FittedRow> rows{{{"web", Ink::good}, {"1"}, {"ready"}, {""}}};

    const auto lines = fitted_table(test_columns, rows, {.columns = 80, .colours = true});

    EXPECT_EQ(lines.at(1), "\x1b[32mweb\x1b[0m     1  ready");
}

TEST(FittedTableTest, OfNoRowsIsItsHeading) {
    EXPECT_THAT(small_table(80, {}), ElementsAre("NAME  PID  STATE  NOTE"));
}

}  // namespace
}  // namespace tranter::cli

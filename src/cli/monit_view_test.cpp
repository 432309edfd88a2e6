#include "cli/monit_view.hpp"

#include "cli/terminal_text.hpp"
#include "cli/test_instances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

MonitView view_of(std::uint32_t instances) {
    MonitView view{.now = test_now};
    for (std::uint32_t i = 0; i < instances; ++i)
        view.instances.push_back(running_instance(i, "app-" + std::to_string(i)));
    return view;
}

/// As it stands on the screen, without colours.
std::string frame_text(const Frame& frame) {
    std::string text;
    for (const std::string& line : frame.lines)
        text += harmless_line(line, {}) + "\n";
    return text;
}

TEST(MonitFrameTest, ShowsInstancesAboveAndWhatTheSelectedOnePrintsBelow) {
    MonitView view = view_of(2);
    view.selected = view.instances[1].id;
    view.lines = {printed_line(view.instances[1].id, 1s, "\x1b[31mhello\x1b[2J")};

    const Frame frame = monit_frame(view, {});

    ASSERT_EQ(frame.lines.size(), 24U);
    EXPECT_THAT(frame.lines[0], HasSubstr("2 of 2 running  cpu 25.0%  memory 128 MiB"));
    EXPECT_THAT(frame.lines[2], HasSubstr("app-0"));
    EXPECT_THAT(frame.lines[3], StartsWith("\x1b[7m"));
    EXPECT_THAT(frame.lines[4], HasSubstr("── app-1:0 ──"));
    EXPECT_EQ(frame.lines[5], "\x1b[31mhello\x1b[0m");
    EXPECT_THAT(frame.lines[23], HasSubstr("q quit"));
}

TEST(MonitFrameTest, FitsIntoEverySize) {
    MonitView view = view_of(30);
    view.instances[3].id.app = "日本語日本語日本語日本語";
    view.selected = view.instances[3].id;
    for (int i = 0; i < 100; ++i)
        view.lines.push_back(printed_line(*view.selected, 1s, std::string(300, 'x') + "漢\t\x1b[1m")
        );
    for (const ScreenSize size :
         {ScreenSize{80, 24}, {40, 10}, {200, 60}, {1, 1}, {10, 2}, {20, 5}, {0, 0}}) {
        const Frame frame = monit_frame(view, size);
        EXPECT_EQ(frame.lines.size(), size.rows);
        for (const std::string& line : frame.lines)
            EXPECT_LE(shown_columns(line), size.columns) << line;
    }
}

TEST(MonitFrameTest, ScrollsToWhatIsSelected) {
    MonitView view = view_of(50);
    for (const auto& instance : view.instances) {
        view.selected = instance.id;
        const Frame frame = monit_frame(view, {});
        const bool is_there = std::ranges::any_of(frame.lines, [&](const std::string& line) {
            return line.starts_with("\x1b[7m") &&
                   line.find(" " + instance.id.app + " ") != std::string::npos;
        });
        EXPECT_TRUE(is_there) << instance.id.app;
    }
}

TEST(MonitFrameTest, ShowsTheLatestLinesThatFit) {
    MonitView view = view_of(1);
    for (int i = 0; i < 50; ++i)
        view.lines.push_back(printed_line(view.instances[0].id, 1s, "line " + std::to_string(i)));

    const std::string text = frame_text(monit_frame(view, {}));

    EXPECT_THAT(text, HasSubstr("line 49\n"));
    EXPECT_THAT(text, HasSubstr("line 31\n"));
    EXPECT_THAT(text, Not(HasSubstr("line 30\n")));
}

TEST(MonitFrameTest, SaysWhatIsWrongAndHowToGoOn) {
    MonitView view = view_of(0);
    EXPECT_THAT(frame_text(monit_frame(view, {})), HasSubstr("no app"));

    view.trouble = "no daemon runs\x1b[2J";
    EXPECT_THAT(frame_text(monit_frame(view, {})), HasSubstr("no daemon runs"));

    view.shows_help = true;
    EXPECT_THAT(frame_text(monit_frame(view, {})), HasSubstr("stop its app"));
}

TEST(MonitSelectionTest, MovesAndStaysInside) {
    MonitView view = view_of(3);
    EXPECT_EQ(selected_place(view), 0U);

    move_selection(view, 1);
    EXPECT_EQ(selected_place(view), 1U);
    move_selection(view, 100);
    EXPECT_EQ(selected_place(view), 2U);
    move_selection(view, -100);
    EXPECT_EQ(selected_place(view), 0U);

    MonitView empty;
    move_selection(empty, 1);
    EXPECT_EQ(selected_place(empty), std::nullopt);
}

TEST(MonitSelectionTest, StaysWithItsInstanceWhenOthersGo) {
    MonitView view = view_of(3);
    move_selection(view, 2);
    view.instances.erase(view.instances.begin());

    EXPECT_EQ(selected_place(view), 1U);

    view.instances.pop_back();
    EXPECT_EQ(selected_place(view), 0U);
}

}  // namespace
}  // namespace tranter::cli

#include "cli/screen_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr ScreenSize small_screen{.columns = 6, .rows = 3};

TEST(RepaintTest, WritesEverythingAtFirstAndWhenTheSizeChanges) {
    const Frame frame{small_screen, {"a", "", "c"}};

    EXPECT_EQ(repaint({}, frame), "\x1b[0m\x1b[2J\x1b[1;1H\x1b[0m\x1b[Ka\x1b[3;1H\x1b[0m\x1b[Kc");
    EXPECT_THAT(repaint(frame, {{.columns = 7, .rows = 3}, frame.lines}), HasSubstr("\x1b[2J"));
}

TEST(RepaintTest, WritesOnlyLinesThatDiffer) {
    const Frame before{small_screen, {"a", "b", "c"}};

    EXPECT_EQ(repaint(before, before), "");
    EXPECT_EQ(repaint(before, {small_screen, {"a", "x", "c"}}), "\x1b[2;1H\x1b[0m\x1b[Kx");
    EXPECT_EQ(repaint(before, {small_screen, {"a", "b"}}), "\x1b[3;1H\x1b[0m\x1b[K");
    EXPECT_EQ(
        repaint({small_screen, {"a"}}, before), "\x1b[2;1H\x1b[0m\x1b[Kb\x1b[3;1H\x1b[0m\x1b[Kc"
    );
}

TEST(RepaintTest, WritesNothingBesideOrBelowTheScreen) {
    const std::string out = repaint({}, {small_screen, {"123456789", "b", "c", "below"}});

    EXPECT_THAT(out, HasSubstr("12345…"));
    EXPECT_THAT(out, Not(HasSubstr("below")));
}

TEST(KeyReaderTest, KnowsLettersAndArrows) {
    KeyReader reader;

    EXPECT_THAT(
        reader.feed("q\x1b[A\x1bOB\r\x1b[5~\x1b[6~\x1b[H\x1b[4~\x03"),
        ElementsAre(
            Key{.letter = 'q'},
            Key{.kind = KeyKind::up},
            Key{.kind = KeyKind::down},
            Key{.kind = KeyKind::enter},
            Key{.kind = KeyKind::page_up},
            Key{.kind = KeyKind::page_down},
            Key{.kind = KeyKind::home},
            Key{.kind = KeyKind::end},
            Key{.letter = '\x03'}
        )
    );
}

TEST(KeyReaderTest, PutsPiecesOfASequenceTogether) {
    const std::string all = "a\x1b[6~b\x1b[Ac";
    const std::vector<Key> whole = KeyReader().feed(all);
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        KeyReader reader;
        std::vector<Key> keys = reader.feed(all.substr(0, cut));
        for (const Key& key : reader.feed(all.substr(cut)))
            keys.push_back(key);
        EXPECT_EQ(keys, whole) << cut;
    }
}

TEST(KeyReaderTest, TakesAnEscapeThatNothingFollowsForTheKey) {
    KeyReader reader;

    EXPECT_THAT(reader.feed("\x1b"), ElementsAre());
    EXPECT_TRUE(reader.waits());
    EXPECT_THAT(reader.rest(), ElementsAre(Key{.kind = KeyKind::escape}));
    EXPECT_FALSE(reader.waits());
}

TEST(KeyReaderTest, PassesOverSequencesThatItDoesNotKnow) {
    KeyReader reader;

    EXPECT_THAT(reader.feed("\x1b[1;5Cx"), ElementsAre(Key{.letter = 'x'}));
    EXPECT_THAT(reader.feed("\x1b[" + std::string(100, ';')).size(), testing::Gt(0U));
    EXPECT_THAT(
        KeyReader().feed("\x1bx"), ElementsAre(Key{.kind = KeyKind::escape}, Key{.letter = 'x'})
    );
}

}  // namespace
}  // namespace tranter::cli

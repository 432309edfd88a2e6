#include "postgres_jobs/list_place.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::postgres_jobs {
namespace {

const std::string some_id = "01a21d22-cb1f-7372-9f3f-9b8ad33bacc9";

TEST(ListPlaceTest, ReadsWhatItWrites) {
    for (const std::string& text :
         {"live/mail/" + some_id,
          std::string("live/mail/"),
          "letters/" + some_id,
          std::string("ended/7/-/-/-/-"),
          "ended/7/1764246000123456/" + some_id + "/-/-",
          "ended/7/-/-/1/" + some_id,
          "ended/7/2/" + some_id + "/1/" + some_id}) {
        const auto place = parse_place(text);
        ASSERT_TRUE(place) << text;
        EXPECT_EQ(format_place(*place), text);
    }
    EXPECT_EQ(parse_place("")->part, ListPart::live);
}

TEST(ListPlaceTest, RefusesWhatNoListHasGiven) {
    for (const std::string& text :
         {std::string("nonsense"),
          "live/mail/" + some_id + "/x",
          std::string("live/mail/no-uuid"),
          std::string("letters/"),
          std::string("ended/"),
          std::string("ended/-1/-/-/-/-"),
          std::string("ended/99999999999/-/-/-/-"),
          std::string("ended/7/-/-/-/x"),
          "ended/7/99999999999999999999/" + some_id + "/-/-",
          std::string("ended/7/1/';--/-/-")}) {
        const auto place = parse_place(text);
        ASSERT_FALSE(place) << text;
        EXPECT_EQ(place.error().code(), Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace tranter::postgres_jobs

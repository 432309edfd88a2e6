#include "postgres_jobs/search.hpp"

#include "history/query.hpp"
#include "postgres_jobs/maintenance.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using test::must;
using testing::ElementsAre;
using testing::IsEmpty;

SearchWord whole(std::string text) {
    return {.text = std::move(text)};
}
SearchWord begin(std::string text) {
    return {.text = std::move(text), .prefix = true};
}

TEST(SearchWordsTest, AreLettersAndDigitsInLowerCase) {
    EXPECT_THAT(
        words_of("Foo-bar_42", false), ElementsAre(whole("foo"), whole("bar"), whole("42"))
    );
    EXPECT_THAT(words_of("a inv", true), ElementsAre(whole("a"), begin("inv")));
    EXPECT_THAT(words_of("...", true), IsEmpty());
}

TEST(SearchWordsTest, SayNothingOfWordsWithOtherLetters) {
    EXPECT_THAT(words_of("café au lait", false), ElementsAre(whole("au"), whole("lait")));
    EXPECT_THAT(words_of("au café", true), ElementsAre(whole("au")));
}

TEST(SearchWordsTest, OfAFieldAreItsNamesAndItsValue) {
    EXPECT_THAT(
        words_of(history::ArgumentTerm{.path = {"user", "0", "id"}, .value = "a-1"}),
        ElementsAre(whole("user"), whole("id"), whole("a"), whole("1"))
    );
    EXPECT_THAT(
        words_of(history::ArgumentTerm{.path = {"n"}, .value = "1.50"}), ElementsAre(whole("n"))
    );
}

/// What a filter finds must not depend on where a job stands: waiting, finished just now, or in a
/// period that is indexed.
class SearchTest : public test::ProviderInDatabase {
  public:
    std::vector<std::string> list(const std::string& filter) {
        std::vector<std::string> ids;
        for (const JobRecord& record : must(provider().list({.filter = filter})).jobs)
            ids.push_back(record.id);
        return ids;
    }
    void index_all() {
        postgres::Pool pool(postgres::parse_target(url()).value(), "the store of jobs");
        database().run("UPDATE tranter.periods SET begun_at = begun_at - interval '90 days'");
        must(maintain(pool, MaintenanceTime::now));
        database().run("UPDATE tranter.periods SET ended_at = ended_at - interval '1 hour'");
        ASSERT_EQ(must(maintain(pool, MaintenanceTime::now)).indexed.size(), 1U);
    }
};

TEST_F(SearchTest, AJobWhoseOptionsCannotBeReadIsListedBesideTheOthers) {
    const std::string odd = enqueue(job("1"));
    const std::string good = enqueue(job("2", {.tags = {"a"}}));
    database().run(
        ("UPDATE tranter.jobs SET options = '{\"odd\": 1}', failures = '{' WHERE id = '" + odd + "'"
        )
            .c_str()
    );

    EXPECT_THAT(list(""), testing::UnorderedElementsAre(odd, good));
    EXPECT_EQ(must(provider().find(odd)).options, JobOptions{});
}

class SearchFilterTest : public SearchTest,
                         public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(SearchFilterTest, FindsTheSameWhereverAJobStands) {
    const auto& [payload, filter] = GetParam();
    NewJob one = job(payload, {.group = "it's \\ a \"group\"", .tags = {"a\\b", "o'clock"}});
    one.type = "mail:send";
    const std::string id = enqueue(one);
    enqueue(job("\"something else\""));

    EXPECT_THAT(list(filter), ElementsAre(id)) << "waiting";

    for (const ReceivedJob& got : receive(2))
        must(settle(got, Completed{}));
    EXPECT_THAT(list(filter), ElementsAre(id)) << "finished";

    index_all();
    EXPECT_THAT(list(filter), ElementsAre(id)) << "indexed";
}

INSTANTIATE_TEST_SUITE_P(
    Filters,
    SearchFilterTest,
    testing::Values(
        std::pair{R"({"text":"Invoice OVERDUE"})", "invoice"},
        std::pair{R"({"text":"Invoice overdue"})", "\"invoice overdue\""},
        std::pair{R"({"text":"invoice"})", "inv*"},
        std::pair{R"({"text":"a\nnewline"})", "newline"},
        std::pair{R"({"text":"C:\\new"})", "new"},
        std::pair{R"({"text":"\u0069nvoice"})", "invoice"},
        std::pair{R"({"text":"Café"})", "cafe"},
        std::pair{R"({"text":"ЗАКАЗ"})", "заказ"},
        std::pair{R"({"text":"ÜBERFÄLLIG"})", "uberfallig"},
        std::pair{R"({"n":4200000000000})", "args.n:4200000000000"},
        std::pair{R"({"n":1.50})", "args.n:1.5"},
        std::pair{R"({"n":-5})", "args.n:-5"},
        std::pair{R"({"list":[{"id":"x"}]})", "args.list.0.id:x"},
        std::pair{R"({"it's":"'; DROP TABLE tranter.jobs; --"})", "drop table"},
        std::pair{"1", "type:mail:send"},
        std::pair{"1", "group:\"it's \\\\ a \\\"group\\\"\""},
        std::pair{"1", "tag:a\\b"},
        std::pair{"1", "tag:o'clock"},
        std::pair{"1", "type:mail:send tag:o'clock tag:a\\b"}
    )
);

TEST_F(SearchTest, FindsWordsOfALog) {
    const std::string id = enqueue(job("1"));
    const ReceivedJob got = take();
    const std::vector<std::string> lines{"sending", "Connection refused by smtp.example.com"};
    must(provider().append_log("q", got.receipt, lines));
    EXPECT_THAT(list("\"connection refused\""), ElementsAre(id));
    EXPECT_THAT(list("\"refused connection\""), IsEmpty());
    EXPECT_THAT(list("error:connection"), IsEmpty());

    must(settle(got, Completed{}));

    EXPECT_THAT(list("example smtp"), ElementsAre(id));
    index_all();
    EXPECT_THAT(list("\"connection refused\""), ElementsAre(id));
    EXPECT_THAT(list("nothing"), IsEmpty());
}

TEST_F(SearchTest, AWordThatIsLongerThanTheIndexKeepsIsFound) {
    const std::string word(300, 'w');
    const std::string id = enqueue(job("\"" + word + "\""));
    must(settle(take(), Completed{}));
    index_all();

    EXPECT_THAT(list(word), ElementsAre(id));
    EXPECT_THAT(list(word + "w"), IsEmpty());
}

TEST_F(SearchTest, APayloadThatIsTooLongForTheIndexIsFound) {
    std::string text;
    for (int i = 0; i < 80'000; ++i)
        text += fmt::format("w{} ", i);
    const std::string id = enqueue(job("\"" + text + "\""));
    must(settle(take(), Completed{}));
    index_all();

    EXPECT_THAT(list("w79999"), ElementsAre(id));
}

}  // namespace
}  // namespace tranter::postgres_jobs

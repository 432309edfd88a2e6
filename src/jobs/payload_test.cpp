#include "jobs/test_payload.hpp"

#include <tranter/payload.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace tranter::jobs {
namespace {

using namespace std::chrono_literals;

/// Values that lie at the edges as often as anywhere else.
class RandomValues {
  public:
    explicit RandomValues(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    template <class T>
    T integer() {
        using Limits = std::numeric_limits<T>;
        constexpr std::array<T, 4> edges{Limits::min(), Limits::max(), 0, 1};
        return below(4) == 0 ? edges[below(4)] : static_cast<T>(engine_());
    }
    template <class Float, class Bits>
    Float real() {
        while (true) {
            const auto value = std::bit_cast<Float>(integer<Bits>());
            if (std::isfinite(value)) return value;
        }
    }
    std::string text() {
        constexpr std::array<std::string_view, 12> parts{
            "a",
            "B7",
            "\"",
            "\\",
            "\n",
            std::string_view("\0", 1),
            "\x1f",
            "ä",
            "€",
            "\U0001F600",
            "/",
            "{}[],:"};
        std::string out;
        for (std::uint64_t left = below(20); left > 0; --left)
            out += parts[below(parts.size())];
        return out;
    }
    template <class T, class Make>
    T several(Make make) {
        T out;
        for (std::uint64_t left = below(4); left > 0; --left)
            out.insert(out.end(), make());
        return out;
    }
    Address address() {
        Address out{.street = text()};
        if (below(2) == 0) out.number = integer<std::uint16_t>();
        return out;
    }
    Tree tree(int depth) {
        Tree out{.value = integer<std::int32_t>()};
        if (depth == 0) return out;
        out.children = several<std::vector<Tree>>([&] { return tree(depth - 1); });
        return out;
    }
    std::byte byte() { return static_cast<std::byte>(below(256)); }

  private:
    std::mt19937_64 engine_;
};

void fill_scalars(RandomValues& random, Everything& out) {
    constexpr std::array<Color, 4> colors{Color::red, Color::blue, Color::far, Color(128)};
    out.flag = random.below(2) == 0;
    out.i8 = random.integer<std::int8_t>();
    out.u8 = random.integer<std::uint8_t>();
    out.i16 = random.integer<std::int16_t>();
    out.u16 = random.integer<std::uint16_t>();
    out.i32 = random.integer<std::int32_t>();
    out.u32 = random.integer<std::uint32_t>();
    out.i64 = random.integer<std::int64_t>();
    out.u64 = random.integer<std::uint64_t>();
    out.real32 = random.real<float, std::uint32_t>();
    out.real64 = random.real<double, std::uint64_t>();
    out.text = random.text();
    out.color = colors[random.below(colors.size())];
    out.user = UserId(random.integer<std::uint64_t>());
    out.weekday = random.below(2) == 0 ? holiday : tuesday;
    if (random.below(2) == 0) out.note = random.text();
    if (random.below(2) == 0) out.limit.reset();
    out.rest = std::chrono::seconds(random.below(std::uint64_t{1} << 43));
    out.when = std::chrono::sys_time<std::chrono::nanoseconds>(
        std::chrono::nanoseconds(random.integer<std::int64_t>())
    );
}

Everything random_everything(std::uint64_t seed) {
    RandomValues random(seed);
    Everything out;
    const auto text = [&] {
        return random.text();
    };
    const auto vote = [&]() -> std::optional<bool> {
        if (random.below(3) == 0) return std::nullopt;
        return random.below(2) == 0;
    };
    fill_scalars(random, out);
    out.address = random.address();
    out.tree = random.tree(3);
    out.addresses = random.several<std::vector<Address>>([&] { return random.address(); });
    out.votes = random.several<std::vector<std::optional<bool>>>(vote);
    out.words = random.several<std::deque<std::string>>(text);
    out.triple = {random.integer<std::int32_t>(), 2, 3};
    out.pair = {random.text(), random.real<double, std::uint64_t>()};
    std::get<1>(out.tuple) =
        random.several<std::list<std::int32_t>>([&] { return random.integer<std::int32_t>(); });
    for (std::uint64_t left = random.below(4); left > 0; --left)
        out.counts[random.text()] = random.integer<std::int64_t>();
    for (std::uint64_t left = random.below(4); left > 0; --left)
        out.names[random.integer<std::int16_t>()] = random.text();
    out.bytes = random.several<std::vector<std::byte>>([&] { return random.byte(); });
    out.mark = {random.byte(), random.byte()};
    out.any = *Json::parse(*to_json(random.address()));
    return out;
}

TEST(PayloadTest, WritesFieldsByNameInOrder) {
    const Address address{.street = "Main \"St\"", .number = 7};

    EXPECT_EQ(*to_json(address), R"({"street":"Main \"St\"","number":7})");
}

TEST(PayloadTest, WritesEveryTypeAsDocumented) {
    Everything value;
    value.names = {{3, "c"}, {-1, "a"}};
    value.votes = {true, std::nullopt};
    value.when += 1500ms;
    value.bytes.resize(2);
    value.any = *Json::parse(" { \"a\" : [1.0, 123456789012345678901] } ");

    EXPECT_EQ(
        *to_json(value),
        R"({"flag":true,"i8":-8,"u8":8,"i16":0,"u16":0,"i32":0,"u32":0,"i64":0,)"
        R"("u64":18446744073709551615,"real32":0.1,"real64":1e+300,"text":"plain",)"
        R"("color":"green","user":0,"weekday":"monday","limit":5,"address":{"street":""},)"
        R"("tree":{"value":0,"children":[]},"addresses":[],"votes":[true,null],"words":[],)"
        R"("triple":[0,0,0],"pair":["",0],"tuple":[false,[]],"counts":{},)"
        R"("names":{"-1":"a","3":"c"},"rest":"90s","when":"1970-01-01T00:00:01.500Z",)"
        R"("bytes":"AAA=","mark":"AAA=","any":{"a":[1.0,123456789012345678901]}})"
    );
}

TEST(PayloadTest, ReadsBackWhatItWrote) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        const Everything value = random_everything(seed);

        const auto text = to_json(value);
        ASSERT_TRUE(text) << seed << ' ' << text.error().message();
        const auto again = from_json<Everything>(*text);

        ASSERT_TRUE(again) << seed << ' ' << again.error().message() << '\n' << *text;
        ASSERT_EQ(*again, value) << seed << '\n' << *text;
    }
}

TEST(PayloadTest, IgnoresUnknownFieldsAndKeepsDefaultsOfMissingOnes) {
    const auto value = from_json<Everything>(
        R"({"later":{"deep":[1,{"x":"\u00e4"}]},"i32":7,"other":null,"text":"\ud83d\ude00"})"
    );

    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ(value->i32, 7);
    EXPECT_EQ(value->text, "\U0001F600");
    EXPECT_EQ(value->i8, -8);
    EXPECT_EQ(value->limit, 5);
    EXPECT_TRUE(from_json<Everything>(" {} "));
}

TEST(PayloadTest, AnOptionalThatIsFullByDefaultIsWrittenAsNullWhenEmpty) {
    Everything value;
    value.limit.reset();

    const std::string text = *to_json(value);

    EXPECT_NE(text.find(R"("limit":null)"), std::string::npos);
    EXPECT_EQ(text.find("note"), std::string::npos);
    EXPECT_EQ(from_json<Everything>(text)->limit, std::nullopt);
}

TEST(PayloadTest, ValuesNeedNoStructAroundThem) {
    EXPECT_EQ(*to_json(std::string_view("x")), "\"x\"");
    EXPECT_EQ(*from_json<int>(" -5 "), -5);
    EXPECT_EQ(*from_json<std::vector<int>>("[1 , 2]"), (std::vector{1, 2}));
    EXPECT_EQ(from_json<std::optional<int>>("null")->has_value(), false);
    EXPECT_EQ(*from_json<double>("-0"), 0);
    EXPECT_TRUE(std::signbit(*from_json<double>("-0.0")));
    EXPECT_EQ(*from_json<std::uint8_t>("-0"), 0);
}

TEST(PayloadTest, ReadsTimesWithAnyOffsetAndDurationsInAnyUnit) {
    using std::chrono::sys_seconds;
    const std::map<std::string, std::int64_t> times{
        {R"("1970-01-01T00:00:00Z")", 0},
        {R"("1970-01-01t01:00:00+01:00")", 0},
        {R"("1969-12-31T23:59:59.000z")", -1},
        {R"("2000-02-29T12:00:00-00:30")", 951827400},
        {R"("0000-01-01T00:00:00Z")", -62167219200},
        {R"("9999-12-31T23:59:59Z")", 253402300799}};
    for (const auto& [text, seconds] : times) {
        const auto read = from_json<sys_seconds>(text);
        ASSERT_TRUE(read) << read.error().message();
        EXPECT_EQ(read->time_since_epoch().count(), seconds) << text;
    }
    EXPECT_EQ(*to_json(sys_seconds(951827400s)), R"("2000-02-29T12:30:00Z")");
    EXPECT_EQ(*to_json(std::chrono::sys_days(std::chrono::days(1))), R"("1970-01-02T00:00:00Z")");
    EXPECT_EQ(*from_json<std::chrono::minutes>(R"("1.5 h")"), 90min);
    EXPECT_EQ(*from_json<std::chrono::nanoseconds>(R"("5us")"), 5000ns);
    EXPECT_EQ(*to_json(std::chrono::hours(48)), R"("2d")");
}

struct WrongInput {
    std::string_view json;
    std::string_view error;
};

class WrongInputTest : public testing::TestWithParam<WrongInput> {};

TEST_P(WrongInputTest, IsRefusedWithPathAndValue) {
    const auto value = from_json<Everything>(GetParam().json);

    ASSERT_FALSE(value) << GetParam().json;
    EXPECT_EQ(value.error().message(), GetParam().error);
    EXPECT_EQ(value.error().code(), Errc::invalid_argument);
}

// Each list of colors stops before `far`, whose value is out of reach.
INSTANTIATE_TEST_SUITE_P(
    Types,
    WrongInputTest,
    testing::ValuesIn(std::vector<WrongInput>{
        {R"({"i32":"abc"})", R"($.i32: expected integer, got "abc")"},
        {R"({"i32":null})", "$.i32: expected integer, got null"},
        {R"({"i32":[1]})", "$.i32: expected integer, got an array"},
        {R"({"i32":1.0})", "$.i32: expected integer, got 1.0"},
        {R"({"i32":1e3})", "$.i32: expected integer, got 1e3"},
        {R"({"i8":128})", "$.i8: expected integer from -128 to 127, got 128"},
        {R"({"u8":-1})", "$.u8: expected integer from 0 to 255, got -1"},
        {R"({"u64":18446744073709551616})",
         "$.u64: expected integer from 0 to 18446744073709551615, got 18446744073709551616"},
        {R"({"i64":-9223372036854775809})",
         "$.i64: expected integer from -9223372036854775808 to 9223372036854775807, got "
         "-9223372036854775809"},
        {R"({"flag":1})", "$.flag: expected true or false, got 1"},
        {R"({"real64":"1"})", R"($.real64: expected number, got "1")"},
        {R"({"real64":1e999})", "$.real64: expected number that fits into double, got 1e999"},
        {R"({"real32":1e39})", "$.real32: expected number that fits into float, got 1e39"},
        {R"({"text":true})", "$.text: expected string, got true"},
        {R"({"text":{}})", "$.text: expected string, got an object"},
        {R"({"color":"gren"})",
         R"($.color: expected one of red, green, blue, got "gren" (did you mean green?))"},
        {R"({"color":7})", "$.color: expected one of red, green, blue, got 7"},
        {R"({"color":256})", "$.color: expected integer from 0 to 255, got 256"},
        {R"({"color":[]})", "$.color: expected one of red, green, blue, got an array"},
        {R"({"weekday":"holiday"})",
         R"($.weekday: expected one of monday, tuesday, got "holiday")"},
        {R"({"user":"x"})", R"($.user: expected integer, got "x")"},
        {R"({"note":5})", "$.note: expected string, got 5"},
        {R"({"address":[]})", "$.address: expected an object, got an array"},
        {R"({"addresses":[{},{"number":-1}]})",
         "$.addresses[1].number: expected integer from 0 to 65535, got -1"},
        {R"({"addresses":"x"})", R"($.addresses: expected an array, got "x")"},
        {R"({"triple":[1,2]})", "$.triple: expected an array of 3, got 2"},
        {R"({"triple":[1,2,3,4]})", "$.triple: expected an array of 3, got more"},
        {R"({"pair":["x"]})", "$.pair: expected an array of 2, got 1"},
        {R"({"tuple":[true,[1,"x"]]})", R"($.tuple[1][1]: expected integer, got "x")"},
        {R"({"counts":{"a b":null}})", R"($.counts["a b"]: expected integer, got null)"},
        {R"({"names":{"01":""}})",
         R"($.names.01: expected integer from -32768 to 32767 as the key of this member)"},
        {R"({"rest":90})", R"($.rest: expected a duration like "30s", got 90)"},
        {R"({"rest":"90"})", R"($.rest: "90" has no unit, write a duration like "30s")"},
        {R"({"rest":"1500ms"})",
         R"($.rest: "1500ms" is no multiple of 1 s, the unit of this field)"},
        {R"({"when":0})", R"($.when: expected a time like "2026-11-03T04:05:06Z", got 0)"},
        {R"({"when":"2026-02-30T00:00:00Z"})",
         R"($.when: "2026-02-30T00:00:00Z" is not a time, write one like "2026-11-03T04:05:06Z")"},
        {R"({"when":"2026-11-03T04:05:06"})",
         R"($.when: "2026-11-03T04:05:06" is not a time, write one like "2026-11-03T04:05:06Z")"},
        {R"({"when":"2300-01-01T00:00:00Z"})",
         R"($.when: "2300-01-01T00:00:00Z" does not fit into this field)"},
        {R"({"bytes":"AAA"})", R"($.bytes: expected base64, got "AAA")"},
        {R"({"mark":"AAAA"})", "$.mark: expected 2 bytes in base64, got 3"},
        {R"([1])", "$: expected an object, got an array"},
        {R"("x")", R"($: expected an object, got "x")"},
    })
);

INSTANTIATE_TEST_SUITE_P(
    Syntax,
    WrongInputTest,
    testing::ValuesIn(std::vector<WrongInput>{
        {"", "$: not JSON at byte 0: it ends where a value should be"},
        {"{", "$: not JSON at byte 1: a key is missing"},
        {"{} x", "$: not JSON at byte 3: something follows the value"},
        {"{\"i32\":1,}", "$: not JSON at byte 9: a key is missing"},
        {"{\"i32\":1 \"u8\":2}", "$: not JSON at byte 9: a comma or } is missing"},
        {"{\"i32\" 1}", "$: not JSON at byte 7: a colon is missing"},
        {"{\"i32\":01}", "$.i32: not JSON at byte 9: a number begins with 0"},
        {"{\"x\":[1,]}", "$.x[1]: not JSON at byte 8: no value"},
        {"{\"x\":[1}", "$.x: not JSON at byte 7: a comma or ] is missing"},
        {"{\"x\":-}", "$.x: not JSON at byte 6: a digit is missing"},
        {"{\"x\":1.}", "$.x: not JSON at byte 7: a digit is missing"},
        {"{\"x\":nul}", "$.x: not JSON at byte 5: no value"},
        {"{\"x\":\"\\q\"}", "$.x: not JSON at byte 8: an unknown escape in a string"},
        {"{\"x\":\"\\u12g4\"}", "$.x: not JSON at byte 8: no four hexadecimal digits after \\u"},
        {"{\"x\":\"\\ud800\"}", "$.x: not JSON at byte 12: half of a surrogate pair in a string"},
        {"{\"x\":\"\\udc00\"}", "$.x: not JSON at byte 12: half of a surrogate pair in a string"},
        {"{\"x\":\"\n\"}", "$.x: not JSON at byte 6: a control character in a string"},
        {"{\"x\":\"abc", "$.x: not JSON at byte 9: a string without an end"},
        {"{\"x\":\"\xff\"}", "$: not JSON: it is not UTF-8"},
        {R"({"i32":1,"u8":2,"i32":1})", "$.i32: is there twice"},
        {R"({"x":1,"\u0078":2})", "$.x: is there twice"},
        {R"({"counts":{"":1,"":2}})", R"($.counts[""]: is there twice)"},
        {R"({"any":{"a":{"b":1,"b":1}}})", "$.any.a.b: is there twice"},
    })
);

TEST(PayloadTest, AnOffendingValueIsShownInPart) {
    const std::string json = R"({"i32":")" + std::string(1000, 'x') + "\"}";

    const auto value = from_json<Everything>(json);

    EXPECT_EQ(
        value.error().message(), "$.i32: expected integer, got \"" + std::string(63, 'x') + "..."
    );
}

TEST(PayloadTest, ReadsAndWritesSixtyFourLevelsAndNoMore) {
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    struct Holder {
        Json any{};
    };

    EXPECT_EQ(Json::parse(nested(64))->depth(), 64);
    EXPECT_FALSE(Json::parse(nested(65)));
    EXPECT_TRUE(to_json(Holder{*Json::parse(nested(63))}));
    EXPECT_FALSE(to_json(Holder{*Json::parse(nested(64))}));
    EXPECT_TRUE(from_json<Holder>(R"({"any":)" + nested(63) + "}"));
    EXPECT_FALSE(from_json<Holder>(R"({"any":)" + nested(64) + "}"));
    EXPECT_FALSE(Json::parse(std::string(100000, '[')));

    Tree tree;
    for (int level = 0; level < 31; ++level) {
        Tree parent;
        parent.children.push_back(std::move(tree));
        tree = std::move(parent);
    }
    EXPECT_EQ(*from_json<Tree>(*to_json(tree)), tree);
    Tree root;
    root.children.push_back(tree);
    EXPECT_TRUE(
        to_json(root).error().message().ends_with(": nested deeper than 64 arrays and objects")
    ) << to_json(root).error().message();
}

TEST(PayloadTest, RefusesToWriteWhatCouldNotBeReadAgain) {
    const auto error = [](auto change) {
        Everything value;
        change(value);
        const auto text = to_json(value);
        return text ? "was written" : text.error().message();
    };

    EXPECT_EQ(
        error([](Everything& v) {
            v.addresses = {{}, {"\xff"}};
        }),
        "$.addresses[1].street: text is not UTF-8; for bytes there is std::vector<std::byte>"
    );
    EXPECT_EQ(
        error([](Everything& v) { v.real64 = std::nan(""); }), "$.real64: nan is no number in JSON"
    );
    EXPECT_EQ(
        error([](Everything& v) { v.real32 = -INFINITY; }), "$.real32: -inf is no number in JSON"
    );
    EXPECT_EQ(
        error([](Everything& v) { v.color = Color(7); }), "$.color: 7 is no enumerator of its type"
    );
    EXPECT_EQ(
        error([](Everything& v) { v.rest = -1s; }),
        "$.rest: a duration below zero cannot be written"
    );
    EXPECT_EQ(
        error([](Everything& v) { v.rest = std::chrono::seconds::max(); }),
        "$.rest: the duration is too large to be written"
    );
    EXPECT_EQ(error([](Everything& v) { v.counts["\xff"] = 1; }), "$.counts: a key is not UTF-8");
    EXPECT_EQ(
        to_json(std::chrono::nanoseconds(1)).error().message(),
        "$: a duration of 1 ns cannot be written: it ends at microseconds"
    );
    EXPECT_EQ(
        to_json(std::chrono::sys_seconds::max()).error().message(),
        "$: a time outside of the years 0 to 9999 cannot be written"
    );
}

TEST(PayloadTest, AFieldOfJsonKeepsTheDigits) {
    const auto json = Json::parse("  {\"a\" : [ 1.10 , 1E2,\"x \\\" y\" ] }\n");

    ASSERT_TRUE(json);
    EXPECT_EQ(json->text(), R"({"a":[1.10,1E2,"x \" y"]})");
    EXPECT_EQ(json->depth(), 2);
    EXPECT_EQ(Json().text(), "null");
    EXPECT_FALSE(Json::parse("{'a':1}"));
}

}  // namespace
}  // namespace tranter::jobs

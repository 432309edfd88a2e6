#include "sqs/json_input.hpp"

#include "http/message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::sqs {
namespace {

/// Parses and calls `use`; the outcome is the parser's or the input's own failure.
Outcome<> read(
    std::string body, const std::function<void(Input&)>& use = [](Input&) {}
) {
    const std::size_t bytes = body.size();
    body.append(http::body_padding_bytes, 'x');
    JsonDocument document(std::string_view(body).substr(0, bytes));
    if (document.failure()) return Failed(*document.failure());
    use(document.input());
    if (document.input().failure()) return Failed(*document.input().failure());
    return {};
}

Code code_of(const Outcome<>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Code::internal_failure : outcome.error().code;
}

TEST(JsonInputTest, ReadsTextsNumbersListsAndMaps) {
    const Outcome<> outcome = read(
        R"({"A":"x\u00e9","N":7,"S":"8","L":["a","b"],"M":{"k":"v"},"Nothing":null})",
        [](Input& input) {
            EXPECT_EQ(input.text("A"), "x\u00e9");
            EXPECT_EQ(input.integer("N")->value, 7);
            EXPECT_EQ(input.integer("S")->value, 8);
            EXPECT_EQ(input.list({"L", ""}).size(), 2U);
            EXPECT_EQ(input.map({"M", ""}).at(0).value, "v");
            EXPECT_FALSE(input.text("Nothing"));
            EXPECT_FALSE(input.integer("Absent"));
            EXPECT_TRUE(input.list({"Absent", ""}).empty());
        }
    );
    EXPECT_TRUE(outcome);
}

TEST(JsonInputTest, CountsTheEntriesThatItDoesNotLookAt) {
    const Outcome<> outcome = read(R"({"E":[{"Id":"a"},{"Id":"b"},{"Id":7},8]})", [](Input& input) {
        std::string ids;
        const std::size_t count =
            input.entries({"E", ""}, 2, [&](Input& entry) { ids += *entry.text("Id"); });
        EXPECT_EQ(ids, "ab");
        EXPECT_EQ(count, 4U);
    });
    EXPECT_TRUE(outcome);
}

TEST(JsonInputTest, RefusesMoreItemsThanAnybodyNeeds) {
    std::string members = R"({"A":{"0":{})";
    std::string list = R"({"L":["")";
    for (std::size_t i = 1; i <= items_max; ++i) {
        members += ",\"" + std::to_string(i) + "\":{}";
        list += R"(,"")";
    }

    const Outcome<> attributes = read(members + "}}", [](Input& input) {
        EXPECT_LE(input.attributes({"A", ""}).size(), items_max);
    });
    EXPECT_EQ(code_of(attributes), Code::serialization);
    const Outcome<> texts = read(list + "]}", [](Input& input) {
        EXPECT_TRUE(input.list({"L", ""}).empty());
    });
    EXPECT_EQ(code_of(texts), Code::serialization);
}

TEST(JsonInputTest, ReadsAttributesAndEntries) {
    const Outcome<> outcome = read(
        R"({"E":[{"Id":"a","MessageAttributes":{"n":{"DataType":"String","StringValue":"v"}}},
                 {"Id":"b"}]})",
        [](Input& input) {
            std::string ids;
            input.entries({"E", ""}, 10, [&](Input& entry) {
                ids += *entry.text("Id");
                for (const AttributeInput& attribute :
                     entry.attributes({"MessageAttributes", ""})) {
                    EXPECT_EQ(attribute.name, "n");
                    EXPECT_EQ(attribute.type, "String");
                    EXPECT_EQ(attribute.string_value, "v");
                    EXPECT_FALSE(attribute.binary_value);
                    EXPECT_FALSE(attribute.has_list);
                }
            });
            EXPECT_EQ(ids, "ab");
        }
    );
    EXPECT_TRUE(outcome);
}

TEST(JsonInputTest, ReadsMoreMembersThanFitTheSmallArray) {
    std::string body = "{";
    for (int i = 0; i < 50; ++i)
        body += "\"m" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    body += "\"last\":1}";
    EXPECT_TRUE(read(body, [](Input& input) {
        EXPECT_EQ(input.integer("m0")->value, 0);
        EXPECT_EQ(input.integer("m49")->value, 49);
    }));
}

TEST(JsonInputTest, NumbersThatAreNotWholeAreSaidToBeInvalid) {
    EXPECT_TRUE(read(R"({"F":0.5,"U":18446744073709551615,"T":"5x","E":""})", [](Input& input) {
        EXPECT_FALSE(input.integer("F")->valid);
        EXPECT_EQ(input.integer("F")->shown(), "0.5");
        EXPECT_FALSE(input.integer("U")->valid);
        EXPECT_FALSE(input.integer("T")->valid);
        EXPECT_EQ(input.integer("T")->shown(), "5x");
        EXPECT_FALSE(input.integer("E")->valid);
    }));
}

TEST(JsonInputTest, RefusesWhatIsNotOneObject) {
    const std::string documents[] = {
        "",
        "hello",
        "[1,2,3]",
        "null",
        "{\"a\":\"x",
        "{} {}",
        "{\"a\":1,}",
        "{/*c*/\"a\":1}",
        "{\"a\":1e400}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":" + std::string(100000, '9') + "}",
        "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}",
    };
    for (const std::string& document : documents) {
        EXPECT_EQ(code_of(read(document)), Code::serialization) << document.substr(0, 40);
    }
}

TEST(JsonInputTest, NestingIsLimitedTo64Levels) {
    const auto nested = [](int levels) {
        return "{\"a\":" + std::string(levels, '[') + std::string(levels, ']') + "}";
    };
    EXPECT_TRUE(read(nested(60)));
    EXPECT_EQ(code_of(read(nested(70))), Code::serialization);
}

TEST(JsonInputTest, MembersThatOccurTwiceAreRefusedAtEveryLevel) {
    EXPECT_EQ(code_of(read(R"({"a":1,"a":2})")), Code::serialization);
    EXPECT_EQ(code_of(read(R"({"a":1,"\u0061":2})")), Code::serialization);
    std::string many = "{";
    for (int i = 0; i < 20; ++i)
        many += "\"m" + std::to_string(i) + "\":1,";
    EXPECT_EQ(code_of(read(many + "\"m3\":1}")), Code::serialization);
    const auto map = [](Input& input) {
        (void)input.map({"M", ""});
    };
    EXPECT_EQ(code_of(read(R"({"M":{"k":"1","k":"2"}})", map)), Code::serialization);
    const auto attributes = [](Input& input) {
        (void)input.attributes({"M", ""});
    };
    EXPECT_EQ(
        code_of(read(R"({"M":{"k":{"DataType":"a","DataType":"b"}}})", attributes)),
        Code::serialization
    );
}

TEST(JsonInputTest, MembersOfAnotherTypeAreRefused) {
    const auto text = [](Input& input) {
        (void)input.text("A");
    };
    const auto integer = [](Input& input) {
        (void)input.integer("A");
    };
    const auto list = [](Input& input) {
        (void)input.list({"A", ""});
    };
    const auto map = [](Input& input) {
        (void)input.map({"A", ""});
    };
    const auto attributes = [](Input& input) {
        (void)input.attributes({"A", ""});
    };
    const auto entries = [](Input& input) {
        input.entries({"A", ""}, 10, [](Input&) {});
    };
    for (const char* value : {"true", "[1]", "{\"a\":1}"}) {
        const std::string body = "{\"A\":" + std::string(value) + "}";
        EXPECT_EQ(code_of(read(body, text)), Code::serialization) << value;
        EXPECT_EQ(code_of(read(body, integer)), Code::serialization) << value;
        EXPECT_EQ(code_of(read(body, list)), Code::serialization) << value;
        EXPECT_EQ(code_of(read(body, map)), Code::serialization) << value;
        EXPECT_EQ(code_of(read(body, attributes)), Code::serialization) << value;
        EXPECT_EQ(code_of(read(body, entries)), Code::serialization) << value;
    }
}

TEST(JsonInputTest, HalfOfASurrogatePairIsAnIllegalCharacter) {
    for (const char* text :
         {R"(\ud800)", R"(\udc00)", R"(\ud800x)", R"(\ud800\ud800)", R"(\\\ud83d)"}) {
        const std::string body = "{\"A\":\"" + std::string(text) + "\"}";
        EXPECT_EQ(code_of(read(body)), Code::invalid_message_contents) << body;
    }
    EXPECT_TRUE(read(R"({"A":"\ud83d\ude00 \\ud800"})", [](Input& input) {
        EXPECT_EQ(input.text("A"), "\U0001F600 \\ud800");
    }));
}

TEST(JsonInputTest, AByteOrderMarkIsSkipped) {
    EXPECT_TRUE(read("\xef\xbb\xbf{\"A\":\"x\"}", [](Input& input) {
        EXPECT_EQ(input.text("A"), "x");
    }));
}

}  // namespace
}  // namespace tranter::sqs

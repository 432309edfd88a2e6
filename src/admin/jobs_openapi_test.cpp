#include "admin/jobs_route.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <set>
#include <string>
#include <string_view>

namespace tranter::admin {
namespace {

namespace dom = simdjson::dom;

class OpenApiTest : public testing::Test {
  public:
    /// Every `$ref` in it.
    static void collect_references(const dom::element& element, std::set<std::string>& out) {
        dom::object object;
        dom::array array;
        if (element.get(object) == simdjson::SUCCESS) {
            for (const auto& [key, value] : object) {
                std::string_view target;
                if (key == "$ref" && value.get(target) == simdjson::SUCCESS) out.emplace(target);
                collect_references(value, out);
            }
        } else if (element.get(array) == simdjson::SUCCESS) {
            for (const dom::element each : array)
                collect_references(each, out);
        }
    }

    dom::element schema(std::string_view name) {
        return document["components"]["schemas"][name].value();
    }
    std::set<std::string> required(std::string_view name) {
        std::set<std::string> out;
        dom::array names;
        if (schema(name)["required"].get(names) != simdjson::SUCCESS) return out;
        for (const dom::element each : names)
            out.emplace(each.get_string().value());
        return out;
    }

    dom::parser parser;
    dom::element document = parser.parse(simdjson::padded_string(openapi_document("1.2.3")));
};

TEST_F(OpenApiTest, HasEveryRouteAndNoOther) {
    std::size_t operations = 0;
    for (const auto& [path, methods] : dom::object(document["paths"])) {
        operations += dom::object(methods).size();
    }

    EXPECT_EQ(operations, job_routes().size());
    for (const JobRoute& route : job_routes()) {
        std::string method(route.method);
        for (char& c : method)
            c = static_cast<char>(c + ('a' - 'A'));
        const dom::element operation = document["paths"][route.path][method].value();
        EXPECT_EQ(std::string_view(operation["operationId"]), route.operation);
        EXPECT_EQ(operation["requestBody"].error() == simdjson::SUCCESS, route.request != nullptr)
            << route.operation;
    }
}

TEST_F(OpenApiTest, NamesOfOperationsAreDistinct) {
    std::set<std::string_view> names;
    for (const JobRoute& route : job_routes())
        EXPECT_TRUE(names.insert(route.operation).second) << route.operation;
}

TEST_F(OpenApiTest, EveryReferenceLeadsSomewhere) {
    std::set<std::string> references;
    collect_references(document, references);

    EXPECT_FALSE(references.empty());
    for (const std::string& reference : references) {
        const std::string_view name = std::string_view(reference).substr(reference.rfind('/') + 1);
        EXPECT_EQ(document["components"]["schemas"][name].error(), simdjson::SUCCESS) << reference;
    }
}

TEST_F(OpenApiTest, SaysWhatHasToBeThere) {
    EXPECT_THAT(required("NewJob"), testing::ElementsAre("type"));
    EXPECT_THAT(required("Settlement"), testing::ElementsAre("outcome", "receipt"));
    EXPECT_THAT(required("RetryPolicy"), testing::IsEmpty());
    EXPECT_THAT(required("JobRecord"), testing::Contains("state"));
    EXPECT_THAT(required("JobRecord"), testing::Not(testing::Contains("finished_at")));
    EXPECT_FALSE(bool(schema("NewJob")["additionalProperties"]));
}

TEST_F(OpenApiTest, SaysWhatIsMeantByALeftOutMember) {
    const auto description = [&](std::string_view type, std::string_view member) {
        return std::string_view(schema(type)["properties"][member]["description"]);
    };

    EXPECT_TRUE(description("RetryPolicy", "base").ends_with(" Default: \"2s\""));
    EXPECT_EQ(description("ReceiveRequest", "jobs_max"), "Default: 1");
    // Generators of clients would take this for a promise that the member is there.
    EXPECT_EQ(
        schema("RetryPolicy")["properties"]["base"]["default"].error(), simdjson::NO_SUCH_FIELD
    );
}

TEST_F(OpenApiTest, EveryMethodAndPathIsMatched) {
    for (const JobRoute& route : job_routes()) {
        std::string path(route.path);
        for (const std::string_view name : {"{queue}", "{id}", "{name}"}) {
            const std::size_t at = path.find(name);
            if (at != std::string::npos) path.replace(at, name.size(), "a%20b");
        }

        const auto call = match_route(route.method, path);

        ASSERT_TRUE(call.has_value()) << route.operation;
        EXPECT_EQ(call->route, &route);
        EXPECT_EQ(call->queue + call->id, path == route.path ? "" : "a b");
    }
}

}  // namespace
}  // namespace tranter::admin

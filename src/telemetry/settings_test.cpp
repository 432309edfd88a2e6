#include "telemetry/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

namespace tranter::telemetry {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Variables = std::map<std::string, std::string, std::less<>>;

std::optional<Settings> read(const Variables& variables) {
    return read_settings([&](const char* name) -> const char* {
        const auto found = variables.find(std::string_view(name));
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

Settings read_with(Variables variables) {
    variables.emplace("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    return read(variables).value_or(Settings{.url = "off"});
}

TEST(TelemetrySettingsTest, AreOffWithoutAnEndpoint) {
    EXPECT_FALSE(read({}));
    EXPECT_FALSE(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "  "}}));
    EXPECT_FALSE(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"}}));
    EXPECT_EQ(read_with({{"OTEL_SDK_DISABLED", "TRUE"}}).url, "off");
    EXPECT_EQ(read_with({{"OTEL_TRACES_EXPORTER", "none"}}).url, "off");
    EXPECT_NE(read_with({{"OTEL_SDK_DISABLED", "yes"}}).url, "off");
}

TEST(TelemetrySettingsTest, AddThePathToTheCommonEndpointOnly) {
    EXPECT_EQ(read_with({}).url, "http://collector:4318/v1/traces");
    EXPECT_EQ(
        read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://host/otlp/"}})->url,
        "https://host/otlp/v1/traces"
    );
    EXPECT_EQ(
        read_with({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/in"}}).url,
        "http://traces:1/in"
    );
}

TEST(TelemetrySettingsTest, ReadHeadersAndAttributes) {
    const Settings settings = read_with(
        {{"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b%3D, x = 1 ,broken,evil=a%0d%0ab"},
         {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod,service.name=other"},
         {"OTEL_SERVICE_NAME", "mailer"}}
    );

    EXPECT_THAT(settings.headers, ElementsAre(Pair("api-key", "a b="), Pair("x", "1")));
    EXPECT_THAT(
        settings.resource,
        UnorderedElementsAre(Pair("deployment.environment", "prod"), Pair("service.name", "mailer"))
    );
    EXPECT_THAT(read_with({}).resource, ElementsAre(Pair("service.name", "tranter")));
    EXPECT_THAT(
        read_with({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=other"}}).resource,
        ElementsAre(Pair("service.name", "other"))
    );
    EXPECT_THAT(read_with({}).headers, IsEmpty());
}

TEST(TelemetrySettingsTest, KeepTheDefaultInThePlaceOfWhatCannotBeRead) {
    const Settings settings = read_with(
        {{"OTEL_BSP_SCHEDULE_DELAY", "200"},
         {"OTEL_BSP_MAX_QUEUE_SIZE", "many"},
         {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000"},
         {"OTEL_EXPORTER_OTLP_TIMEOUT", "-1"}}
    );

    EXPECT_EQ(settings.batch_delay, 200ms);
    EXPECT_EQ(settings.queue_max, 2048U);
    EXPECT_EQ(settings.batch_max, 2048U);
    EXPECT_EQ(settings.timeout, 10s);
}

TEST(TelemetrySettingsTest, KnowTheSamplersOfTheStandard) {
    const auto sampler = [](const char* name, const char* argument = "") {
        return read_with({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", argument}}
        ).sampler;
    };

    EXPECT_EQ(sampler("always_on").ratio, 1);
    EXPECT_FALSE(sampler("always_on").parent_based);
    EXPECT_EQ(sampler("always_off").ratio, 0);
    EXPECT_EQ(sampler("traceidratio", "0.25").ratio, 0.25);
    EXPECT_EQ(sampler("traceidratio", "2").ratio, 1);
    EXPECT_TRUE(sampler("parentbased_always_off").parent_based);
    EXPECT_EQ(sampler("parentbased_always_off").ratio, 0);
    EXPECT_EQ(sampler("parentbased_traceidratio", "0.5").ratio, 0.5);
    EXPECT_EQ(sampler("whatever").ratio, 1);
    EXPECT_TRUE(sampler("whatever").parent_based);
}

TEST(SamplerTest, DecidesByTheLastBitsOfTheTraceId) {
    const Sampler half{.ratio = 0.5};
    TraceId id{};
    id.fill(0xff);

    EXPECT_FALSE(half.samples_root(id));
    id[8] = 0x7e;
    EXPECT_TRUE(half.samples_root(id));
    EXPECT_TRUE(Sampler{.ratio = 1}.samples_root(id));
    EXPECT_FALSE(Sampler{.ratio = 0}.samples_root(id));
}

TEST(SamplerTest, FollowsTheParentUnlessToldOtherwise) {
    const TraceContext sampled{.sampled = true};
    const TraceContext unsampled{};

    EXPECT_TRUE((Sampler{.ratio = 0}.samples({}, &sampled)));
    EXPECT_FALSE((Sampler{.ratio = 1}.samples({}, &unsampled)));
    EXPECT_TRUE((Sampler{.ratio = 1}.samples({}, nullptr)));
    EXPECT_FALSE((Sampler{.ratio = 0, .parent_based = false}.samples({}, &sampled)));
}

}  // namespace
}  // namespace tranter::telemetry

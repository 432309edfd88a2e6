#include "aws/aws_credentials.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tranter::aws {
namespace {

/// A home directory, an environment and the endpoints of a cloud that is not there.
class AwsSettingsTest : public testing::Test {
  public:
    AwsSettingsTest() {
        std::string name = "/tmp/tranter-aws-XXXXXX";
        home = ::mkdtemp(name.data());
        std::filesystem::create_directory(home / ".aws");
        environment["HOME"] = home;
    }
    ~AwsSettingsTest() override { std::filesystem::remove_all(home); }
    AwsSettingsTest(const AwsSettingsTest&) = delete;
    AwsSettingsTest& operator=(const AwsSettingsTest&) = delete;

  protected:
    void write(const std::string& name, std::string_view text) {
        std::ofstream(home / name) << text;
    }

    Result<AwsSettings> load(std::string profile = {}) {
        return AwsSettings::load(
            {.profile = std::move(profile),
             .environment =
                 [this](const std::string& name) {
                     const auto found = environment.find(name);
                     return found == environment.end() ? nullptr : found->second.c_str();
                 },
             .fetch =
                 [this](const http::ClientRequest& request) {
                     return answer(request);
                 }}
        );
    }

    Result<std::optional<AwsCredentials>> find(bool with_instance = false) {
        return load().value().find_credentials(with_instance);
    }

    std::filesystem::path home;
    std::map<std::string, std::string> environment{};
    std::map<std::string, http::ClientResponse> answers{};  // by URL
    std::vector<http::ClientRequest> requests{};

  private:
    Result<http::ClientResponse> answer(const http::ClientRequest& request) {
        requests.push_back(request);
        const auto found = answers.find(request.url);
        if (found == answers.end()) return fail(Errc::unavailable, "nobody there");
        return found->second;
    }
};

constexpr std::string_view document =
    R"({"AccessKeyId": "id", "SecretAccessKey": "secret", "Token": "session", "Expiration": "x"})";

TEST_F(AwsSettingsTest, FindsNothingOnAnEmptyMachineWithoutAskingAnybody) {
    EXPECT_FALSE(find().value().has_value());
    EXPECT_TRUE(requests.empty());
    EXPECT_EQ(load().value().region(), std::nullopt);
}

TEST_F(AwsSettingsTest, TakesTheEnvironmentFirst) {
    write(".aws/credentials", "[default]\naws_access_key_id = f\naws_secret_access_key = f\n");
    environment["AWS_ACCESS_KEY_ID"] = "id";
    environment["AWS_SECRET_ACCESS_KEY"] = "secret";
    environment["AWS_SESSION_TOKEN"] = "session";

    const auto found = find();

    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->access_key, "id");
    EXPECT_EQ((*found)->secret_key, "secret");
    EXPECT_EQ((*found)->session_token, "session");
}

TEST_F(AwsSettingsTest, HalfAKeyInTheEnvironmentIsAnError) {
    environment["AWS_ACCESS_KEY_ID"] = "id";

    EXPECT_EQ(find().error().code(), Errc::unauthenticated);
}

TEST_F(AwsSettingsTest, ANamedProfileWinsOverTheEnvironment) {
    write(
        ".aws/credentials",
        "[default]\naws_access_key_id=a\naws_secret_access_key=b\n"
        "[work]\n  # ours\naws_access_key_id = id\naws_secret_access_key = secret=\n"
    );
    write(".aws/config", "[profile work]\nregion = eu-west-1\n[default]\nregion = us-west-2\n");
    environment["AWS_ACCESS_KEY_ID"] = "other";
    environment["AWS_SECRET_ACCESS_KEY"] = "other";

    const AwsSettings work = load("work").value();

    EXPECT_EQ(work.find_credentials(true).value()->access_key, "id");
    EXPECT_EQ(work.find_credentials(true).value()->secret_key, "secret=");
    EXPECT_EQ(work.region(), "eu-west-1");
    EXPECT_EQ(load().value().region(), "us-west-2");
    environment["AWS_PROFILE"] = "work";
    EXPECT_EQ(find().value()->access_key, "other");
    EXPECT_EQ(load().value().region(), "eu-west-1");
    environment["AWS_REGION"] = "ap-south-1";
    EXPECT_EQ(load().value().region(), "ap-south-1");
}

TEST_F(AwsSettingsTest, AProfileThatIsAskedForHasToExist) {
    const auto settings = load("nobody");

    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code(), Errc::invalid_argument);
    EXPECT_NE(settings.error().message().find("'nobody'"), std::string::npos);
}

TEST_F(AwsSettingsTest, FilesMayStandElsewhere) {
    write("keys", "[default]\naws_access_key_id=id\naws_secret_access_key=secret\n");
    environment["AWS_SHARED_CREDENTIALS_FILE"] = home / "keys";

    EXPECT_EQ(find().value()->access_key, "id");
}

TEST_F(AwsSettingsTest, AProfileOfAnAssumedRoleSaysWhatToDo) {
    write(".aws/config", "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = x\n");

    const auto found = find();

    EXPECT_EQ(found.error().code(), Errc::unauthenticated);
    EXPECT_NE(found.error().message().find("export-credentials"), std::string::npos);
}

TEST_F(AwsSettingsTest, AsksTheContainerEndpointWithItsToken) {
    write("token", "secret token\n");
    environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = home / "token";
    answers["http://169.254.170.2/v2/credentials/1"] = {
        .status = 200, .body = std::string(document)};

    const auto found = find();

    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->session_token, "session");
    EXPECT_EQ(requests.front().headers.front().second, "secret token");
}

TEST_F(AwsSettingsTest, SendsTheContainerTokenToNoStranger) {
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/credentials";
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hunter2";

    const auto found = find();

    EXPECT_EQ(found.error().code(), Errc::unauthenticated);
    EXPECT_EQ(found.error().message().find("hunter2"), std::string::npos);
    EXPECT_TRUE(requests.empty());
}

TEST_F(AwsSettingsTest, AContainerEndpointThatDoesNotAnswerRightIsAnError) {
    const std::string url = "http://127.0.0.1:1/credentials?x=y";
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;

    EXPECT_EQ(find().error().code(), Errc::unauthenticated);
    for (const char* body : {"", "{}", "not json", R"({"AccessKeyId": 1})"}) {
        answers[url] = {.status = 200, .body = body};
        EXPECT_EQ(find().error().code(), Errc::unauthenticated) << body;
    }
    answers[url] = {.status = 500, .body = std::string(document)};
    EXPECT_EQ(find().error().code(), Errc::unauthenticated);
}

TEST_F(AwsSettingsTest, AsksTheInstanceWithATokenAndOnlyWhenAllowed) {
    const std::string origin = "http://169.254.169.254/latest";
    const std::string roles = origin + "/meta-data/iam/security-credentials/";
    answers[origin + "/api/token"] = {.status = 200, .body = "imds token"};
    answers[roles] = {.status = 200, .body = "role\n"};
    answers[roles + "role"] = {.status = 200, .body = std::string(document)};

    EXPECT_FALSE(find(false).value().has_value());
    EXPECT_TRUE(requests.empty());
    EXPECT_EQ(find(true).value()->access_key, "id");
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[0].method, "PUT");
    EXPECT_EQ(requests[2].headers.front().second, "imds token");
    environment["AWS_EC2_METADATA_DISABLED"] = "true";
    EXPECT_FALSE(find(true).value().has_value());
}

TEST_F(AwsSettingsTest, AMachineThatIsNoInstanceHasNoCredentials) {
    EXPECT_FALSE(find(true).value().has_value());
}

TEST(ParseAwsProfilesTest, SkipsNestedSettingsCommentsAndNoise) {
    const AwsProfiles profiles = parse_aws_profiles(
        "stray = 1\r\n[ a ]\r\ns3 =\r\n  addressing_style = path\r\nregion=x\r\n; no\n# "
        "no\nnoise\n[b"
    );

    EXPECT_EQ(profiles.at("a").at("region"), "x");
    EXPECT_EQ(profiles.at("a").count("addressing_style"), 0U);
    EXPECT_EQ(profiles.count("b"), 1U);
}

}  // namespace
}  // namespace tranter::aws

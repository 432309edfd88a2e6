#include "sqs/sigv4.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tranter::sqs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// The signed request of SQS_SPEC 13, made with botocore, and ways to change it.
class Sigv4Test : public ::testing::Test {
  protected:
    Sigv4Test() {
        options.required = true;
        options.keys = {{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
        headers = {
            {"Content-Type", "application/x-amz-json-1.0"},
            {"Host", "127.0.0.1:9324"},
            {"X-Amz-Target", "AmazonSQS.SendMessage"},
            {"X-Amz-Date", "20260102T030405Z"},
            {"Authorization",
             authorization("content-type;host;x-amz-date;x-amz-target", signature)}};
    }

    static std::string authorization(std::string_view signed_headers, std::string_view proof) {
        return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sqs/aws4_request, "
               "SignedHeaders=" +
               std::string(signed_headers) + ", Signature=" + std::string(proof);
    }

    std::string& header(std::string_view name) {
        for (auto& [each, value] : headers) {
            if (each == name) return value;
        }
        return headers.emplace_back(std::string(name), "").second;
    }
    void drop(std::string_view name) {
        std::erase_if(headers, [&](const auto& each) { return each.first == name; });
    }

    Outcome<std::string> check() const {
        std::vector<http::Header> views;
        for (const auto& [name, value] : headers)
            views.push_back({name, value});
        const http::Request request{
            .method = method,
            .target = {},
            .path = path,
            .query = query,
            .body = body,
            .headers = views,
            .peer = {}};
        return authenticate(request, options, now);
    }
    Code code() const {
        const auto outcome = check();
        EXPECT_FALSE(outcome);
        return outcome ? Code::internal_failure : outcome.error().code;
    }

    static constexpr std::string_view signature =
        "e9cfa084956afc0aeb393f23b79a37acc2ac99a6c240cd9c4787425bc17c4950";
    AuthOptions options;
    std::string method = "POST";
    std::string path = "/";
    std::string query;
    std::string body =
        R"({"QueueUrl": "http://127.0.0.1:9324/000000000000/q1", "MessageBody": "hello"})";
    std::vector<std::pair<std::string, std::string>> headers;
    WallTime now{seconds(1'767'323'045)};
};

TEST_F(Sigv4Test, AcceptsASignedHeader) {
    EXPECT_EQ(check(), "AKIDEXAMPLE");
}

TEST_F(Sigv4Test, AcceptsAPresignedUrl) {
    method = "GET";
    path = "/000000000000/q1";
    body = "";
    headers = {{"Host", "127.0.0.1:9324"}};
    query =
        "Action=ReceiveMessage&Version=2012-11-05&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Fsqs%2Faws4_request"
        "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=001ff6be327a07fe38b7c12e07e0f10a7d9f65e6dd1d8fb860c50e74d393cd3a";
    EXPECT_EQ(check(), "AKIDEXAMPLE");

    now += seconds(3600);
    EXPECT_TRUE(check());
    now += seconds(1);
    EXPECT_EQ(code(), Code::request_expired);
    now -= seconds(3601);
    query.replace(query.find("3600"), 4, "604801");
    EXPECT_EQ(code(), Code::incomplete_signature);
    query.replace(query.find("604801"), 6, "604800");
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") = "x";
    EXPECT_EQ(code(), Code::incomplete_signature);
}

TEST_F(Sigv4Test, CollapsesBlanksInHeaders) {
    header("Host") = "127.0.0.1:9324  ";
    EXPECT_TRUE(check());
}

TEST_F(Sigv4Test, RefusesWhatWasChangedAfterSigning) {
    body += " ";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    body.pop_back();
    header("Host") = "127.0.0.2:9324";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Host") = "127.0.0.1:9324";
    path = "/x";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    path = "/";
    query = "a=b";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    query = "";
    method = "GET";
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

TEST_F(Sigv4Test, RefusesOtherFormsOfASignature) {
    const std::string good(signature);
    std::string upper = good;
    for (char& c : upper)
        c = static_cast<char>(std::toupper(c));
    for (const std::string& wrong :
         {std::string(64, '0'), std::string("abcd"), upper, good + "0"}) {
        header("Authorization") = authorization("content-type;host;x-amz-date;x-amz-target", wrong);
        EXPECT_EQ(code(), Code::signature_does_not_match) << wrong;
    }
}

TEST_F(Sigv4Test, RefusesUnsignedHostAndAmzHeaders) {
    header("Authorization") = authorization("content-type;x-amz-date;x-amz-target", signature);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") = authorization("content-type;host;x-amz-date", signature);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") = authorization("content-type;host;x-amz-date;x-amz-target", signature);
    EXPECT_TRUE(check());
    header("X-Amz-Content-Sha256") = "UNSIGNED-PAYLOAD";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    drop("X-Amz-Content-Sha256");
    header("X-Amzn-Trace-Id") = "Root=1";  // added by proxies after signing
    EXPECT_TRUE(check());
}

TEST_F(Sigv4Test, ClocksMayDifferByFifteenMinutes) {
    now += minutes(15);
    EXPECT_TRUE(check());
    now += seconds(1);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    now -= minutes(30) + seconds(1);
    EXPECT_TRUE(check());
    now -= seconds(1);
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

TEST_F(Sigv4Test, UnknownKeysAndSessionTokensAreRefused) {
    options.keys = {{"OTHER", "secret"}};
    EXPECT_EQ(check().error().message, "The security token included in the request is invalid.");
    EXPECT_EQ(code(), Code::invalid_client_token_id);
    options.keys = {{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
    header("X-Amz-Security-Token") = "junk";
    EXPECT_EQ(code(), Code::invalid_client_token_id);
}

TEST_F(Sigv4Test, RegionsCanBeLimited) {
    options.regions = {"eu-west-1"};
    EXPECT_EQ(code(), Code::signature_does_not_match);
    options.regions = {"eu-west-1", "us-east-1"};
    EXPECT_TRUE(check());
}

TEST_F(Sigv4Test, RequestsWithoutSignatureAreToldSo) {
    drop("Authorization");
    EXPECT_EQ(code(), Code::missing_authentication_token);
}

TEST_F(Sigv4Test, MalformedAuthorizationIsIncomplete) {
    std::string many;
    for (int i = 0; i < 5000; ++i)
        many += "a;";
    const std::string malformed[] = {
        "",
        "AWS4-HMAC-SHA1 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
        authorization("host;content-type", signature),
        authorization("host;host", signature),
        authorization("", signature),
        authorization(many + "host", signature),
        authorization("host", signature) + ", Signature=00",
        authorization("host", signature) + ", Extra=1",
    };
    for (const std::string& value : malformed) {
        header("Authorization") = value;
        EXPECT_EQ(code(), Code::incomplete_signature) << value.substr(0, 80);
    }
}

TEST_F(Sigv4Test, DuplicateAndMissingSecurityHeadersAreIncomplete) {
    headers.emplace_back("authorization", "x");
    EXPECT_EQ(code(), Code::incomplete_signature);
    headers.pop_back();
    headers.emplace_back("x-amz-date", "20260102T030405Z");
    EXPECT_EQ(code(), Code::incomplete_signature);
    headers.pop_back();
    drop("X-Amz-Date");
    EXPECT_EQ(code(), Code::incomplete_signature);
    header("X-Amz-Date") = "Fri, 02 Jan 2026 03:04:05 GMT";
    EXPECT_EQ(code(), Code::incomplete_signature);
    header("X-Amz-Date") = "20260103T030405Z";
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

TEST_F(Sigv4Test, OtherServicesScopesAreRefused) {
    std::string& value = header("Authorization");
    value.replace(value.find("/sqs/"), 5, "/sns/");
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

}  // namespace
}  // namespace tranter::sqs

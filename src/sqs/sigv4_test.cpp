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
        options_.required = true;
        options_.keys = {{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
        headers_ = {
            {"Content-Type", "application/x-amz-json-1.0"},
            {"Host", "127.0.0.1:9324"},
            {"X-Amz-Target", "AmazonSQS.SendMessage"},
            {"X-Amz-Date", "20260102T030405Z"},
            {"Authorization",
             authorization("content-type;host;x-amz-date;x-amz-target", signature_)}};
    }

    static std::string authorization(std::string_view signed_headers, std::string_view signature) {
        return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/sqs/aws4_request, "
               "SignedHeaders=" +
               std::string(signed_headers) + ", Signature=" + std::string(signature);
    }

    std::string& header(std::string_view name) {
        for (auto& [each, value] : headers_) {
            if (each == name) return value;
        }
        return headers_.emplace_back(std::string(name), "").second;
    }
    void drop(std::string_view name) {
        std::erase_if(headers_, [&](const auto& each) { return each.first == name; });
    }

    Outcome<std::string> check() const {
        std::vector<http::Header> headers;
        for (const auto& [name, value] : headers_)
            headers.push_back({name, value});
        const http::Request request{
            .method = method_,
            .target = {},
            .path = path_,
            .query = query_,
            .body = body_,
            .headers = headers,
            .peer = {}};
        return authenticate(request, options_, now_);
    }
    Code code() const {
        const auto outcome = check();
        EXPECT_FALSE(outcome);
        return outcome ? Code::internal_failure : outcome.error().code;
    }

    static constexpr std::string_view signature_ =
        "e9cfa084956afc0aeb393f23b79a37acc2ac99a6c240cd9c4787425bc17c4950";
    AuthOptions options_;
    std::string method_ = "POST";
    std::string path_ = "/";
    std::string query_;
    std::string body_ =
        R"({"QueueUrl": "http://127.0.0.1:9324/000000000000/q1", "MessageBody": "hello"})";
    std::vector<std::pair<std::string, std::string>> headers_;
    WallTime now_{seconds(1'767'323'045)};
};

TEST_F(Sigv4Test, AcceptsASignedHeader) {
    EXPECT_EQ(check(), "AKIDEXAMPLE");
}

TEST_F(Sigv4Test, AcceptsAPresignedUrl) {
    method_ = "GET";
    path_ = "/000000000000/q1";
    body_ = "";
    headers_ = {{"Host", "127.0.0.1:9324"}};
    query_ =
        "Action=ReceiveMessage&Version=2012-11-05&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Fsqs%2Faws4_request"
        "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=001ff6be327a07fe38b7c12e07e0f10a7d9f65e6dd1d8fb860c50e74d393cd3a";
    EXPECT_EQ(check(), "AKIDEXAMPLE");

    now_ += seconds(3600);
    EXPECT_TRUE(check());
    now_ += seconds(1);
    EXPECT_EQ(code(), Code::request_expired);
    now_ -= seconds(3601);
    query_.replace(query_.find("3600"), 4, "604801");
    EXPECT_EQ(code(), Code::incomplete_signature);
    query_.replace(query_.find("604801"), 6, "604800");
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") = "x";
    EXPECT_EQ(code(), Code::incomplete_signature);
}

TEST_F(Sigv4Test, CollapsesBlanksInHeaders) {
    header("Host") = "127.0.0.1:9324  ";
    EXPECT_TRUE(check());
}

TEST_F(Sigv4Test, RefusesWhatWasChangedAfterSigning) {
    body_ += " ";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    body_.pop_back();
    header("Host") = "127.0.0.2:9324";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Host") = "127.0.0.1:9324";
    path_ = "/x";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    path_ = "/";
    query_ = "a=b";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    query_ = "";
    method_ = "GET";
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

TEST_F(Sigv4Test, RefusesOtherFormsOfASignature) {
    const std::string good(signature_);
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
    header("Authorization") = authorization("content-type;x-amz-date;x-amz-target", signature_);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") = authorization("content-type;host;x-amz-date", signature_);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    header("Authorization") =
        authorization("content-type;host;x-amz-date;x-amz-target", signature_);
    EXPECT_TRUE(check());
    header("X-Amz-Content-Sha256") = "UNSIGNED-PAYLOAD";
    EXPECT_EQ(code(), Code::signature_does_not_match);
    drop("X-Amz-Content-Sha256");
    header("X-Amzn-Trace-Id") = "Root=1";  // added by proxies after signing
    EXPECT_TRUE(check());
}

TEST_F(Sigv4Test, ClocksMayDifferByFifteenMinutes) {
    now_ += minutes(15);
    EXPECT_TRUE(check());
    now_ += seconds(1);
    EXPECT_EQ(code(), Code::signature_does_not_match);
    now_ -= minutes(30) + seconds(1);
    EXPECT_TRUE(check());
    now_ -= seconds(1);
    EXPECT_EQ(code(), Code::signature_does_not_match);
}

TEST_F(Sigv4Test, UnknownKeysAndSessionTokensAreRefused) {
    options_.keys = {{"OTHER", "secret"}};
    EXPECT_EQ(check().error().message, "The security token included in the request is invalid.");
    EXPECT_EQ(code(), Code::invalid_client_token_id);
    options_.keys = {{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
    header("X-Amz-Security-Token") = "junk";
    EXPECT_EQ(code(), Code::invalid_client_token_id);
}

TEST_F(Sigv4Test, RegionsCanBeLimited) {
    options_.regions = {"eu-west-1"};
    EXPECT_EQ(code(), Code::signature_does_not_match);
    options_.regions = {"eu-west-1", "us-east-1"};
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
        authorization("host;content-type", signature_),
        authorization("host;host", signature_),
        authorization("", signature_),
        authorization(many + "host", signature_),
        authorization("host", signature_) + ", Signature=00",
        authorization("host", signature_) + ", Extra=1",
    };
    for (const std::string& value : malformed) {
        header("Authorization") = value;
        EXPECT_EQ(code(), Code::incomplete_signature) << value.substr(0, 80);
    }
}

TEST_F(Sigv4Test, DuplicateAndMissingSecurityHeadersAreIncomplete) {
    headers_.emplace_back("authorization", "x");
    EXPECT_EQ(code(), Code::incomplete_signature);
    headers_.pop_back();
    headers_.emplace_back("x-amz-date", "20260102T030405Z");
    EXPECT_EQ(code(), Code::incomplete_signature);
    headers_.pop_back();
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

#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::http {
namespace {

using State = RequestParser::State;

/// What a parser made of a stream: every complete request as text, then how it ended.
struct Outcome {
    std::vector<std::string> requests;
    int status = 0;  // of the rejection

    bool operator==(const Outcome&) const = default;
};

std::string text_of(const RequestParser& parser) {
    const Request& request = parser.request();
    std::string text;
    text.append(request.method).append(" ").append(request.path).append("?").append(request.query);
    text.append(" for ").append(parser.host()).append("|").append(parser.target_authority());
    for (const Header& header : request.headers) {
        text.append("\n").append(header.name).append("=").append(header.value);
    }
    text.append(parser.keep_alive() ? "\nkeep\n" : "\nclose\n").append(request.body);
    return text;
}

/// Bytes followed by the padding that feed() asks for, in a block of exactly that size.
class Padded {
  public:
    explicit Padded(std::string_view bytes) : bytes_(bytes), size_(bytes.size()) {
        bytes_.append(body_padding_bytes, '\0');
        bytes_.shrink_to_fit();
    }
    std::string_view view() const { return std::string_view(bytes_).substr(0, size_); }

  private:
    std::string bytes_;
    std::size_t size_;
};

Outcome parse(std::string_view stream, std::size_t step, const Limits& limits = {}) {
    RequestParser parser(limits);
    Outcome outcome;
    for (std::size_t at = 0; at < stream.size() && outcome.status == 0; at += step) {
        const Padded piece(stream.substr(at, step));
        State state = parser.feed(piece.view());
        while (state == State::complete) {
            outcome.requests.push_back(text_of(parser));
            state = parser.next();
        }
        if (state == State::failed) outcome.status = parser.rejection().status;
    }
    return outcome;
}

/// The status of the rejection, 0 for none, after checking that no way to split changes it.
int status_of(std::string_view stream, const Limits& limits = {}) {
    const Outcome whole = parse(stream, stream.size(), limits);
    for (const std::size_t step : {1, 2, 3, 7, 64, 1000}) {
        EXPECT_EQ(parse(stream, step, limits), whole) << "in pieces of " << step;
    }
    return whole.status;
}

std::vector<std::string> requests_of(std::string_view stream) {
    const Outcome whole = parse(stream, stream.size());
    for (std::size_t step = 1; step < stream.size(); ++step) {
        EXPECT_EQ(parse(stream, step), whole) << "in pieces of " << step;
    }
    EXPECT_EQ(whole.status, 0);
    return whole.requests;
}

std::string get(std::string_view lines) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

std::string post(std::string_view rest) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(rest);
}

std::string chunked(std::string_view body) {
    return post("Transfer-Encoding: chunked\r\n\r\n" + std::string(body));
}

TEST(RequestParser, ReadsARequestInAnySplitting) {
    const auto requests = requests_of(
        "POST /000000000000/q?a=b&c HTTP/1.1\r\nHost: localhost:9324\r\n"
        "X-Amz-Target:AmazonSQS.SendMessage\r\nContent-Length: 5\r\n\r\nhello"
    );

    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(
        requests[0],
        "POST /000000000000/q?a=b&c for localhost:9324|\nHost=localhost:9324\n"
        "X-Amz-Target=AmazonSQS.SendMessage\nContent-Length=5\nkeep\nhello"
    );
}

TEST(RequestParser, ReadsPipelinedRequestsInAnySplitting) {
    const auto requests = requests_of(
        get("") + post("Content-Length: 3\r\n\r\nabc") + "\r\n" +
        chunked("2;x=y\r\nhe\r\n3 \r\nllo\r\n"
                "0\r\nTrailer: dropped\r\n\r\n") +
        get("Connection: close\r\n")
    );

    ASSERT_EQ(requests.size(), 4U);
    EXPECT_TRUE(requests[1].ends_with("keep\nabc"));
    EXPECT_TRUE(requests[2].ends_with("keep\nhello"));
    EXPECT_TRUE(requests[3].ends_with("close\n"));
}

TEST(RequestParser, KeepsTheBodyReadableBeyondItsEnd) {
    const Limits limits;
    RequestParser parser(limits);
    const std::string bytes = post("Content-Length: 3\r\n\r\nabc");

    for (const char c : bytes) {
        const Padded piece(std::string_view(&c, 1));
        parser.feed(piece.view());
    }

    ASSERT_EQ(parser.state(), State::complete);
    unsigned sum = 0;
    for (std::size_t i = 0; i < body_padding_bytes; ++i) {
        sum += static_cast<unsigned char>(parser.request().body.data()[3 + i]);
    }
    EXPECT_LE(sum, body_padding_bytes * 255);  // the reads themselves are what is tested
}

TEST(RequestParser, GoesOnWithParkedBytes) {
    const Limits limits;
    RequestParser parser(limits);
    std::string bytes = get("") + "GET /second HTTP/1.1\r\nHost: b\r\n\r\n";
    {
        const Padded piece(bytes);
        ASSERT_EQ(parser.feed(piece.view()), State::complete);
        parser.park();
    }

    EXPECT_TRUE(parser.holds_bytes());
    ASSERT_EQ(parser.next(), State::complete);
    EXPECT_EQ(parser.request().path, "/second");
    EXPECT_EQ(parser.next(), State::need_head);
    EXPECT_FALSE(parser.started());
}

TEST(RequestParser, KeepsNoRoomOfALargeBodyForAFewParkedBytes) {
    const Limits limits;
    RequestParser parser(limits);
    const std::size_t large = std::size_t{1} << 20;
    const Padded first(post("Content-Length: " + std::to_string(large) + "\r\n\r\n"));
    const Padded rest(std::string(large, 'x') + get(""));
    parser.feed(first.view());
    ASSERT_EQ(parser.feed(rest.view()), State::complete);
    ASSERT_GE(parser.kept_bytes(), large);

    parser.park();

    EXPECT_LT(parser.kept_bytes(), 4096U);
    EXPECT_EQ(parser.next(), State::complete);
    EXPECT_EQ(parser.request().method, "GET");
}

TEST(RequestParser, TakesTheHostFromAnAbsoluteTarget) {
    EXPECT_EQ(
        requests_of("GET http://other.example:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n").at(0),
        "GET /p?q for a|other.example:1\nHost=a\nkeep\n"
    );
    EXPECT_EQ(
        requests_of("GET http://other?q HTTP/1.1\r\nHost: a\r\n\r\n").at(0),
        "GET /?q for a|other\nHost=a\nkeep\n"
    );
    EXPECT_EQ(
        requests_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").at(0),
        "OPTIONS *? for a|\nHost=a\nkeep\n"
    );
}

TEST(RequestParser, FollowsTheKeepAliveRulesOfBothVersions) {
    EXPECT_TRUE(requests_of("GET / HTTP/1.0\r\n\r\n").at(0).ends_with("close\n"));
    EXPECT_TRUE(
        requests_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").at(0).ends_with("keep\n")
    );
    EXPECT_TRUE(requests_of(get("Connection: x, Close\r\n")).at(0).ends_with("close\n"));
}

TEST(RequestParser, FindsAControlCharacterWhereverItStandsInAValue) {
    for (std::size_t at = 0; at < 20; ++at) {
        for (const char wrong : {'\0', '\x01', '\x1f', '\x7f', '\r', '\n'}) {
            std::string value(20, 'v');
            value[at] = wrong;
            EXPECT_EQ(status_of(get("X-A: " + value + "\r\n")), 400) << at << " " << int{wrong};
        }
        for (const char fine : {'\t', ' ', '~', '\x80', '\xff'}) {
            std::string value(20, 'v');
            value[at] = fine;
            EXPECT_EQ(status_of(get("X-A: " + value + "\r\n")), 0) << at << " " << int{fine};
        }
    }
}

TEST(RequestParser, TrimsValues) {
    EXPECT_EQ(
        requests_of(get("X-A: \t b c \t \r\nX-B:\r\n")).at(0),
        "GET /? for a|\nHost=a\nX-A=b c\nX-B=\nkeep\n"
    );
}

TEST(RequestParser, AsksForTheBodyOnlyWhileNothingOfItIsThere) {
    const Limits limits;
    const std::string head = post("Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    RequestParser waiting(limits);
    RequestParser sending(limits);
    const Padded only_head(head);
    const Padded with_body(head + "x");

    EXPECT_EQ(waiting.feed(only_head.view()), State::need_body);
    EXPECT_TRUE(waiting.wants_continue());
    EXPECT_EQ(sending.feed(with_body.view()), State::need_body);
    EXPECT_FALSE(sending.wants_continue());
}

struct Refused {
    const char* what;
    std::string stream;
    int status;
};

class RequestParserRefuses : public testing::TestWithParam<Refused> {};

TEST_P(RequestParserRefuses, InAnySplitting) {
    EXPECT_EQ(status_of(GetParam().stream), GetParam().status) << GetParam().what;
}

std::string repeat(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all.append(text);
    return all;
}

INSTANTIATE_TEST_SUITE_P(
    Framing,
    RequestParserRefuses,
    testing::Values(
        Refused{
            "both lengths", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        Refused{
            "both, other order",
            post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n"),
            400},
        Refused{"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400},
        Refused{
            "the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400},
        Refused{"length list", post("Content-Length: 5, 5\r\n\r\nhello"), 400},
        Refused{"length with plus", post("Content-Length: +5\r\n\r\nhello"), 400},
        Refused{"negative length", post("Content-Length: -1\r\n\r\n"), 400},
        Refused{"hexadecimal length", post("Content-Length: 0x5\r\n\r\nhello"), 400},
        Refused{"empty length", post("Content-Length:\r\n\r\n"), 400},
        Refused{"endless length", post("Content-Length: 9000000000000000000\r\n\r\n"), 413},
        Refused{"unknown coding", post("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400},
        Refused{"coding list", post("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), 400},
        Refused{
            "coding twice",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400},
        Refused{
            "space before the colon", post("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400},
        Refused{
            "chunks in HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400},
        Refused{"huge chunk", chunked("FFFFFFFFFFFFFFFF\r\nx"), 413},
        Refused{"long chunk size", chunked("00000000000000000001\r\nx"), 400},
        Refused{"negative chunk", chunked("-1\r\nx\r\n0\r\n\r\n"), 400},
        Refused{"empty chunk size", chunked("\r\n"), 400},
        Refused{"chunk with LF only", chunked("1\nx\n0\n\n"), 400},
        Refused{"longer chunk", chunked("1\r\nxyz\r\n0\r\n\r\n"), 400},
        Refused{
            "long chunk extension", chunked("1;" + repeat("e", 300) + "\r\nx\r\n0\r\n\r\n"), 400},
        Refused{"control in an extension", chunked("1;a\nb\r\nx\r\n0\r\n\r\n"), 400},
        Refused{"long trailer", chunked("0\r\n" + repeat("a: b\r\n", 1000) + "\r\n"), 400},
        Refused{"folded line", get("X-A: b\r\n c\r\n"), 400},
        Refused{"folded empty line", get("X-A: \r\n c\r\n"), 400},
        Refused{"LF only", "GET / HTTP/1.1\nHost: a\n\n", 400},
        Refused{"LF in a header", get("X-A: b\nX-B: c\r\n"), 400},
        Refused{"CR in a header", get("X-A: b\rX-B: c\r\n"), 400},
        Refused{"NUL in a name", get(std::string("X\0A: b\r\n", 8)), 400},
        Refused{"NUL in a value", get(std::string("XA: \0\r\n", 7)), 400},
        Refused{"empty name", get(": b\r\n"), 400},
        Refused{"malformed connection option", get("Connection: a b, close\r\n"), 400},
        Refused{"no colon", get("X-A\r\n"), 400},
        Refused{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        Refused{"two hosts", get("Host: b\r\n"), 400},
        Refused{"HTTP/0.9", "GET /\r\n", 400},
        Refused{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Refused{"HTTP/9.9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
        Refused{"HTTP/1.1x", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
        Refused{"TLS", "\x16\x03\x01\x01\xa5" + repeat("A", 160), 400},
        Refused{"RESP", "*1\r\n$4\r\nPING\r\n", 400},
        Refused{"method with slash", "GE/T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"long method", repeat("G", 10000) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        Refused{"unknown method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        Refused{"method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        Refused{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        Refused{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        Refused{"unknown expectation", get("Expect: 200-maybe\r\n"), 417},
        Refused{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"byte above ASCII in the target", "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"fragment in the target", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"target without slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"long target", "GET /" + repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        Refused{"endless target", "GET /" + repeat("a", 100000), 414},
        Refused{"large header", get(repeat("X-A: " + repeat("b", 1000) + "\r\n", 20)), 431},
        Refused{
            "endless header line", "GET / HTTP/1.1\r\nHost: a\r\nX-A: " + repeat("b", 20000), 431},
        Refused{"many lines", get(repeat("a: b\r\n", 101)), 431}
    )
);

TEST(RequestParser, TakesWhatIsJustWithinTheLimits) {
    EXPECT_EQ(status_of(get(repeat("a: b\r\n", 99))), 0);
    EXPECT_EQ(status_of("GET /" + repeat("a", 8191) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    Limits limits;
    limits.body_bytes = 4;
    EXPECT_EQ(status_of(post("Content-Length: 4\r\n\r\nabcd"), limits), 0);
    EXPECT_EQ(status_of(post("Content-Length: 5\r\n\r\nabcde"), limits), 413);
    EXPECT_EQ(status_of(chunked("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), limits), 0);
    EXPECT_EQ(status_of(chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), limits), 413);
}

TEST(RequestParser, GivesRejectionsThatDoNotRepeatTheInput) {
    const Limits limits;
    RequestParser parser(limits);
    const Padded bytes("GET /<script>secret HTTP/7.7\r\n\r\n");

    ASSERT_EQ(parser.feed(bytes.view()), State::failed);
    EXPECT_EQ(parser.rejection().text.find("secret"), std::string_view::npos);
}

}  // namespace
}  // namespace tranter::http

#include "http/response_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tranter::http {
namespace {

/// What came of some bytes, in words.
struct Reading {
    std::string result{};  // "200 body", "more", or the code and text of the error
    std::string headers{};
    bool keep_alive = false;

    bool operator==(const Reading&) const = default;
};

Reading describe(ResponseReader& reader, ResponseReader::State state) {
    Reading out{.keep_alive = reader.keep_alive()};
    if (state == ResponseReader::State::more) out.result = "more";
    if (state == ResponseReader::State::failed) out.result = reader.error().message();
    if (state != ResponseReader::State::complete) return out;
    ClientResponse response = reader.take();
    out.result = std::to_string(response.status) + " " + response.body;
    for (const auto& [name, value] : response.headers)
        out.headers += name + "=" + value + ";";
    return out;
}

/// In pieces of this size. `closes`: the server closes behind it.
Reading read_in_pieces(
    const ClientRequest& request, std::string_view bytes, std::size_t size, bool closes
) {
    ResponseReader reader(request);
    auto state = ResponseReader::State::more;
    while (state == ResponseReader::State::more && !bytes.empty()) {
        const std::string piece(bytes.substr(0, size));
        bytes.remove_prefix(piece.size());
        state = reader.feed(piece);
    }
    if (state == ResponseReader::State::more && closes) state = reader.finish();
    return describe(reader, state);
}

/// The same in any pieces.
Reading reading_of(const ClientRequest& request, std::string_view bytes, bool closes = true) {
    const Reading whole = read_in_pieces(request, bytes, bytes.size(), closes);
    for (const std::size_t size : {1U, 2U, 3U, 7U, 20U}) {
        Reading split = read_in_pieces(request, bytes, size, closes);
        // Bytes behind the answer are seen only when they come with it.
        split.keep_alive = whole.keep_alive;
        EXPECT_EQ(split.result, whole.result) << bytes << " in pieces of " << size;
        EXPECT_EQ(split.headers, whole.headers) << bytes << " in pieces of " << size;
    }
    return whole;
}

Reading reading_of(std::string_view bytes) {
    return reading_of(ClientRequest{}, bytes);
}

TEST(ResponseReader, ReadsABodyOfAKnownLength) {
    const auto got = reading_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\n\r\nhello");

    EXPECT_EQ(got.result, "200 hello");
    EXPECT_EQ(got.headers, "content-length=5;x-a=b c;");
    EXPECT_TRUE(got.keep_alive);
}

TEST(ResponseReader, ReadsChunks) {
    const auto got = reading_of(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;x=y\r\nhello\r\nA\r\n, the rest\r\n0\r\nTrailer: x\r\n\r\n"
    );

    EXPECT_EQ(got.result, "200 hello, the rest");
    EXPECT_TRUE(got.keep_alive);
}

TEST(ResponseReader, ReadsToTheEndWhenNothingElseEndsABody) {
    const auto got = reading_of("HTTP/1.1 200 OK\r\n\r\nall of it");

    EXPECT_EQ(got.result, "200 all of it");
    EXPECT_FALSE(got.keep_alive);
}

TEST(ResponseReader, TakesWhatOldServersSend) {
    EXPECT_EQ(reading_of("HTTP/1.0 200 OK\nContent-Length: 2\n\nok").result, "200 ok");
    EXPECT_EQ(reading_of("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok").result, "200 ok");
    EXPECT_EQ(
        reading_of("HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\n\td\r\nContent-Length: 0\r\n\r\n").headers,
        "x-a=b c d;content-length=0;"
    );
    EXPECT_EQ(
        reading_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nall").result, "200 all"
    );
}

TEST(ResponseReader, DropsInterimAnswers) {
    const auto got = reading_of(
        "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
    );

    EXPECT_EQ(got.result, "201 ok");
    EXPECT_EQ(got.headers, "content-length=2;");
}

TEST(ResponseReader, KnowsWhichAnswersHaveNoBody) {
    ClientRequest head;
    head.method = "HEAD";

    EXPECT_EQ(
        reading_of(head, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false).result, "200 "
    );
    EXPECT_EQ(reading_of({}, "HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", false).result, "204 ");
    EXPECT_EQ(
        reading_of({}, "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n", false).result,
        "304 "
    );
    EXPECT_EQ(reading_of({}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false).result, "200 ");
}

TEST(ResponseReader, KnowsWhetherAnotherRequestMayFollow) {
    const auto keeps = [](std::string_view status_line, std::string_view headers) {
        const std::string bytes = std::string(status_line) + "\r\n" + std::string(headers);
        return reading_of({}, bytes + "Content-Length: 0\r\n\r\n", false).keep_alive;
    };
    EXPECT_TRUE(keeps("HTTP/1.1 200 OK", ""));
    EXPECT_FALSE(keeps("HTTP/1.1 200 OK", "Connection: x, Close\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.0 200 OK", ""));
    EXPECT_TRUE(keeps("HTTP/1.0 200 OK", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n"));

    EXPECT_FALSE(
        reading_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK").keep_alive
    );
    EXPECT_FALSE(reading_of("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello").keep_alive);
}

TEST(ResponseReader, BelievesChunksWhenThereIsALengthToo) {
    const auto got = reading_of(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nok\r\n0\r\n\r\n"
    );

    EXPECT_EQ(got.result, "200 ok");
    EXPECT_FALSE(got.keep_alive);
}

TEST(ResponseReader, RefusesWhatIsNoAnswerOrCouldBeTwo) {
    for (const std::string_view head :
         {"\r\n",
          "garbage",
          "HTTP/2 200\r\n\r\n",
          "HTTP/1.2 200 OK\r\n\r\n",
          "HTTP/1.1 99 X\r\n\r\n",
          "HTTP/1.1 099 X\r\n\r\n",
          "HTTP/1.1 1000 X\r\n\r\n",
          "HTTP/1.1 2x0 X\r\n\r\n",
          "HTTP/1.1  200 X\r\n\r\n",
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
          "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 9\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n0\r\n\r\n"}) {
        const auto got = reading_of(head);
        EXPECT_TRUE(got.result.starts_with("the answer ")) << head << ": " << got.result;
        EXPECT_FALSE(got.keep_alive) << head;
    }
}

TEST(ResponseReader, TakesALengthThatIsSaidTwice) {
    EXPECT_EQ(
        reading_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok").result,
        "200 ok"
    );
}

TEST(ResponseReader, SaysThatAnAnswerEndedTooEarly) {
    EXPECT_EQ(
        reading_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell").result,
        "the connection was closed when 4 of 9 bytes of the answer had arrived"
    );
    for (const std::string_view part :
         {"HTTP/1.1 2",
          "HTTP/1.1 200 OK\r\nContent-Le",
          "HTTP/1.1 100 Continue\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
        EXPECT_EQ(reading_of(part).result, "the connection was closed in the middle of the answer");
    }
}

TEST(ResponseReader, ReadsNoMoreOfABodyThanItMay) {
    ClientRequest request;
    request.body_bytes_max = 4;
    for (const std::string_view bytes :
         {"HTTP/1.1 200 OK\r\n\r\nhello",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\n4\r\nhell\r\n1\r\no\r\n0\r\n\r\n"}) {
        EXPECT_EQ(reading_of(request, bytes, false).result, "the answer has more than 4 bytes")
            << bytes;
    }
    EXPECT_EQ(reading_of(request, "HTTP/1.1 200 OK\r\n\r\nhell").result, "200 hell");
}

TEST(ResponseReader, CutsABodyOffWhereItMay) {
    ClientRequest request;
    request.body_bytes_max = 4;
    request.cuts_body = true;
    const std::string head = "HTTP/1.1 503 No\r\n";
    for (const std::string& bytes :
         {head + "\r\nhello",
          head + "Content-Length: 9\r\n\r\nhello, yo",
          head + "Content-Length: 99999999999999999999999\r\n\r\nhello",
          head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello",
          head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\no\r\n0\r\n\r\n"}) {
        ResponseReader reader(request);
        EXPECT_EQ(reader.feed(bytes), ResponseReader::State::complete) << bytes;
        EXPECT_FALSE(reader.keep_alive());
        const ClientResponse answer = reader.take();
        EXPECT_EQ(answer.body, "hell");
        EXPECT_TRUE(answer.is_cut);
    }
    ResponseReader reader(request);
    reader.feed(head + "Content-Length: 4\r\n\r\nhell");
    EXPECT_TRUE(reader.keep_alive());
    EXPECT_FALSE(reader.take().is_cut);
}

TEST(ResponseReader, ReadsNoMoreHeadersThanItMay) {
    const std::string status = "HTTP/1.1 200 OK\r\n";
    std::string interim;
    while (interim.size() <= answer_header_bytes_max)
        interim += "HTTP/1.1 100 Continue\r\n\r\n";
    std::string lines = status;
    while (lines.size() <= answer_header_bytes_max)
        lines += "X-A: b\r\n";
    const std::string endless = status + std::string(answer_header_bytes_max, 'x');
    for (const std::string& bytes : {interim, lines, endless}) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{65536}, bytes.size()}) {
            EXPECT_EQ(
                read_in_pieces({}, bytes, size, false).result,
                "the answer has more than 262144 bytes of headers"
            );
        }
    }
}

TEST(ResponseReader, GivesABodyOnAsItComes) {
    std::string body;
    ClientRequest request;
    request.body_bytes_max = 4;  // of what is kept
    request.on_body = [&](std::string_view piece) {
        body += piece;
        return body.size() < 10;
    };
    ResponseReader reader(request);
    using Progress = ResponseReader::State;
    EXPECT_EQ(
        reader.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), Progress::more
    );
    EXPECT_EQ(body, "hel");
    EXPECT_EQ(reader.feed("lo\r\n8\r\n, world!\r\n"), Progress::failed);
    EXPECT_EQ(body, "hello, world!");
    EXPECT_EQ(reader.error().code(), Errc::cancelled);

    body.clear();
    EXPECT_EQ(read_in_pieces(request, "HTTP/1.1 404 No\r\n\r\nwho?", 99, true).result, "404 who?");
    EXPECT_EQ(body, "");
}

}  // namespace
}  // namespace tranter::http

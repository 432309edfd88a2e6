// The first byte seeds how the rest, a client's stream, is cut into pieces. Oracle: the requests
// that come out, and the refusal if there is one, are the same for the stream in one piece, in
// the drawn pieces and byte by byte; and Beast's parser, which has been fuzzed for years, reads the
// same from every request that is accepted here.
#include "http/request_parser.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tranter::http::Limits;
using tranter::http::RequestParser;

struct Outcome {
    std::vector<std::string> requests;
    int status = 0;

    bool operator==(const Outcome&) const = default;
};

Limits small_limits() {
    Limits limits;
    limits.header_bytes = 512;  // so that inputs of fuzzing size reach them
    limits.header_lines = 8;
    limits.target_bytes = 64;
    limits.body_bytes = 256;
    return limits;
}

std::string text_of(const RequestParser& parser) {
    const tranter::http::Request& request = parser.request();
    std::string text(request.method);
    for (const std::string_view part :
         {request.target, request.path, request.query, parser.host(), parser.target_authority()}) {
        text.append("|").append(part);
    }
    for (const auto& header : request.headers) {
        text.append("\n").append(header.name).append(":").append(header.value);
    }
    text.append(parser.keep_alive() ? "\nkeep\n" : "\nclose\n").append(request.body);
    return text;
}

void require(bool what) {
    if (!what) std::abort();
}

// `stream` starts with the request that `parser` has just completed.
void compare_with_beast(std::string_view stream, const RequestParser& parser) {
    namespace beast = boost::beast::http;
    while (stream.starts_with("\r\n"))
        stream.remove_prefix(2);
    beast::request_parser<beast::string_body> theirs;
    theirs.eager(true);
    boost::system::error_code ec;
    theirs.put({stream.data(), stream.size()}, ec);
    const auto& message = theirs.get();
    const tranter::http::Request& ours = parser.request();
    if (ours.count("proxy-connection") != 0) return;  // which Beast takes for Connection
    // Beast reads trailers as if they were headers and wants chunk extensions to mean something.
    if (ec && ours.count("transfer-encoding") != 0) return;
    require(!ec && theirs.is_done());
    require(message.method_string() == ours.method);
    const std::string_view target(message.target().data(), message.target().size());
    require(target.ends_with(ours.target) || ours.target == "/");
    require(message.version() == (parser.is_http_1_0() ? 10U : 11U));
    require(message.body() == ours.body);
    // Beast's container keeps equal names together, so look each of ours up.
    std::size_t trailers = 0;
    for (const auto& field : message) {
        const bool known = std::ranges::any_of(ours.headers, [&](const auto& header) {
            return field.name_string() == header.name && field.value() == header.value;
        });
        trailers += known ? 0 : 1;
    }
    require(trailers == 0 || message.chunked());
    if (trailers != 0) return;
    require(theirs.keep_alive() == parser.keep_alive());
    require(message.chunked() || std::ranges::distance(message) == std::ssize(ours.headers));
}

template <class NextSize>
Outcome parse(std::string_view stream, NextSize next_size) {
    static const Limits limits = small_limits();
    RequestParser parser(limits);
    Outcome outcome;
    while (!stream.empty() && outcome.status == 0) {
        const std::size_t size = std::min(stream.size(), next_size());
        // A block of exactly this size, so that a read beyond the padding is found.
        std::vector<char> piece(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        piece.resize(size + tranter::http::body_padding_bytes);
        stream.remove_prefix(size);
        auto state = parser.feed({piece.data(), size});
        while (state == RequestParser::State::complete) {
            outcome.requests.push_back(text_of(parser));
            state = parser.next();
        }
        if (state == RequestParser::State::failed) outcome.status = parser.rejection().status;
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::minstd_rand random(data[0] + 1U);
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);

    const Outcome whole = parse(stream, [&] { return stream.size(); });
    static const Limits limits = small_limits();
    RequestParser first(limits);
    std::string padded(stream);
    padded.append(tranter::http::body_padding_bytes, '\0');
    if (first.feed(std::string_view(padded).substr(0, stream.size())) ==
        RequestParser::State::complete) {
        compare_with_beast(stream, first);
    }
    if (!(whole == parse(stream, [] { return std::size_t{1}; }))) std::abort();
    if (!(whole == parse(stream, [&] { return std::size_t{1} + random() % 40; }))) std::abort();
    return 0;
}

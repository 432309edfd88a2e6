// The first byte seeds how the rest, what a server sends for one request, is cut into pieces, and
// says whether the request was a HEAD and whether the body is taken as it comes. Oracle: what comes
// out, an answer or an error, is the same in one piece, in the drawn pieces and byte by byte; and
// where Beast's parser, which has been fuzzed for years, reads an answer too, it reads the same.
#include "http/response_reader.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tranter::http::ClientRequest;
using tranter::http::ResponseReader;
using State = ResponseReader::State;

constexpr std::size_t body_bytes_max = 256;  // so that inputs of fuzzing size reach it

struct Outcome {
    State state = State::more;
    std::string error{};
    tranter::http::ClientResponse response{};
    std::string streamed{};
    bool keep_alive = false;

    bool same_as(const Outcome& other) const {
        return state == other.state && error == other.error &&
               response.status == other.response.status && response.body == other.response.body &&
               response.headers == other.response.headers && streamed == other.streamed;
    }
};

void require(bool what) {
    if (!what) std::abort();
}

/// Folded lines are joined by one blank or by several.
std::string without_blanks(std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
    return text;
}

template <class NextSize>
Outcome read(std::string_view stream, bool head, bool streams, NextSize next_size) {
    Outcome outcome;
    ClientRequest request;
    request.method = head ? "HEAD" : "GET";
    request.body_bytes_max = body_bytes_max;
    if (streams) {
        request.on_body = [&](std::string_view piece) {
            outcome.streamed += piece;
            return true;
        };
    }
    ResponseReader reader(request);
    while (!stream.empty() && outcome.state == State::more) {
        // A block of exactly this size, so that a read beyond it is found.
        const std::size_t size = std::min(stream.size(), next_size());
        const std::vector<char> piece(stream.data(), stream.data() + size);
        stream.remove_prefix(size);
        outcome.state = reader.feed({piece.data(), size});
    }
    if (outcome.state == State::more) outcome.state = reader.finish();
    outcome.keep_alive = reader.keep_alive();
    if (outcome.state == State::failed) outcome.error = reader.error().message();
    if (outcome.state == State::complete) outcome.response = reader.take();
    return outcome;
}

void compare_with_beast(std::string_view stream, bool head, const Outcome& ours) {
    namespace beast = boost::beast::http;
    beast::response_parser<beast::string_body> theirs;
    theirs.eager(true);
    theirs.skip(head);
    theirs.body_limit(boost::none);
    boost::system::error_code ec;
    const auto used = theirs.put({stream.data(), stream.size()}, ec);
    if (!ec && !theirs.is_done() && theirs.is_header_done() && used == stream.size()) {
        theirs.put_eof(ec);
    }
    const auto& message = theirs.get();
    if (ec || !theirs.is_done() || message.result_int() / 100 == 1) return;
    // Which Beast takes for Connection; and what it knows of neither.
    if (message.find("proxy-connection") != message.end()) return;
    if (message.chunked() && message.find("content-length") != message.end()) return;
    require(message.result_int() == static_cast<unsigned>(ours.response.status));
    require(message.body() == ours.response.body);
    // Beast reads trailers as if they were headers.
    if (message.chunked()) return;
    std::multimap<std::string, std::string> headers;
    for (const auto& [name, value] : ours.response.headers)
        headers.emplace(name, value);
    for (const auto& field : message) {
        std::string name(field.name_string());
        std::ranges::transform(name, name.begin(), [](unsigned char c) {
            return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        });
        const auto range = headers.equal_range(name);
        require(std::any_of(range.first, range.second, [&](const auto& one) {
            return without_blanks(one.second) == without_blanks(std::string(field.value()));
        }));
    }
    if (used == stream.size() && !message.need_eof()) {
        require(theirs.keep_alive() == ours.keep_alive);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::minstd_rand random(data[0] + 1U);
    const bool head = (data[0] & 1U) != 0;
    const bool streams = (data[0] & 2U) != 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);

    const Outcome whole = read(stream, head, streams, [&] { return stream.size(); });
    if (whole.state == State::complete && !streams) compare_with_beast(stream, head, whole);
    require(whole.same_as(read(stream, head, streams, [] { return std::size_t{1}; })));
    require(whole.same_as(read(stream, head, streams, [&] {
        return std::size_t{1} + random() % 40;
    })));
    return 0;
}

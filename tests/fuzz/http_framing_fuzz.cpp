// The first byte seeds how the rest, a client's stream, is cut into pieces. Oracle: the requests
// that come out, and the refusal if there is one, are the same for the stream in one piece, in
// the drawn pieces and byte by byte. Every view a request holds must be readable.
#include "http/request_parser.hpp"

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
    if (!(whole == parse(stream, [] { return std::size_t{1}; }))) std::abort();
    if (!(whole == parse(stream, [&] { return std::size_t{1} + random() % 40; }))) std::abort();
    return 0;
}

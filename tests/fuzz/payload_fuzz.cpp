// Any bytes, read into a struct with every type there is. What could be read is written, and what
// was written reads the same; simdjson agrees on what is JSON.
#include "base/encoding.hpp"
#include "jobs/test_payload.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace jobs = tranter::jobs;
namespace dom = simdjson::dom;

[[noreturn]] void fail(std::string_view what, std::string_view detail) {
    std::fprintf(
        stderr,
        "%.*s: %.*s\n",
        static_cast<int>(what.size()),
        what.data(),
        static_cast<int>(detail.size()),
        detail.data()
    );
    std::abort();
}

/// What simdjson does not mind and we do, because two programs could read it differently.
bool is_ambiguous(std::string_view error) {
    return error.find("is there twice") != std::string_view::npos ||
           error.find("nested deeper") != std::string_view::npos ||
           error.find("half of a surrogate pair") != std::string_view::npos;
}

/// simdjson refuses integers of more than 64 bits, and what is infinite as a double.
bool may_have_huge_number(std::string_view json) {
    std::size_t run = 0;
    bool exponent = false;
    for (const char c : json) {
        if (c < '0' || c > '9') {
            exponent = c == 'e' || c == 'E' || (exponent && run == 0 && c == '+');
            run = 0;
        } else if (++run >= (exponent ? 3 : 19)) {
            return true;
        }
    }
    return false;
}

void check_well_formedness(std::string_view input) {
    dom::parser parser;
    const auto json = tranter::Json::parse(input);
    const auto error = parser.parse(simdjson::padded_string(input)).error();
    if (!json) {
        const std::string& reason = json.error().message();
        if (error == simdjson::SUCCESS && !is_ambiguous(reason)) fail("simdjson reads it", reason);
        return;
    }
    if (error == simdjson::NUMBER_ERROR && may_have_huge_number(json->text())) return;
    if (error != simdjson::SUCCESS) fail("simdjson refuses", error_message(error));
    const auto again = tranter::Json::parse(json->text());
    if (!again || *again != *json) fail("without blanks it reads differently", json->text());
    // simdjson::minify() keeps everything but the blanks too.
    std::string minified(input.size() + simdjson::SIMDJSON_PADDING, '\0');
    std::size_t size = 0;
    if (simdjson::minify(input.data(), input.size(), minified.data(), size) != simdjson::SUCCESS) {
        fail("simdjson does not minify", input);
    }
    if (json->text() != std::string_view(minified).substr(0, size)) {
        fail("simdjson minifies to something else", json->text());
    }
}

void check_round_trip(std::string_view input) {
    const auto value = tranter::from_json<jobs::Everything>(input);
    if (!value) {
        if (!tranter::is_valid_utf8(value.error().message())) {
            fail("the error is no text", value.error().message());
        }
        return;
    }
    const auto text = tranter::to_json(*value);
    if (!text) fail("what was read cannot be written", text.error().message());
    const auto again = tranter::from_json<jobs::Everything>(*text);
    if (!again) fail("what was written cannot be read", again.error().message());
    if (*again != *value) fail("it reads differently", *text);
    if (*tranter::to_json(*again) != *text) fail("it is written differently", *text);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_well_formedness(input);
    check_round_trip(input);
    return 0;
}

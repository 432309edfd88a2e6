// The first line is the query string of the URL, the rest is a form. Whatever they are: one answer,
// which is well-formed XML; and what was read from the form is read again from a JSON document that
// says the same.
#include "sqs/json_input.hpp"
#include "sqs/query_input.hpp"
#include "sqs_parameters.hpp"
#include "sqs_server.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

namespace fuzz = tranter::fuzz;
namespace http = tranter::http;
namespace sqs = tranter::sqs;

void check_codec(std::string_view query, std::string_view body) {
    const auto parsed = sqs::QueryForm::parse(body, query);
    if (!parsed) return;
    sqs::QueryInput input(parsed->parameters());
    const fuzz::Parameters read = fuzz::read_parameters(input);
    if (input.failure()) return;
    std::string body_again;
    tranter::JsonWriter json(body_again);
    fuzz::write_json(json, read);
    const std::size_t size = body_again.size();
    body_again.append(http::body_padding_bytes, ' ');
    sqs::JsonDocument document(std::string_view(body_again).substr(0, size));
    if (document.failure()) fuzz::fail("the document is not read", body_again);
    sqs::Input& again = document.input();
    if (fuzz::read_parameters(again) != read || again.failure()) {
        fuzz::fail("the document reads differently", body_again);
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = input.find('\n');
    if (line == std::string_view::npos) return 0;
    const std::string_view query = input.substr(0, line);
    const std::string_view body = input.substr(line + 1);
    check_codec(query, body);
    fuzz::SqsServer server;
    const auto answer = server.ask_query(query, body);
    fuzz::XmlChecker(answer.body).check();
    return 0;
}

// The first line names the action, the rest is the body of an AWS JSON request. Whatever it is:
// one answer, which is JSON; and what was read from the body is read again from a form that says
// the same.
#include "sqs/json_input.hpp"
#include "sqs/query_input.hpp"
#include "sqs_parameters.hpp"
#include "sqs_server.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace {

namespace fuzz = tranter::fuzz;
namespace http = tranter::http;
namespace sqs = tranter::sqs;

void check_codec(std::string_view body) {
    std::vector<char> padded(body.begin(), body.end());
    padded.resize(body.size() + http::body_padding_bytes);
    sqs::JsonDocument document({padded.data(), body.size()});
    if (document.failure()) return;
    const fuzz::Parameters read = fuzz::read_parameters(document.input());
    if (document.input().failure()) return;
    fuzz::FormWriter writer;
    writer.write(read);
    const auto parsed = sqs::QueryForm::parse(writer.form, "");
    if (!parsed) return;  // more parameters than a form may have
    sqs::QueryInput again(parsed->parameters());
    if (fuzz::read_parameters(again) != read || again.failure()) {
        fuzz::fail("the form reads differently", writer.form);
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = input.find('\n');
    if (line == std::string_view::npos) return 0;
    const std::string_view body = input.substr(line + 1);
    check_codec(body);
    fuzz::SqsServer server;
    fuzz::check_json_answer(server.ask_json(input.substr(0, line), body));
    return 0;
}

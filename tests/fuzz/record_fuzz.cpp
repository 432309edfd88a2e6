#include "broker/record_codec.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// The first two bytes are the type of a record, the rest its body. Whatever is read must write
/// back to the same bytes, because a body has exactly one form.
namespace {

using namespace tranter::broker;

void require(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto type = static_cast<tranter::log::RecordType>(data[0] | data[1] << 8U);
    const std::string_view body = input.substr(2);

    static DecodedRecord decoded;
    const auto result = decode(type, body, decoded);
    if (!result) {
        require(result.error().code() == tranter::Errc::corrupted, "the error has another code");
        require(!result.error().message().empty(), "an error without text");
        return 0;
    }
    std::string again;
    require(encode(decoded.record, again) == type, "the type changed");
    require(again == body, "the body changed");
    const auto key = message_key(type, body);
    if (const auto* sent = std::get_if<record::MessageSent>(&decoded.record)) {
        require(key && key->sequence == sent->sequence && key->slot == sent->slot, "another key");
    }
    if (const auto* replaced = std::get_if<record::MessageReplaced>(&decoded.record)) {
        require(key && key->sequence == replaced->message->sequence, "another key");
    }
    if (const auto* moved = std::get_if<record::MessageMoved>(&decoded.record)) {
        require(key && key->sequence == moved->to_sequence, "another key");
    }
    return 0;
}

#include "providers/sqs_receipt.hpp"

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <span>

namespace tranter::providers {

namespace {

constexpr std::string_view receipt_mark = "sqs1";
constexpr std::size_t check_bytes = 4;
constexpr std::string_view last_attempt = "-";

/// The text up to the next colon, which goes too.
std::string_view take_part(std::string_view& text) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

std::string check_of(std::string_view content) {
    const Sha256Digest digest = sha256(content);
    return to_hex(std::span(digest).first(check_bytes));
}

template <std::integral Number>
bool take_number(std::string_view& text, Number& number, int base = 10) {
    const std::string_view part = take_part(text);
    const char* end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(part.data(), end, number, base);
    return error == std::errc() && stop == end;
}

}  // namespace

std::string SqsReceipt::text() const {
    const std::string content = fmt::format(
        "{:x}:{:x}:{}:{}:{}:{}:{}:{}",
        process,
        delivery,
        attempt,
        received_at.time_since_epoch().count(),
        retry_after ? fmt::to_string(retry_after->count()) : std::string(last_attempt),
        queue,
        message_id,
        handle
    );
    return fmt::format("{}:{}:{}", receipt_mark, check_of(content), content);
}

Result<SqsReceipt> SqsReceipt::parse(std::string_view text) {
    const std::string_view whole = text;
    SqsReceipt receipt;
    const bool marked = take_part(text) == receipt_mark;
    const std::string_view check = take_part(text);
    Duration::rep received_at = 0;
    bool good = marked && check == check_of(text) && take_number(text, receipt.process, 16) &&
                take_number(text, receipt.delivery, 16) && take_number(text, receipt.attempt) &&
                take_number(text, received_at);
    receipt.received_at = Instant(Duration(received_at));
    if (text.starts_with(last_attempt)) {
        good = good && take_part(text) == last_attempt;
    } else {
        Milliseconds::rep retry_after = 0;
        good = good && take_number(text, retry_after) && retry_after >= 0;
        receipt.retry_after = Milliseconds(retry_after);
    }
    receipt.queue = take_part(text);
    receipt.message_id = take_part(text);
    receipt.handle = text;
    if (good && !receipt.message_id.empty() && !receipt.handle.empty()) return receipt;
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "receipt is {}, expected one that came with a job of an sqs: store", in_quotes(whole)
        )
    );
}

}  // namespace tranter::providers

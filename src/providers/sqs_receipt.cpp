#include "providers/sqs_receipt.hpp"

#include "base/unicode.hpp"

#include <fmt/format.h>

#include <charconv>
#include <concepts>

namespace tranter::providers {

namespace {

constexpr std::string_view receipt_mark = "s1";
constexpr std::string_view last_attempt = "-";

/// The text up to the next full stop, which goes too.
std::string_view take_part(std::string_view& text) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
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
    return fmt::format(
        "{}.{:x}.{:x}.{}.{}.{}.{}.{}",
        receipt_mark,
        process,
        delivery,
        attempt,
        received_at.time_since_epoch().count(),
        retry_after ? fmt::to_string(retry_after->count()) : std::string(last_attempt),
        message_id,
        handle
    );
}

Result<SqsReceipt> SqsReceipt::parse(std::string_view text) {
    const std::string_view whole = text;
    SqsReceipt receipt;
    Duration::rep received_at = 0;
    bool good = take_part(text) == receipt_mark && take_number(text, receipt.process, 16) &&
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

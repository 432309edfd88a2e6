#include "postgres_jobs/receipt.hpp"

#include "base/log_text.hpp"
#include "base/uuid.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace tranter::postgres_jobs {
namespace {

constexpr std::size_t uuid_digits = 36;
constexpr std::size_t shown_bytes_max = 80;

}  // namespace

std::string format_receipt(std::string_view id, std::int32_t delivery) {
    return fmt::format("{}.{}", id, delivery);
}

Result<Receipt> parse_receipt(std::string_view text) {
    const auto id = parse_uuid(text.substr(0, uuid_digits));
    if (id && text.size() > uuid_digits + 1 && text[uuid_digits] == '.') {
        Receipt receipt{.id = format_uuid(*id)};
        const std::string_view digits = text.substr(uuid_digits + 1);
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), receipt.delivery);
        const bool is_canonical = digits.front() >= '1' && digits.front() <= '9' &&
                                  text.starts_with(receipt.id);  // in lower case
        if (error == std::errc() && end == digits.end() && is_canonical) return receipt;
    }
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "receipt \"{}\" is none that was ever given out",
            one_line(text.substr(0, shown_bytes_max))
        )
    );
}

Error delivery_over(bool is_known) {
    if (is_known) return {Errc::conflict, "the delivery is over"};
    return {Errc::not_found, "there is no such job"};
}

}  // namespace tranter::postgres_jobs

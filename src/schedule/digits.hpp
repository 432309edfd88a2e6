#pragma once

namespace tranter::schedule {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace tranter::schedule

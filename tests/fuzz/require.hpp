#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Ends the target, which has found something, and says what and in which input.
inline void require(bool good, std::string_view what, std::string_view input) {
    if (good) return;
    std::fprintf(
        stderr,
        "%.*s: %.*s\n",
        static_cast<int>(what.size()),
        what.data(),
        static_cast<int>(input.size()),
        input.data()
    );
    std::abort();
}

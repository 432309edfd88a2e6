#include "process/signal_number.hpp"

#include "base/unicode.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>

namespace tranter::process {

Result<int> signal_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    if (is_number && number > 0 && number < NSIG) return number;
    std::string name(text);
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (int one = 1; one < NSIG; ++one) {
        const char* const known = ::sigabbrev_np(one);
        if (known != nullptr && name == known) return one;
    }
    return fail(
        Errc::invalid_argument,
        "there is no signal " + in_quotes(text) + "; there are SIGHUP, SIGUSR1, SIGTERM and others"
    );
}

}  // namespace tranter::process

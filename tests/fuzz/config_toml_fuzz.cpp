#include "cli/toml_config.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Whatever tranter.toml says: either one line of error, or a configuration that survives being
/// written and read again.
namespace {

using tranter::cli::ServerConfig;

const char* look_up(const std::string& name) {
    return name == "TOKEN" ? "a-token-from-the-environment" : nullptr;
}

[[noreturn]] void fail(const char* what, const std::string& text) {
    std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = tranter::cli::parse_toml_config(text, {}, &look_up);
    if (!config) {
        const std::string& error = config.error().message();
        if (!error.starts_with("tranter.toml:") || error.find('\n') != std::string::npos) {
            fail("an error is not one line that names the file:", error);
        }
        return 0;
    }
    const std::string written = tranter::cli::write_toml_config(*config);
    const auto again = tranter::cli::parse_toml_config(written, {}, &look_up);
    if (!again) fail(again.error().message().c_str(), written);
    if (*again != *config) fail("reads back differently:", written);
    return 0;
}

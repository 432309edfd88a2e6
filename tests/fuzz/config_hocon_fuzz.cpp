#include "base/log_text.hpp"
#include "cli/elasticmq_config.hpp"
#include "cli/toml_config.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Whatever elasticmq.conf says: either one line of error, or a configuration whose TOML reads
/// back as the same one. Two includes exist: one that is fine and one that includes itself.
namespace {

using tranter::Result;

const char* look_up(const std::string& name) {
    return name == "PORT" ? "9324" : nullptr;
}

Result<std::optional<std::string>> read_include(const std::string& path) {
    if (path == "a.conf") return "aws.region = ${?r}\nqueues.included { delay = 5 }";
    if (path == "b.conf") return "x { include \"b.conf\" }";
    return std::optional<std::string>();
}

[[noreturn]] void fail(const char* what, const std::string& text) {
    std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The file reader has checked this before either parser sees the text.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (tranter::find_invalid_utf8(text) != std::string_view::npos) return -1;

    const auto loaded = tranter::cli::parse_elasticmq_config(
        text, "e.conf", {.env = &look_up, .read_include = &read_include}
    );
    if (!loaded) {
        const std::string& error = loaded.error().message();
        if (error.find(".conf:") == std::string::npos || error.find('\n') != std::string::npos) {
            fail("an error is not one line that names the file:", error);
        }
        return 0;
    }
    for (const std::string& notice : loaded->notices) {
        if (notice.find('\n') != std::string::npos) fail("a notice has two lines:", notice);
    }
    const std::string written = tranter::cli::write_toml_config(loaded->config);
    const auto again = tranter::cli::parse_toml_config(written, {}, &look_up);
    if (!again) fail(again.error().message().c_str(), written);
    if (*again != loaded->config) fail("the TOML reads back differently:", written);
    return 0;
}

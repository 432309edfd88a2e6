#include "providers/http_provider.hpp"

#include "http/client.hpp"
#include "providers/http_store.hpp"

#include <cstdlib>
#include <string>

namespace tranter::providers {
namespace {

std::string token_of(const ProviderOptions& options) {
    if (!options.token.empty()) return options.token;
    const char* token = std::getenv("TRANTER_TOKEN");
    return token == nullptr ? std::string() : std::string(token);
}

}  // namespace

Result<std::shared_ptr<Provider>> make_http_provider(
    std::string_view url, const ProviderOptions& options
) {
    if (auto checked = http::check_url(url); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    if (url.find_first_of("?#") != std::string_view::npos) {
        return fail(Errc::invalid_argument, "the URL of a server ends before '?' and '#'");
    }
    while (url.ends_with('/'))
        url.remove_suffix(1);
    return std::make_shared<HttpStore>(std::string(url), token_of(options));
}

}  // namespace tranter::providers

#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "providers/broker_owned.hpp"
#include "providers/http_provider.hpp"
#include "providers/schemes.hpp"
#include "providers/sqs_provider.hpp"

#include <tranter/provider.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tranter {
namespace {

constexpr std::size_t shown_url_bytes_max = 200;

/// Without what stands before an @, because it may be a password.
std::string shown(std::string_view url) {
    const std::size_t at = url.rfind('@');
    if (at == std::string_view::npos) return one_line(url.substr(0, shown_url_bytes_max));
    const std::string_view scheme = url.substr(0, std::min(url.find(':') + 1, at));
    const std::string_view rest = url.substr(at, shown_url_bytes_max);
    return one_line(fmt::format("{}...{}", scheme, rest));
}

std::unexpected<Error> refuse_url(std::string_view url, std::string_view why) {
    return fail(Errc::invalid_argument, fmt::format("url \"{}\": {}", shown(url), why));
}

Result<std::shared_ptr<Provider>> open_file(
    std::string_view url, std::string_view rest, const ProviderOptions& options
) {
    // file:///var/lib/x is how others write file:/var/lib/x.
    if (rest.starts_with("///")) rest.remove_prefix(2);
    if (rest.starts_with("//")) {
        return refuse_url(url, "file: has no host, write file:/path of a directory");
    }
    if (rest.empty()) return refuse_url(url, "needs the path of a directory behind file:");
    return providers::open_broker_provider({.directory = rest, .provider = options});
}

Result<std::shared_ptr<Provider>> open_memory(
    std::string_view url, std::string_view rest, const ProviderOptions& options
) {
    if (!rest.empty()) return refuse_url(url, "nothing may follow memory:");
    return providers::open_broker_provider({.provider = options});
}

}  // namespace

Result<std::shared_ptr<Provider>> open_provider(
    std::string_view url, const ProviderOptions& options
) {
    const std::size_t colon = url.find(':');
    const std::string_view scheme = url.substr(0, colon);
    if (colon == std::string_view::npos) {
        return refuse_url(url, "must begin with memory:, file:, http:, https: or sqs:");
    }
    const std::string_view rest = url.substr(colon + 1);
    if (scheme == "memory") return open_memory(url, rest, options);
    if (options.virtual_time) return refuse_url(url, "only memory: has virtual time");
    if (scheme == "file") return open_file(url, rest, options);
    if (scheme == "http" || scheme == "https") return providers::make_http_provider(url, options);
    if (scheme == "sqs") return providers::make_sqs_provider(url, options);
    return refuse_url(
        url,
        fmt::format(
            "{} is none of {}{}",
            one_line(scheme),
            fmt::join(providers::schemes, ", "),
            did_you_mean(scheme, providers::schemes)
        )
    );
}

}  // namespace tranter

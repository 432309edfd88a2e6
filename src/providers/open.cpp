#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "log/format.hpp"
#include "postgres_jobs/provider.hpp"
#include "providers/broker_owned.hpp"
#include "providers/http_provider.hpp"
#include "providers/later_provider.hpp"
#include "providers/schemes.hpp"
#include "providers/sqs_provider.hpp"

#include <tranter/provider.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace tranter {
namespace {

namespace fs = std::filesystem;

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

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator entry(directory, failure); !failure && entry != fs::end(entry);
         entry.increment(failure))
        names.push_back(entry->path().filename());
    return names;
}

/// Made and then forgotten it would look like a store whose jobs are all done.
Result<> check_holds_data(const std::string& directory) {
    std::error_code failure;
    if (fs::is_directory(directory, failure)) {
        const auto names = names_in(directory);
        const bool has_data = std::ranges::any_of(names, [](const std::string& name) {
            return log::parse_segment_name(name).has_value();
        });
        if (has_data) return {};
        return fail(
            Errc::not_found,
            fmt::format(
                "directory {} holds no data of tranter; enqueueing a job into it makes some, and "
                "so does tranter serve --data",
                one_line(directory)
            )
        );
    }
    if (failure && failure != std::errc::no_such_file_or_directory) return {};  // opening says it
    if (fs::exists(directory, failure)) return {};                              // so here
    fs::path path = fs::absolute(directory).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    const auto names = names_in(path.parent_path());
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return fail(
        Errc::not_found,
        fmt::format(
            "there is no data directory {}{}; enqueueing a job makes it, and so does tranter "
            "serve --data",
            one_line(directory),
            one_line(did_you_mean(path.filename().string(), candidates))
        )
    );
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
    if (!options.create) {
        if (auto good = check_holds_data(std::string(rest)); !good) {
            return std::unexpected(good.error());
        }
    }
    return providers::open_broker_provider({.directory = rest, .provider = options});
}

Result<std::shared_ptr<Provider>> open_memory(
    std::string_view url, std::string_view rest, const ProviderOptions& options
) {
    if (!rest.empty()) return refuse_url(url, "nothing may follow memory:");
    return providers::open_broker_provider({.provider = options});
}

Result<std::shared_ptr<Provider>> open_by_scheme(
    std::string_view url, const ProviderOptions& options
) {
    const std::size_t colon = url.find(':');
    const std::string_view scheme = url.substr(0, colon);
    if (colon == std::string_view::npos) {
        return refuse_url(url, "must begin with memory:, file:, http:, https:, sqs: or postgres:");
    }
    const std::string_view rest = url.substr(colon + 1);
    if (scheme == "memory") return open_memory(url, rest, options);
    if (options.virtual_time) return refuse_url(url, "only memory: has virtual time");
    if (scheme == "file") return open_file(url, rest, options);
    if (scheme == "http" || scheme == "https") return providers::make_http_provider(url, options);
    if (scheme == "sqs") return providers::make_sqs_provider(url, options);
    if (scheme == "postgres" || scheme == "postgresql") {
        return postgres_jobs::open_postgres_provider(url, options);
    }
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

}  // namespace

Result<std::shared_ptr<Provider>> open_provider(
    std::string_view url, const ProviderOptions& options
) {
    auto jobs = open_by_scheme(url, options);
    if (!jobs || options.schedule_store.empty()) return jobs;
    return providers::keep_later_jobs(std::move(*jobs), options.schedule_store);
}

}  // namespace tranter

#include "sqs/names.hpp"

#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::sqs {

namespace {

std::string_view partition_of(std::string_view region) {
    if (region.starts_with("cn-")) return "aws-cn";
    if (region.starts_with("us-gov-")) return "aws-us-gov";
    return "aws";
}

std::string_view last_segment(std::string_view path) {
    while (path.ends_with('/'))
        path.remove_suffix(1);
    return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

Outcome<std::string_view> queue_name_of_url(std::string_view url) {
    const auto refuse = [&] {
        return failed(
            Code::invalid_address,
            fmt::format("The address {} is not valid for this endpoint.", shortened(url))
        );
    };
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) {
        if (url.find('/') == std::string_view::npos && url.find(':') != std::string_view::npos) {
            return refuse();
        }
        return last_segment(url);
    }
    std::string_view path = url.substr(scheme + 3);
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    const std::size_t slash = path.find('/');
    const std::string_view name =
        slash == std::string_view::npos ? std::string_view() : last_segment(path.substr(slash));
    if (name.empty()) return refuse();
    return name;
}

std::string_view queue_name_of_path(std::string_view path, std::string_view context_path) {
    if (path.starts_with(context_path)) {
        const std::string_view rest = path.substr(context_path.size());
        if (rest.empty() || rest.front() == '/') path = rest;
    }
    return last_segment(path);
}

std::string queue_url(
    const ServiceOptions& options, std::string_view host, std::string_view queue
) {
    std::string url;
    url.reserve(96);
    if (options.public_url.empty()) {
        url += "http://";
        url += host.empty() ? std::string_view("localhost") : host;
    } else {
        url += options.public_url;
    }
    url += options.context_path;
    url += '/';
    url += options.account.empty() ? std::string_view("queue") : options.account;
    url += '/';
    url += queue;
    return url;
}

std::string queue_arn(const ServiceOptions& options, std::string_view queue) {
    return fmt::format(
        "arn:{}:sqs:{}:{}:{}", partition_of(options.region), options.region, options.account, queue
    );
}

std::optional<std::string_view> queue_name_of_arn(std::string_view arn) {
    std::array<std::string_view, 5> parts;
    for (auto& part : parts) {
        const std::size_t colon = arn.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        part = arn.substr(0, colon);
        arn.remove_prefix(colon + 1);
    }
    const bool of_queue = parts[0] == "arn" && parts[1].starts_with("aws") && parts[2] == "sqs";
    if (!of_queue || arn.empty() || arn.find(':') != std::string_view::npos) return std::nullopt;
    return arn;
}

}  // namespace tranter::sqs

#include "aws/aws_credentials.hpp"

#include "aws/json.hpp"
#include "aws/service_url.hpp"
#include "base/unicode.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

namespace tranter::aws {

namespace {

// Link-local addresses of the container and instance endpoints of AWS.
constexpr std::string_view container_origin = "http://169.254.170.2";
constexpr auto container_hosts =
    std::to_array<std::string_view>({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"});
constexpr std::string_view instance_origin = "http://169.254.169.254";
// A machine outside of AWS drops these packets; people should not wait long for that.
constexpr std::chrono::seconds metadata_timeout(1);

constexpr std::string_view local_key = "tranter";

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string setting(const std::map<std::string, std::string>& settings, const std::string& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? "" : found->second;
}

/// The document that container and instance endpoints answer with.
Result<std::optional<AwsCredentials>> read_document(
    std::string_view source, const Result<http::ClientResponse>& response
) {
    if (!response) {
        return fail(
            Errc::unauthenticated,
            fmt::format("cannot get credentials from {}: {}", source, response.error().message())
        );
    }
    if (response->status != 200) {
        return fail(
            Errc::unauthenticated,
            fmt::format("cannot get credentials from {}: HTTP {}", source, response->status)
        );
    }
    const auto document = Json::parse(response->body);
    if (document && (*document)["AccessKeyId"].is_text()) {
        return AwsCredentials{
            .access_key = std::string((*document)["AccessKeyId"].text()),
            .secret_key = std::string((*document)["SecretAccessKey"].text()),
            .session_token = std::string((*document)["Token"].text()),
        };
    }
    return fail(
        Errc::unauthenticated,
        fmt::format("the answer of {} has no AccessKeyId, expected credentials as JSON", source)
    );
}

}  // namespace

AwsProfiles parse_aws_profiles(std::string_view text) {
    AwsProfiles profiles;
    std::map<std::string, std::string>* current = nullptr;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view raw = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::string_view line = trim(raw);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            std::string_view name = trim(line.substr(1, line.find(']') - 1));
            constexpr std::string_view prefix = "profile ";
            if (name.starts_with(prefix)) name = trim(name.substr(prefix.size()));
            current = &profiles[std::string(name)];
            continue;
        }
        const std::size_t equals = line.find('=');
        const bool nested = raw.front() == ' ' || raw.front() == '\t';
        if (current == nullptr || nested || equals == std::string_view::npos) continue;
        (*current)[std::string(trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
    }
    return profiles;
}

Result<AwsSettings> AwsSettings::load(Options options) {
    AwsSettings settings(std::move(options));
    const std::string home = settings.variable("HOME");
    std::string name = settings.options_.profile;
    if (name.empty()) name = settings.variable("AWS_PROFILE");
    if (name.empty()) name = settings.variable("AWS_DEFAULT_PROFILE");
    const bool asked_for = !name.empty();
    if (name.empty()) name = "default";

    bool exists = false;
    const std::array<std::pair<std::string, std::string>, 2> files{{
        {"AWS_CONFIG_FILE", home + "/.aws/config"},
        {"AWS_SHARED_CREDENTIALS_FILE", home + "/.aws/credentials"},
    }};
    for (const auto& [variable, standard] : files) {
        const std::string given = settings.variable(variable);
        const auto text = read_file(given.empty() ? standard : given);
        if (!text) continue;
        AwsProfiles profiles = parse_aws_profiles(*text);
        const auto found = profiles.find(name);
        if (found == profiles.end()) continue;
        exists = true;
        // The credentials file is read second and wins.
        for (auto& [key, value] : found->second) {
            settings.profile_[key] = value;
        }
    }
    if (asked_for && !exists) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "there is no AWS profile {} in {} or {}",
                in_quotes(name),
                files[0].second,
                files[1].second
            )
        );
    }
    return settings;
}

std::string AwsSettings::variable(const std::string& name) const {
    const char* value = options_.environment(name);
    return value == nullptr ? "" : value;
}

std::optional<std::string> AwsSettings::region() const {
    for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
        if (std::string value = variable(name); !value.empty()) return value;
    }
    if (std::string value = setting(profile_, "region"); !value.empty()) return value;
    return std::nullopt;
}

Result<std::optional<AwsCredentials>> AwsSettings::find_credentials(bool with_instance) const {
    using Source = Found (AwsSettings::*)() const;
    std::vector<Source> sources;
    // A profile named on the command line is meant; one in the environment is only a default.
    if (options_.profile.empty()) sources.push_back(&AwsSettings::from_environment);
    sources.push_back(&AwsSettings::from_profile);
    if (options_.profile.empty()) sources.push_back(&AwsSettings::from_container);
    if (options_.profile.empty() && with_instance) sources.push_back(&AwsSettings::from_instance);
    for (const Source source : sources) {
        Found found = (this->*source)();
        if (!found || *found) return found;
    }
    return std::nullopt;
}

AwsSettings::Found AwsSettings::from_environment() const {
    AwsCredentials credentials{
        .access_key = variable("AWS_ACCESS_KEY_ID"),
        .secret_key = variable("AWS_SECRET_ACCESS_KEY"),
        .session_token = variable("AWS_SESSION_TOKEN"),
    };
    if (credentials.access_key.empty() && credentials.secret_key.empty()) return std::nullopt;
    if (credentials.access_key.empty() || credentials.secret_key.empty()) {
        return fail(
            Errc::unauthenticated,
            "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set, expected both"
        );
    }
    return credentials;
}

AwsSettings::Found AwsSettings::from_profile() const {
    AwsCredentials credentials{
        .access_key = setting(profile_, "aws_access_key_id"),
        .secret_key = setting(profile_, "aws_secret_access_key"),
        .session_token = setting(profile_, "aws_session_token"),
    };
    if (!credentials.access_key.empty() && !credentials.secret_key.empty()) return credentials;
    for (const char* name : {"role_arn", "sso_session", "sso_start_url", "credential_process"}) {
        if (!profile_.contains(name)) continue;
        return fail(
            Errc::unauthenticated,
            fmt::format(
                "the AWS profile uses {}, which is not supported: run `aws configure "
                "export-credentials --format env` and put its output into the environment",
                name
            )
        );
    }
    return std::nullopt;
}

AwsSettings::Found AwsSettings::from_container() const {
    const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    std::string url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative.empty()) url = std::string(container_origin) + relative;
    if (url.empty()) return std::nullopt;

    const auto where = parse_service_url(url.substr(0, url.find('?')));
    if (!where) return std::unexpected(where.error());
    bool trusted = where->is_loopback() || url.starts_with("https://");
    for (const std::string_view host : container_hosts) {
        trusted = trusted || where->host == host;
    }
    if (!trusted) {
        return fail(
            Errc::unauthenticated,
            fmt::format(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI names {}, expected https, this machine or the "
                "container endpoint of AWS",
                in_quotes(where->host)
            )
        );
    }
    http::ClientRequest request{.url = url, .timeout = metadata_timeout};
    std::string token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const std::string file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        !file.empty()) {
        const auto text = read_file(file);
        if (!text) {
            return fail(
                Errc::unauthenticated,
                fmt::format(
                    "cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE {}", in_quotes(file)
                )
            );
        }
        token = trim(text->substr(0, text->find('\n')));
    }
    if (!token.empty()) request.headers.emplace_back("Authorization", token);
    return read_document("the container endpoint", options_.fetch(request));
}

AwsSettings::Found AwsSettings::from_instance() const {
    if (variable("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
    std::string origin = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (origin.empty()) origin = instance_origin;
    while (origin.ends_with('/')) {
        origin.pop_back();
    }
    const http::ClientRequest for_token{
        .method = "PUT",
        .url = origin + "/latest/api/token",
        .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "300"}},
        .timeout = metadata_timeout,
    };
    const auto token = options_.fetch(for_token);
    // Not an instance: this source has nothing, which is no error.
    if (!token || token->status != 200) return std::nullopt;

    const std::string roles = origin + "/latest/meta-data/iam/security-credentials/";
    http::ClientRequest request{
        .url = roles,
        .headers = {{"X-aws-ec2-metadata-token", std::string(trim(token->body))}},
        .timeout = metadata_timeout,
    };
    const auto role = options_.fetch(request);
    if (!role || role->status != 200) return std::nullopt;
    request.url = roles + std::string(trim(role->body.substr(0, role->body.find('\n'))));
    return read_document("the instance metadata", options_.fetch(request));
}

Result<AwsCredentials> credentials_for(const AwsSettings& settings, const ServiceUrl& endpoint) {
    const bool local = endpoint.is_loopback();
    auto found = settings.find_credentials(!local);
    if (!found) return std::unexpected(found.error());
    if (*found) return std::move(**found);
    if (local) {
        return AwsCredentials{
            .access_key = std::string(local_key), .secret_key = std::string(local_key)};
    }
    return fail(
        Errc::unauthenticated,
        fmt::format(
            "no credentials for {}, expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a "
            "profile in ~/.aws or an instance role",
            endpoint.text
        )
    );
}

}  // namespace tranter::aws

#pragma once

#include "aws/service_url.hpp"
#include "base/error.hpp"
#include "http/client.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::aws {

/// Keys to sign with. Never printed.
struct AwsCredentials {
    std::string access_key{};
    std::string secret_key{};
    std::string session_token{};
};

/// Sections of an AWS shared file, each with its settings.
using AwsProfiles = std::map<std::string, std::map<std::string, std::string>>;

/// Reads the INI dialect of ~/.aws/credentials and ~/.aws/config; "[profile x]" becomes "x".
/// Nested (indented) settings are skipped, so are lines that are none.
AwsProfiles parse_aws_profiles(std::string_view text);

/// Finds region and credentials where AWS tools look for them, in their order: a profile that was
/// named, environment, shared files, container endpoint, instance metadata. Assumed roles and
/// single sign-on are not supported; a profile that needs them is an error that says what to do.
class AwsSettings {
  public:
    struct Options {
        std::string profile{};  // from --profile; empty: AWS_PROFILE, then "default"
        std::function<const char*(const std::string&)> environment{};
        std::function<Result<http::ClientResponse>(const http::ClientRequest&)> fetch{};
    };

    /// Reads the shared files. A profile that was asked for and does not exist is
    /// `invalid_argument`.
    static Result<AwsSettings> load(Options options);

    /// From the environment or the profile.
    std::optional<std::string> region() const;

    /// Nothing when no source has any. `unauthenticated` when a source is set up and does not
    /// work. Instance metadata is asked only if `with_instance`, because a machine that has none
    /// takes a second to say so.
    [[nodiscard]] Result<std::optional<AwsCredentials>> find_credentials(bool with_instance) const;

  private:
    using Found = Result<std::optional<AwsCredentials>>;

    Options options_;
    std::map<std::string, std::string> profile_{};  // settings of both files

    explicit AwsSettings(Options options) : options_(std::move(options)) {}

    std::string variable(const std::string& name) const;
    Found from_environment() const;
    Found from_profile() const;
    Found from_container() const;
    Found from_instance() const;
};

/// The credentials to call `endpoint` with. A server on this machine takes any signature unless it
/// was given keys, so it needs none to be found. `unauthenticated` when there are none for another.
[[nodiscard]] Result<AwsCredentials> credentials_for(
    const AwsSettings& settings, const ServiceUrl& endpoint
);

}  // namespace tranter::aws

#include "sqs/sigv4.hpp"

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "http/text.hpp"
#include "sqs/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tranter::sqs {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view service = "sqs";
constexpr std::string_view terminator = "aws4_request";
constexpr minutes skew_max{15};
constexpr std::int64_t expires_max = 604'800;
constexpr std::size_t signed_headers_max = 64;
constexpr std::size_t signature_digits = 64;

/// A claim to be somebody, as read from the header or the URL.
struct Claim {
    std::string key_id{};
    std::string date{};  // yyyymmdd
    std::string region{};
    std::string scope{};  // date/region/sqs/aws4_request
    std::string timestamp{};
    std::vector<std::string> signed_headers{};
    std::string signature{};
    std::optional<std::int64_t> expires{};  // presigned only
};

Failure incomplete(std::string message) {
    return {Code::incomplete_signature, std::move(message)};
}

Failure mismatch(std::string message) {
    return {Code::signature_does_not_match, std::move(message)};
}

Failure wrong_signature() {
    return mismatch(
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details."
    );
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
}

std::optional<int> digits(std::string_view text) {
    int value = 0;
    const char* end = text.data() + text.size();
    const bool plain = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    const auto result = std::from_chars(text.data(), end, value);
    if (!plain || result.ec != std::errc() || result.ptr != end) return std::nullopt;
    return value;
}

/// yyyymmddThhmmssZ
std::optional<WallTime> parse_timestamp(std::string_view text) {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    const auto year = digits(text.substr(0, 4));
    const auto month = digits(text.substr(4, 2));
    const auto day = digits(text.substr(6, 2));
    const auto hour = digits(text.substr(9, 2));
    const auto minute = digits(text.substr(11, 2));
    const auto second = digits(text.substr(13, 2));
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + minutes(*minute) +
           seconds(*second);
}

std::string format_timestamp(WallTime when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    return fmt::format(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        time.hours().count(),
        time.minutes().count(),
        time.seconds().count()
    );
}

Outcome<> read_credential(std::string_view text, Claim& claim) {
    const auto parts = split(text, '/');
    if (parts.size() != 5 || parts[0].empty() || parts[2].empty()) {
        return Failed(
            incomplete("Credential must have exactly 5 slash-delimited elements, e.g. "
                       "keyid/date/region/service/term.")
        );
    }
    if (parts[3] != service || parts[4] != terminator) {
        return Failed(mismatch("Credential should be scoped to correct service: 'sqs'."));
    }
    claim.key_id = parts[0];
    claim.date = parts[1];
    claim.region = parts[2];
    claim.scope = text.substr(parts[0].size() + 1);
    return {};
}

Outcome<> read_signed_headers(std::string_view text, Claim& claim) {
    for (const std::string_view name : split(text, ';')) {
        if (claim.signed_headers.size() == signed_headers_max || name.empty() ||
            (!claim.signed_headers.empty() && name <= claim.signed_headers.back())) {
            return Failed(incomplete(
                "SignedHeaders must be a list of different lower-case names in alphabetical order."
            ));
        }
        claim.signed_headers.emplace_back(name);
    }
    return {};
}

Outcome<Claim> read_header_claim(const http::Request& request, std::string_view value) {
    Claim claim;
    if (!value.starts_with(algorithm) || value.size() == algorithm.size() ||
        value[algorithm.size()] != ' ') {
        return Failed(incomplete("Authorization must begin with 'AWS4-HMAC-SHA256 '."));
    }
    value.remove_prefix(algorithm.size());
    bool has_credential = false;
    bool has_headers = false;
    bool has_signature = false;
    for (std::string_view part : split(value, ',')) {
        part = http::trim(part);
        const std::size_t equals = part.find('=');
        const std::string_view name = part.substr(0, equals);
        const std::string_view content =
            equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
        Outcome<> good;
        if (name == "Credential" && !has_credential) {
            has_credential = true;
            good = read_credential(content, claim);
        } else if (name == "SignedHeaders" && !has_headers) {
            has_headers = true;
            good = read_signed_headers(content, claim);
        } else if (name == "Signature" && !has_signature) {
            has_signature = true;
            claim.signature = content;
        } else {
            return Failed(incomplete(fmt::format(
                "'{}' is not a valid key=value pair in Authorization header.", shortened(part, 64)
            )));
        }
        if (!good) return Failed(good.error());
    }
    if (!has_credential || !has_headers || !has_signature) {
        return Failed(
            incomplete("Authorization header requires 'Credential', 'Signature' and "
                       "'SignedHeaders' parameters.")
        );
    }
    const auto date = request.header("x-amz-date");
    if (!date) {
        return Failed(incomplete("Authorization header requires existence of 'X-Amz-Date' header.")
        );
    }
    claim.timestamp = *date;
    return claim;
}

struct QueryPart {
    std::string name;
    std::string value;
};

/// Nothing when an escape is broken.
std::optional<std::vector<QueryPart>> read_query(std::string_view query) {
    std::vector<QueryPart> parts;
    if (query.empty()) return parts;
    for (const std::string_view part : split(query, '&')) {
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        auto name = percent_decode(part.substr(0, equals), PlusSign::space);
        auto value = equals == std::string_view::npos
                         ? std::optional(std::string())
                         : percent_decode(part.substr(equals + 1), PlusSign::space);
        if (!name || !value) return std::nullopt;
        parts.push_back({std::move(*name), std::move(*value)});
    }
    return parts;
}

const std::string* find(const std::vector<QueryPart>& parts, std::string_view name) {
    const auto found = std::ranges::find(parts, name, &QueryPart::name);
    return found == parts.end() ? nullptr : &found->value;
}

Outcome<Claim> read_query_claim(const std::vector<QueryPart>& query) {
    Claim claim;
    const std::array<std::string_view, 6> names{
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature"};
    std::array<const std::string*, names.size()> values{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        values[i] = find(query, names[i]);
        const auto count = std::ranges::count(query, names[i], &QueryPart::name);
        if (count != 1) {
            return Failed(incomplete(
                fmt::format("A presigned URL must have the parameter {} once.", names[i])
            ));
        }
    }
    if (*values[0] != algorithm) {
        return Failed(incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256."));
    }
    if (Outcome<> good = read_credential(*values[1], claim); !good) return Failed(good.error());
    claim.timestamp = *values[2];
    const auto expires = digits(*values[3]);
    if (!expires || *expires < 1 || *expires > expires_max) {
        return Failed(incomplete("X-Amz-Expires must be between 1 and 604800 seconds."));
    }
    claim.expires = *expires;
    if (Outcome<> good = read_signed_headers(*values[4], claim); !good) {
        return Failed(good.error());
    }
    claim.signature = *values[5];
    return claim;
}

Outcome<> check_time(const Claim& claim, WallTime now) {
    const auto signed_at = parse_timestamp(claim.timestamp);
    if (!signed_at) {
        return Failed(incomplete(
            fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'.", claim.timestamp)
        ));
    }
    if (!claim.timestamp.starts_with(claim.date) || claim.date.size() != 8) {
        return Failed(mismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP."
        ));
    }
    if (*signed_at > now + skew_max) {
        return Failed(mismatch(fmt::format(
            "Signature not yet current: {} is still later than {} ({} + 15 min.)",
            claim.timestamp,
            format_timestamp(now + skew_max),
            format_timestamp(now)
        )));
    }
    if (claim.expires) {
        if (now > *signed_at + seconds(*claim.expires)) {
            return failed(Code::request_expired, "Request has expired.");
        }
        return {};
    }
    if (*signed_at < now - skew_max) {
        return Failed(mismatch(fmt::format(
            "Signature expired: {} is now earlier than {} ({} - 15 min.)",
            claim.timestamp,
            format_timestamp(now - skew_max),
            format_timestamp(now)
        )));
    }
    return {};
}

/// `host` and every x-amz-* header that is present must be signed.
Outcome<> check_coverage(const http::Request& request, const Claim& claim) {
    const auto covered = [&](std::string_view name) {
        return std::ranges::binary_search(claim.signed_headers, name, std::less<>());
    };
    if (!covered("host")) {
        return Failed(mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }
    for (const http::Header& header : request.headers) {
        const std::string name = lower(header.name);
        if (name.starts_with("x-amz-") && !covered(name)) {
            return Failed(mismatch(
                fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", name)
            ));
        }
    }
    return {};
}

/// Surrounding blanks off, runs of them as one.
void append_collapsed(std::string& out, std::string_view value) {
    value = http::trim(value);
    bool blank = false;
    for (const char c : value) {
        if (c == ' ' && blank) continue;
        blank = c == ' ';
        out += c;
    }
}

/// Names and values as a client that encodes everything would sign them.
std::string normalized_query(const std::vector<QueryPart>& parts) {
    std::vector<std::string> encoded;
    for (const QueryPart& part : parts) {
        if (part.name == "X-Amz-Signature") continue;
        std::string text;
        append_percent_encoded(text, part.name);
        text += '=';
        append_percent_encoded(text, part.value);
        encoded.push_back(std::move(text));
    }
    std::ranges::sort(encoded);
    return fmt::format("{}", fmt::join(encoded, "&"));
}

/// Names and values as they stand in the URL, which is what some clients sign.
std::string literal_query(std::string_view query) {
    std::vector<std::string_view> parts;
    for (const std::string_view part : split(query, '&')) {
        if (!part.empty() && !part.starts_with("X-Amz-Signature=")) parts.push_back(part);
    }
    std::ranges::sort(parts);
    return fmt::format("{}", fmt::join(parts, "&"));
}

std::string canonical_request(
    const http::Request& request, const Claim& claim, std::string_view query
) {
    std::string text;
    text.reserve(512);
    text += request.method;
    text += '\n';
    append_percent_encoded(text, request.path.empty() ? "/" : request.path, Slash::keep);
    text += '\n';
    text += query;
    text += '\n';
    for (const std::string& name : claim.signed_headers) {
        text += name;
        text += ':';
        bool first = true;
        for (const http::Header& header : request.headers) {
            if (lower(header.name) != name) continue;
            if (!first) text += ',';
            first = false;
            append_collapsed(text, header.value);
        }
        text += '\n';
    }
    text += '\n';
    text += fmt::format("{}", fmt::join(claim.signed_headers, ";"));
    text += '\n';
    append_hex(text, sha256(request.body));
    return text;
}

std::string compute_signature(
    const Claim& claim, std::string_view secret, std::string_view canonical
) {
    const auto next = [](const Sha256Digest& key, std::string_view data) {
        return hmac_sha256(std::span<const std::uint8_t>(key), data);
    };
    Sha256Digest key = hmac_sha256(fmt::format("AWS4{}", secret), claim.date);
    key = next(key, claim.region);
    key = next(key, service);
    key = next(key, terminator);
    const std::string to_sign = fmt::format(
        "{}\n{}\n{}\n{}", algorithm, claim.timestamp, claim.scope, to_hex(sha256(canonical))
    );
    return to_hex(next(key, to_sign));
}

Outcome<Claim> read_claim(const http::Request& request, const std::vector<QueryPart>& query) {
    const auto header = request.header("authorization");
    const bool presigned = find(query, "X-Amz-Signature") != nullptr ||
                           find(query, "X-Amz-Credential") != nullptr ||
                           find(query, "X-Amz-Algorithm") != nullptr;
    if (request.count("authorization") > 1 || request.count("x-amz-date") > 1 ||
        (header && presigned)) {
        return Failed(incomplete("The request is signed more than once."));
    }
    if (header) return read_header_claim(request, *header);
    if (presigned) return read_query_claim(query);
    return failed(Code::missing_authentication_token, "Request is missing Authentication Token");
}

}  // namespace

Outcome<std::string> authenticate(
    const http::Request& request, const AuthOptions& options, WallTime now
) {
    const auto query = read_query(request.query);
    if (!query) return Failed(incomplete("The URL has a percent sign without two digits."));
    const Outcome<Claim> claim = read_claim(request, *query);
    if (!claim) return Failed(claim.error());
    if (request.count("x-amz-security-token") > 0 || find(*query, "X-Amz-Security-Token")) {
        return failed(
            Code::invalid_client_token_id, "The security token included in the request is invalid."
        );
    }
    if (Outcome<> good = check_time(*claim, now); !good) return Failed(good.error());
    if (Outcome<> good = check_coverage(request, *claim); !good) return Failed(good.error());

    // The same work for a key that we do not have, so that the time tells nobody which exist.
    const auto known = options.keys.find(claim->key_id);
    constexpr std::string_view nobodys_secret = "a secret that signs nothing";
    const std::string_view secret = known == options.keys.end() ? nobodys_secret : known->second;
    const auto signed_with = [&](std::string_view canonical_query) {
        const std::string expected =
            compute_signature(*claim, secret, canonical_request(request, *claim, canonical_query));
        return claim->signature.size() == signature_digits &&
               equal_in_constant_time(expected, claim->signature);
    };
    bool matches = signed_with(normalized_query(*query));
    if (!matches && !query->empty()) matches = signed_with(literal_query(request.query));

    if (known == options.keys.end()) {
        return failed(
            Code::invalid_client_token_id, "The security token included in the request is invalid."
        );
    }
    if (!matches) return Failed(wrong_signature());
    if (!options.regions.empty() &&
        std::ranges::find(options.regions, claim->region) == options.regions.end()) {
        return Failed(mismatch(
            fmt::format("Credential should be scoped to a valid region, not '{}'.", claim->region)
        ));
    }
    return claim->key_id;
}

std::string_view claimed_access_key(const http::Request& request) {
    constexpr std::size_t bytes_max = 128;
    constexpr std::string_view member = "Credential=";
    const auto header = request.header("authorization");
    if (!header) return {};
    const std::size_t begin = header->find(member);
    if (begin == std::string_view::npos) return {};
    const std::string_view rest = header->substr(begin + member.size());
    const std::string_view key = rest.substr(0, rest.find('/'));
    const bool plain = std::ranges::all_of(key, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    return plain && key.size() <= bytes_max ? key : std::string_view();
}

}  // namespace tranter::sqs

#include "base/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

namespace tranter {
namespace {

constexpr std::string_view redacted = "[redacted]";
constexpr std::size_t secret_bytes_min = 8;

struct KnownSecrets {
    std::shared_mutex mutex{};
    std::vector<std::string> texts{};  // guarded by mutex; the longest first
};

// Never destroyed, as the log.
KnownSecrets& known_secrets() {
    static KnownSecrets& secrets = *new KnownSecrets;
    return secrets;
}

char to_small(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string in_small(std::string_view text) {
    std::string small(text);
    std::ranges::transform(small, small.begin(), to_small);
    return small;
}

bool has_part(std::string_view small_name, std::span<const std::string_view> parts) {
    return std::ranges::any_of(parts, [&](std::string_view part) {
        return small_name.find(part) != std::string_view::npos;
    });
}

bool is_between_words(char c) {
    return c == '_' || c == '-' || c == '.';
}

bool is_word(char c) {
    return (c >= '0' && c <= '9') || (to_small(c) >= 'a' && to_small(c) <= 'z') || c == '_' ||
           c == '-';
}

bool ends_value(char c) {
    return c <= ' ' || c == '&' || c == ';' || c == ',' || c == '"' || c == '\'' || c == ')';
}

bool begins_with(std::string_view text, std::string_view lower_case_word) {
    return text.size() >= lower_case_word.size() &&
           std::ranges::equal(
               text.substr(0, lower_case_word.size()), lower_case_word, {}, to_small
           );
}

/// A piece of the text that is to be hidden.
struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::size_t end_of_value(std::string_view text, std::size_t begin) {
    std::size_t end = begin;
    while (end < text.size() && !ends_value(text[end]))
        ++end;
    return end;
}

/// Who knows the path of such a URL may post.
std::size_t webhook_path(std::string_view address) {
    for (const std::string_view host :
         {"hooks.slack.com/services/",
          "discord.com/api/webhooks/",
          "discordapp.com/api/webhooks/"}) {
        if (begins_with(address, host)) return host.size();
    }
    return 0;
}

/// `begin` stands behind "://".
Piece secret_of_url(std::string_view text, std::size_t begin) {
    if (const std::size_t path = webhook_path(text.substr(begin)); path > 0) {
        return {begin + path, end_of_value(text, begin)};
    }
    std::size_t end = begin;
    while (end < text.size() && !ends_value(text[end]) && text[end] != '/' && text[end] != '?' &&
           text[end] != '#')
        ++end;
    const std::size_t at = text.substr(begin, end - begin).rfind('@');
    if (at == std::string_view::npos) return {};
    const std::size_t colon = text.substr(begin, at).find(':');
    return {colon == std::string_view::npos ? begin : begin + colon + 1, begin + at};
}

/// The value behind `name=` or `"name":"`, whose sign stands at `i`.
Piece named_value(std::string_view text, std::size_t i, bool (*is_secret)(std::string_view)) {
    std::size_t name_end = i;
    const bool is_quoted = text[i] == ':';
    if (is_quoted) {
        if (name_end == 0 || text[name_end - 1] != '"') return {};
        --name_end;
    }
    std::size_t name_begin = name_end;
    while (name_begin > 0 && is_word(text[name_begin - 1]))
        --name_begin;
    if (!is_secret(text.substr(name_begin, name_end - name_begin))) return {};
    std::size_t begin = i + 1;
    if (is_quoted) {
        while (begin < text.size() && text[begin] == ' ')
            ++begin;
        if (begin == text.size() || text[begin] != '"') return {};
    }
    if (begin < text.size() && (text[begin] == '"' || text[begin] == '\'')) {
        const std::size_t end = text.find(text[begin], begin + 1);
        return {begin + 1, end == std::string_view::npos ? text.size() : end};
    }
    return {begin, end_of_value(text, begin)};
}

/// Credentials of a header, or a secret of webhooks, that begin at `i`.
Piece marked_value(std::string_view text, std::size_t i) {
    if (i > 0 && is_word(text[i - 1])) return {};
    const std::string_view here = text.substr(i);
    if (here.starts_with("whsec_")) return {i, end_of_value(text, i)};
    for (const std::string_view scheme : {"bearer ", "basic "}) {
        if (!begins_with(here, scheme)) continue;
        const std::size_t begin = i + scheme.size();
        const std::size_t end = end_of_value(text, begin);
        if (end - begin >= secret_bytes_min) return {begin, end};
    }
    return {};
}

Piece secret_at(std::string_view text, std::size_t i, bool (*is_secret)(std::string_view)) {
    switch (to_small(text[i])) {
        case ':':
            if (text.substr(i).starts_with("://")) return secret_of_url(text, i + 3);
            return named_value(text, i, is_secret);
        case '=':
            return named_value(text, i, is_secret);
        case 'w':
        case 'b':
            return marked_value(text, i);
        default:
            return {};
    }
}

std::string without_known(std::string text) {
    KnownSecrets& known = known_secrets();
    const std::shared_lock lock(known.mutex);
    for (const std::string& secret : known.texts) {
        std::size_t found = text.find(secret);
        while (found != std::string::npos) {
            text.replace(found, secret.size(), redacted);
            found = text.find(secret, found + redacted.size());
        }
    }
    return text;
}

}  // namespace

bool is_secret_name(std::string_view name) {
    constexpr std::array<std::string_view, 10> parts{
        "secret",
        "token",
        "password",
        "passwd",
        "passphrase",
        "authorization",
        "signature",
        "credential",
        "api_key",
        "apikey"};
    const std::string small = in_small(name);
    // DB_PASS, PGPASS
    return has_part(small, parts) || small.ends_with("pass");
}

bool is_secret_setting(std::string_view name) {
    constexpr std::array<std::string_view, 10> parts{
        "key", "pass", "auth", "jwt", "webhook", "salt", "cookie", "_dsn", "_pwd", "-pwd"};
    // PATH and TASK are none.
    constexpr std::array<std::string_view, 3> endings{"pat", "sk", "pw"};
    if (is_secret_name(name)) return true;
    const std::string small = in_small(name);
    if (has_part(small, parts)) return true;
    return std::ranges::any_of(endings, [&](std::string_view ending) {
        if (!small.ends_with(ending)) return false;
        const std::size_t before = small.size() - ending.size();
        return before == 0 || is_between_words(small[before - 1]);
    });
}

std::string without_secrets(std::string_view text, bool (*is_secret)(std::string_view)) {
    std::string out;
    out.reserve(text.size());
    std::size_t i = 0;
    while (i < text.size()) {
        const Piece secret = secret_at(text, i, is_secret);
        if (secret.end > secret.begin) {
            out.append(text.substr(i, secret.begin - i)).append(redacted);
            i = secret.end;
        } else {
            out += text[i++];
        }
    }
    return without_known(std::move(out));
}

void hide_secret(std::string_view secret) {
    if (secret.size() < secret_bytes_min) return;
    KnownSecrets& known = known_secrets();
    const std::lock_guard lock(known.mutex);
    if (std::ranges::find(known.texts, secret) != known.texts.end()) return;
    known.texts.emplace_back(secret);
    // One may be a part of another.
    std::ranges::sort(known.texts, std::ranges::greater(), &std::string::size);
}

}  // namespace tranter

#include "base/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <shared_mutex>
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

/// `begin` stands behind "://".
Piece user_info(std::string_view text, std::size_t begin) {
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
Piece named_value(std::string_view text, std::size_t i) {
    std::size_t name_end = i;
    const bool is_quoted = text[i] == ':';
    if (is_quoted) {
        if (name_end == 0 || text[name_end - 1] != '"') return {};
        --name_end;
    }
    std::size_t name_begin = name_end;
    while (name_begin > 0 && is_word(text[name_begin - 1]))
        --name_begin;
    if (!is_secret_name(text.substr(name_begin, name_end - name_begin))) return {};
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

Piece secret_at(std::string_view text, std::size_t i) {
    switch (to_small(text[i])) {
        case ':':
            if (text.substr(i).starts_with("://")) return user_info(text, i + 3);
            return named_value(text, i);
        case '=':
            return named_value(text, i);
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
    constexpr std::array<std::string_view, 9> words{
        "secret",
        "token",
        "password",
        "passwd",
        "authorization",
        "signature",
        "credential",
        "api_key",
        "apikey"};
    std::string small(name);
    std::ranges::transform(small, small.begin(), to_small);
    return std::ranges::any_of(words, [&](std::string_view word) {
        return small.find(word) != std::string::npos;
    });
}

std::string without_secrets(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t i = 0;
    while (i < text.size()) {
        const Piece secret = secret_at(text, i);
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

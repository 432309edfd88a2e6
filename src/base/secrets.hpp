#pragma once

#include <string>
#include <string_view>

/// What keeps secrets out of everything that we show: logs, health, errors of calls.
namespace tranter {

/// True when values of a field or variable of this name must not be shown.
bool is_secret_name(std::string_view name);

/// The same of variables and options of programs that we know nothing of, and show only to people:
/// what is hidden for nothing costs a flag, what is shown for nothing a password. So it goes by
/// parts of names too (`key`, `pass`, `auth`), which would hide half of our own log.
bool is_secret_setting(std::string_view name);

/// `text` with "[redacted]" in the place of
///  - what hide_secret() was told,
///  - the password in a URL (`http://user:password@host`), or all before the `@` without one,
///  - `whsec_...`, and what follows `Bearer ` or `Basic `,
///  - values of names that say that they are secret: `token=...`, `"password":"..."`.
///  - the path of Slack's and Discord's webhooks, which is all that they ask for.
/// `is_secret` says which names do. Thread-safe.
std::string without_secrets(
    std::string_view text, bool (*is_secret)(std::string_view name) = is_secret_name
);

/// Every later without_secrets() hides it, wherever it stands. For what this process was given by
/// its owner: tokens, keys. Texts of less than 8 bytes are too common and are not remembered.
/// Thread-safe; there is no way to forget one, as what was shown once is shown for good.
void hide_secret(std::string_view secret);

}  // namespace tranter

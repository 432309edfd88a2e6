#pragma once

#include <tranter/payload.hpp>
#include <tranter/retry.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

/// A job is a plain struct (payload.hpp) that says what it is called:
///
///     struct SendWelcome {
///         std::uint64_t user_id{};
///         std::string locale = "en";
///         static constexpr std::string_view kind = "email.welcome";
///         static constexpr tranter::JobDefaults defaults{.queue = "mail", .timeout = 30s};
///         static constexpr auto unique = std::tuple{&SendWelcome::user_id};  // or {"user_id"}
///     };
///
/// `defaults` and `unique` may be left out. Whatever is wrong with one of the three does not
/// compile, and the compiler says what it is.
namespace tranter {

/// What a job is enqueued with unless the caller says otherwise.
struct JobDefaults {
    std::string_view queue = "default";
    std::chrono::milliseconds timeout{};  // of an attempt; 0: none
    RetryPolicy retry{};
    int priority = 5;  // 0 (first) to 9

    /// What contradicts itself, as a sentence; empty when nothing does.
    constexpr std::string_view problem() const {
        if (queue.empty()) return "queue is empty";
        if (timeout.count() < 0) return "timeout is below zero";
        if (priority < 0 || priority > 9) return "priority is not between 0 and 9";
        return retry.problem();
    }
};

inline constexpr std::size_t kind_bytes_max = 128;

/// The name of a kind of job, as it is stored: 1 to 128 letters, digits and `_ - . : /`.
constexpr bool is_valid_kind(std::string_view kind) {
    for (const char c : kind) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && std::string_view("_-.:/").find(c) == std::string_view::npos) {
            return false;
        }
    }
    return !kind.empty() && kind.size() <= kind_bytes_max;
}

namespace detail {

template <class T>
concept HasKind = requires {
    { T::kind } -> std::convertible_to<std::string_view>;
};
template <class T>
concept HasDefaults = requires {
    T::defaults;
};
template <class T>
concept HasUnique = requires {
    T::unique;
};

/// Instantiated for the complaint: its name has the type in it.
template <class Job>
struct CheckJob {
    static_assert(
        HasKind<Job>,
        "this job has no static `kind`: add `static constexpr std::string_view kind = \"...\";`"
    );
    static constexpr bool ok = true;
};

}  // namespace detail

/// A plain struct with a static `kind`.
template <class T>
concept Job = detail::Struct<T> && detail::HasKind<T>;

/// The stable name on the wire.
template <class T>
consteval std::string_view job_kind() {
    static_assert(detail::CheckJob<T>::ok);
    if constexpr (detail::HasKind<T>) {
        static_assert(
            is_valid_kind(T::kind),
            "the static `kind` of this job has to be 1 to 128 letters, digits and _ - . : /"
        );
        return T::kind;
    } else {
        return {};
    }
}

template <class T>
consteval JobDefaults job_defaults() {
    if constexpr (detail::HasDefaults<T>) {
        static_assert(
            std::same_as<std::remove_cvref_t<decltype(T::defaults)>, JobDefaults>,
            "the static `defaults` of this job is not a tranter::JobDefaults"
        );
        static_assert(
            T::defaults.problem().empty(),
            "the static `defaults` of this job contradict themselves: see JobDefaults::problem()"
        );
        return T::defaults;
    } else {
        return {};
    }
}

namespace detail {

/// Whether an element of `unique` means the field: a pointer to the member, or its name.
template <class T, class Chosen, class Field>
bool chooses(const T& job, const Chosen& chosen, std::string_view name, const Field& field) {
    if constexpr (std::convertible_to<Chosen, std::string_view>) {
        return name == std::string_view(chosen);
    } else if constexpr (std::same_as<Chosen, Field T::*>) {
        return &(job.*chosen) == &field;
    } else {
        return false;
    }
}

template <class T, class Chosen>
constexpr bool is_field(const Chosen& chosen) {
    if constexpr (std::convertible_to<Chosen, std::string_view>) {
        for (const std::string_view name : field_names<T>) {
            if (name == std::string_view(chosen)) return true;
        }
        return false;
    } else {
        return std::is_member_object_pointer_v<Chosen> && requires(T job) {
            job.*chosen;
        };
    }
}

template <class T>
constexpr bool unique_has_fields_only =
    std::apply([](const auto&... chosen) { return (is_field<T>(chosen) && ...); }, T::unique);

/// Which fields are in `unique`, in the order of declaration.
template <class T>
auto chosen_fields(const T& job) {
    std::array<bool, field_count<T>()> out{};
    std::size_t index = 0;
    const auto look_at = [&](const auto& field) {
        const std::string_view name = field_names<T>[index];
        out[index++] = std::apply(
            [&](const auto&... chosen) { return (chooses(job, chosen, name, field) || ...); },
            T::unique
        );
    };
    with_fields(job, [&](const auto&... field) { (look_at(field), ...); });
    return out;
}

[[nodiscard]] Result<std::string> make_unique_key(
    std::string_view kind, std::span<const MemberToWrite> fields
);

}  // namespace detail

/// What two jobs have in common when they are the same to the user: 32 hexadecimal digits of
/// SHA-256 over the kind and the JSON of the fields in `unique`. Nothing when the job has no
/// `unique`; an empty tuple there makes all jobs of the kind the same. Fails like to_json().
template <Job T>
[[nodiscard]] Result<std::optional<std::string>> unique_key(const T& job) {
    if constexpr (detail::HasUnique<T>) {
        static_assert(
            detail::unique_has_fields_only<T>,
            "the static `unique` of this job has an element that is no field of it"
        );
        auto fields = detail::members_to_write(job);
        const auto chosen = detail::chosen_fields(job);
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!chosen[i]) fields[i].value = nullptr;
        }
        auto key = detail::make_unique_key(job_kind<T>(), fields);
        if (!key) return std::unexpected(std::move(key.error()));
        return std::optional<std::string>(std::move(*key));
    } else {
        return std::nullopt;
    }
}

}  // namespace tranter

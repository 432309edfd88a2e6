#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tranter {

/// How many letters must be inserted, removed, changed or swapped with their neighbour to turn one
/// word into the other. ASCII case does not count.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The candidate that was most likely meant by `word`, or an empty view when none is near enough
/// (more than a third of its letters differ). The view belongs to `candidates`.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> candidates);

/// ` (did you mean X?)` or nothing: follows an unknown word in an error text.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace tranter

#pragma once

#include <tranter/payload.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

/// A payload with every type that there is, for the tests and the fuzz target.
namespace tranter::jobs {

enum class Color : std::uint8_t { red, green, blue = 90, far = 200 };
enum class UserId : std::uint64_t {};
enum Weekday : std::int8_t { holiday = -1, monday, tuesday };

struct Address {
    std::string street{};
    std::optional<std::uint16_t> number{};

    bool operator==(const Address&) const = default;
};

struct Tree {
    std::int32_t value = 0;
    std::vector<Tree> children{};

    bool operator==(const Tree&) const = default;
};

struct Everything {
    bool flag = true;
    std::int8_t i8 = -8;
    std::uint8_t u8 = 8;
    std::int16_t i16{};
    std::uint16_t u16{};
    std::int32_t i32{};
    std::uint32_t u32{};
    std::int64_t i64{};
    std::uint64_t u64 = 18446744073709551615U;
    float real32 = 0.1F;
    double real64 = 1e300;
    std::string text = "plain";
    Color color = Color::green;
    UserId user{};
    Weekday weekday = monday;
    std::optional<std::string> note{};
    std::optional<std::int32_t> limit = 5;
    Address address{};
    Tree tree{};
    std::vector<Address> addresses{};
    std::vector<std::optional<bool>> votes{};
    std::deque<std::string> words{};
    std::array<std::int32_t, 3> triple{};
    std::pair<std::string, double> pair{};
    std::tuple<bool, std::list<std::int32_t>> tuple{};
    std::map<std::string, std::int64_t> counts{};
    std::unordered_map<std::int16_t, std::string> names{};
    std::chrono::seconds rest = std::chrono::seconds(90);
    std::chrono::sys_time<std::chrono::nanoseconds> when{};
    std::vector<std::byte> bytes{};
    std::array<std::byte, 2> mark{};
    Json any{};

    bool operator==(const Everything&) const = default;
};

}  // namespace tranter::jobs

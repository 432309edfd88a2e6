#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::broker {

/// Appends the parts of a record's body to a string (docs/log-format.md, section 4).
class ByteWriter {
  public:
    explicit ByteWriter(std::string& out) : out_(out) {}

    void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    /// LEB128: seven bits a byte, lowest first.
    void number(std::uint64_t value) {
        while (value >= 0x80) {
            byte(static_cast<std::uint8_t>(value | 0x80));
            value >>= 7U;
        }
        byte(static_cast<std::uint8_t>(value));
    }
    /// Zigzag, so that small negative numbers are short as well.
    void signed_number(std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        number((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
    }
    void time(Instant when) {
        const auto micros = static_cast<std::uint64_t>(when.time_since_epoch().count());
        for (unsigned shift = 0; shift < 64; shift += 8)
            byte(static_cast<std::uint8_t>(micros >> shift));
    }
    void duration(Duration length) { signed_number(length.count()); }
    void flag(bool value) { byte(value ? 1 : 0); }
    void text(std::string_view value) {
        number(value.size());
        out_.append(value);
    }
    template <class Array>
    void raw(const Array& bytes) {
        out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }

  private:
    std::string& out_;
};

/// Reads what a ByteWriter wrote. Whatever the bytes are it never reads beyond them: after the
/// first part that is not there or not in its only form, good() is false and everything reads as
/// zero.
class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    bool good() const { return good_; }
    bool at_end() const { return good_ && rest_.empty(); }
    void refuse() {
        good_ = false;
        rest_ = {};
    }

    std::uint8_t byte() {
        if (rest_.empty()) {
            refuse();
            return 0;
        }
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t part = byte();
            const std::uint64_t bits = part & 0x7FU;
            if (shift == 63 && bits > 1) break;
            value |= bits << shift;
            if ((part & 0x80U) != 0) continue;
            if (part == 0 && shift > 0) break;  // a shorter form says the same
            return value;
        }
        refuse();
        return 0;
    }
    template <class Number>
    Number number_up_to(Number max) {
        const std::uint64_t value = number();
        if (value > max) refuse();
        return good_ ? static_cast<Number>(value) : Number{};
    }
    std::uint32_t number32() { return number_up_to<std::uint32_t>(0xFFFF'FFFFU); }
    std::int64_t signed_number() {
        const std::uint64_t bits = number();
        return static_cast<std::int64_t>((bits >> 1U) ^ ((bits & 1U) != 0 ? ~std::uint64_t{0} : 0));
    }
    Instant time() {
        std::uint64_t micros = 0;
        for (unsigned shift = 0; shift < 64; shift += 8)
            micros |= std::uint64_t{byte()} << shift;
        return good_ ? Instant(Duration(static_cast<std::int64_t>(micros))) : Instant{};
    }
    Duration duration() { return Duration(signed_number()); }
    bool flag() { return choice(1) != 0; }
    /// An enumerator or a set of flags.
    std::uint8_t choice(std::uint8_t max) {
        const std::uint8_t value = byte();
        if (value > max) refuse();
        return good_ ? value : std::uint8_t{0};
    }
    std::string_view text() {
        const std::uint64_t size = number();
        if (!good_ || size > rest_.size()) {
            refuse();
            return {};
        }
        const std::string_view value = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(value.size());
        return value;
    }
    template <class Array>
    void raw(Array& bytes) {
        if (rest_.size() < bytes.size()) return refuse();
        std::memcpy(bytes.data(), rest_.data(), bytes.size());
        rest_.remove_prefix(bytes.size());
    }

  private:
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace tranter::broker

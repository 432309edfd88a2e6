#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tranter::sim {

/// Where a run's decisions come from: a seed in the simulation, a byte string in the fuzzer. The
/// same choices give the same run.
class Choices {
  public:
    virtual ~Choices() = default;
    /// False when no decision can be made any more and the run should end.
    virtual bool more() const = 0;

    /// A number in [0, bound); 0 for a bound of 0 or 1.
    std::uint64_t below(std::uint64_t bound) { return bound <= 1 ? 0 : draw(bound) % bound; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    bool percent(unsigned chance) { return below(100) < chance; }
    template <class T, std::size_t size>
    T one_of(const T (&values)[size]) {
        return values[below(size)];
    }

  private:
    /// Any number; `bound` only says how many bits will be used.
    virtual std::uint64_t draw(std::uint64_t bound) = 0;
};

/// An endless stream from one seed (splitmix64).
class SeededChoices final : public Choices {
  public:
    explicit SeededChoices(std::uint64_t seed) : state_(seed) {}
    bool more() const override { return true; }

  private:
    std::uint64_t draw(std::uint64_t) override {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

/// Decisions read from a byte string, zeros after its end. Small bounds use one byte, so that a
/// fuzzer's mutations of a byte change one decision.
class ByteChoices final : public Choices {
  public:
    explicit ByteChoices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    bool more() const override { return position_ < bytes_.size(); }

  private:
    std::uint64_t draw(std::uint64_t bound) override {
        std::uint64_t value = 0;
        for (std::uint64_t rest = bound - 1; rest != 0; rest >>= 8) {
            const std::uint8_t byte = more() ? bytes_[position_++] : 0;
            value = value << 8 | byte;
        }
        return value;
    }

    std::span<const std::uint8_t> bytes_;
    std::size_t position_ = 0;
};

}  // namespace tranter::sim

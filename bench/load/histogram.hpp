#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tranter::bench {

/// Counts values (nanoseconds here) in buckets whose width grows with the value: 64 linear buckets
/// per power of two, so a quantile is off by at most 1.6 %. Fixed memory, no allocation in add(),
/// mergeable. Not thread-safe: one per thread, merged at the end.
class Histogram {
  public:
    void add(std::uint64_t value) {
        ++buckets_[index_of(value)];
        ++count_;
        max_ = std::max(max_, value);
    }

    void merge(const Histogram& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t max() const { return max_; }

    /// The value that a `share` (0 to 1) of all values does not exceed; 0 when nothing was added.
    [[nodiscard]] std::uint64_t quantile(double share) const {
        const auto wanted =
            static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen > 0 && seen >= wanted) return std::min(last_value_of(i), max_);
        }
        return max_;
    }

  private:
    static constexpr unsigned sub_bits = 6;  // 64 buckets per power of two
    static constexpr std::uint64_t sub_buckets = 1U << sub_bits;
    static constexpr std::size_t bucket_count = (64 - sub_bits + 1) * sub_buckets;

    // Values below 64 have a bucket each; above, the leading bit picks the row and the next six
    // bits the bucket in it.
    static std::size_t index_of(std::uint64_t value) {
        if (value < sub_buckets) return value;
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
        return (shift + 1) * sub_buckets + ((value >> shift) & (sub_buckets - 1));
    }

    static std::uint64_t last_value_of(std::size_t index) {
        if (index < sub_buckets) return index;
        const unsigned shift = static_cast<unsigned>(index / sub_buckets) - 1;
        const std::uint64_t first = (sub_buckets + index % sub_buckets) << shift;
        return first + ((std::uint64_t{1} << shift) - 1);
    }

    std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(bucket_count);
    std::uint64_t count_{};
    std::uint64_t max_{};
};

}  // namespace tranter::bench

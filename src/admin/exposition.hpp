#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::admin {

/// Writes metrics in the Prometheus text format 0.0.4. All samples of one metric must follow its
/// header; label values are escaped, names are constants of this program.
class Exposition {
  public:
    enum class Type { counter, gauge, summary, histogram };
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    explicit Exposition(std::string& out) : out_(out) {}

    void header(std::string_view name, Type type, std::string_view help);
    void sample(std::string_view name, Labels labels, double value);
    /// `counts` are those between two bounds: one more than there are bounds.
    void histogram(
        std::string_view name,
        Labels labels,
        std::span<const double> bounds,
        std::span<const std::uint64_t> counts,
        double sum
    );

  private:
    void value(double value);

    std::string& out_;
};

}  // namespace tranter::admin

#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::admin {

/// Writes metrics in the Prometheus text format 0.0.4, or in that of OpenMetrics 1.0. All samples
/// of one metric must follow its header; label values are escaped, names are constants of this
/// program and, as OpenMetrics wants it, end in _total for counters and in _info for info.
class Exposition {
  public:
    enum class Format { prometheus, openmetrics };
    /// info: always 1, what matters is in its labels.
    enum class Type { counter, gauge, summary, histogram, info };
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    explicit Exposition(std::string& out, Format format = Format::prometheus)
        : out_(out), format_(format) {}

    void header(std::string_view name, Type type, std::string_view help);
    void sample(std::string_view name, Labels labels, double value);
    /// A metric of one sample without labels, with its header.
    void figure(std::string_view name, Type type, std::string_view help, double value);
    /// `counts` are those between two bounds: one more than there are bounds.
    void histogram(
        std::string_view name,
        Labels labels,
        std::span<const double> bounds,
        std::span<const std::uint64_t> counts,
        double sum
    );
    /// Nothing may follow.
    void finish();

  private:
    bool is_openmetrics() const { return format_ == Format::openmetrics; }
    void value(double value);

    std::string& out_;
    Format format_;
};

}  // namespace tranter::admin

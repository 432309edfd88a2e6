#pragma once

#include "base/time.hpp"
#include "process/line_splitter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tranter::supervise {

/// Makes of what an app prints the lines of its log. Not thread-safe.
class OutputLines {
  public:
    struct Options {
        std::string app{};
        std::uint32_t number = 0;
        bool is_errors = false;
        bool json = false;
        std::string time_format{};                           // strftime, local time; empty: none
        std::size_t line_bytes_max = std::size_t{64} << 10;  // a longer one is divided
        /// Called with each line as it was printed, without its newline. Not set: nobody.
        std::function<void(std::string_view line)> see{};
    };

    explicit OutputLines(Options options);

    /// The lines that are complete by these bytes, each with its newline.
    std::string add(std::string_view bytes, Instant now);
    /// What is left without a newline, with one.
    std::string finish(Instant now);

  private:
    void append(std::string_view line);

    const Options options_;
    process::LineSplitter splitter_;
    std::string lines_{};
    Instant now_{};
};

}  // namespace tranter::supervise

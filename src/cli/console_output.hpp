#pragma once

#include "supervise/file_work.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tranter::cli {

/// Prints to a descriptor that we were given, which may be a pipe that nobody reads, or a terminal
/// that somebody has halted, without ever waiting: a thread of its own does. What is too much by
/// then is dropped, until all that waited has been read, and then it is said how much. Thread-safe.
class ConsoleOutput {
  public:
    struct Options {
        int fd = -1;
        std::size_t waiting_bytes_max = std::size_t{1} << 20;
        /// What is printed in the place of so many lines; may print by itself instead. Called on
        /// the thread that prints, perhaps when we are no more.
        std::function<std::string(std::uint64_t lines)> say_dropped{};
    };
    /// For whoever may be there longer than we: prints as long as we are there.
    using Printer = std::function<void(std::string_view lines)>;

    explicit ConsoleOutput(Options options);

    /// Whole lines.
    void print(std::string_view lines) { printer_(lines); }
    const Printer& printer() const { return printer_; }
    /// Blocks until all is printed. For tests.
    void wait_until_printed() { work_.wait_until_done(); }

  private:
    /// What somebody does not read at our end is lost soon.
    supervise::FileWork work_;
    const Printer printer_;
};

}  // namespace tranter::cli

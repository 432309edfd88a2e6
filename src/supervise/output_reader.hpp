#pragma once

#include "base/descriptor.hpp"
#include "supervise/event_loop.hpp"
#include "supervise/log_writer.hpp"
#include "supervise/output_lines.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Reads what a process prints on one of its two outputs and puts it into log files, as much at a
/// time that others have their turn. Not thread-safe.
class OutputReader {
  public:
    struct Options {
        EventLoop& loop;
        LogWriter& writer;
        std::vector<LogWriter::TargetPtr> targets{};
        OutputLines::Options lines{};
        /// Called with whole lines as they stand in the log, each with its newline.
        std::function<void(std::string_view lines)> taken{};
    };

    /// `pipe` is the end to read from.
    OutputReader(Options options, Descriptor pipe);
    ~OutputReader() { close(); }
    OutputReader(const OutputReader&) = delete;
    OutputReader& operator=(const OutputReader&) = delete;

    /// Takes what is in the pipe, and the last line whether it is whole or not, and reads no more:
    /// somebody else may hold the other end open for ever.
    void finish();

  private:
    enum class Got : std::uint8_t { bytes, nothing, end };
    Got read_once();
    void take(std::string lines);
    void close();

    Options options_;
    OutputLines lines_;
    Descriptor pipe_;  // none: at its end
};

}  // namespace tranter::supervise

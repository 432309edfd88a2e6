#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace tranter::cli {

/// Whoever read our output has gone away (`| head -1`). Not worth a message; main exits with 1.
class OutputClosed : public std::exception {};

/// Writes all of it. Throws OutputClosed when the reader is gone, SystemError for anything else.
void write_all(int fd, std::string_view bytes);

/// Everything that can be read from `fd`. Throws SystemError, naming `what`.
std::string read_all(int fd, std::string_view what);

/// Hands out the lines of a file descriptor as they come, without their line ends.
class LineReader {
  public:
    LineReader(int fd, std::string what) : fd_(fd), what_(std::move(what)) {}

    /// False at the end. Throws SystemError, naming `what`.
    bool next(std::string& line);

  private:
    int fd_;
    std::string what_;
    std::string buffer_{};
    std::size_t read_ = 0;  // bytes of buffer_ that were handed out
    bool ended_ = false;

    bool fill();
};

bool is_terminal(int fd);
/// Columns of the terminal behind `fd`, 0 when it is none or does not say.
std::size_t terminal_columns(int fd);

/// Whether colours are wanted: `fd` is a terminal that has some, and NO_COLOR is not set.
bool has_colours(int fd);

/// Opens what the caller closed of stdin, stdout and stderr as something that fails when used, so
/// that no socket or file gets their numbers. Also turns SIGPIPE into an error of write.
void prepare_standard_streams();

/// One line to stderr with the program's name, made safe for a terminal.
void say(std::string_view text);

}  // namespace tranter::cli

#include "supervise/output_reader.hpp"

#include "process/descriptor.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace tranter::supervise {
namespace {

/// As much as a pipe holds by default. Also the share of one process in a turn of the loop.
constexpr std::size_t chunk_bytes = std::size_t{64} << 10;
/// As much as anybody may make a pipe hold, a mebibyte, and as much again.
constexpr int last_chunks_max = 32;

}  // namespace

OutputReader::OutputReader(Options options, Descriptor pipe)
    : options_(std::move(options)), lines_(options_.lines), pipe_(std::move(pipe)) {
    process::set_nonblocking(pipe_.get());
    options_.loop.watch(pipe_.get(), [this] {
        if (read_once() != Got::end) return;
        take(lines_.finish(options_.loop.now()));
        close();
    });
}

OutputReader::Got OutputReader::read_once() {
    std::array<char, chunk_bytes> bytes;
    ssize_t got = 0;
    do {
        got = ::read(pipe_.get(), bytes.data(), bytes.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::nothing;
    if (got <= 0) return Got::end;
    const auto count = static_cast<std::size_t>(got);
    take(lines_.add({bytes.data(), count}, options_.loop.now()));
    return Got::bytes;
}

void OutputReader::finish() {
    if (!pipe_) return;
    for (int chunk = 0; chunk < last_chunks_max && read_once() == Got::bytes; ++chunk) {
    }
    take(lines_.finish(options_.loop.now()));
    close();
}

void OutputReader::take(std::string lines) {
    if (lines.empty()) return;
    if (options_.taken) options_.taken(lines);
    for (std::size_t i = 0; i + 1 < options_.targets.size(); ++i)
        options_.writer.write(options_.targets[i], lines);
    if (!options_.targets.empty()) options_.writer.write(options_.targets.back(), std::move(lines));
}

void OutputReader::close() {
    if (!pipe_) return;
    options_.loop.unwatch(pipe_.get());
    pipe_.reset();
}

}  // namespace tranter::supervise

#include "supervise/ready_descriptor.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace tranter::supervise {

Result<std::unique_ptr<ReadyDescriptor>> ReadyDescriptor::make(
    EventLoop& loop, std::function<void()> ready
) {
    auto pipe = process::Pipe::make();
    if (!pipe) return std::unexpected(pipe.error());
    process::set_nonblocking(pipe->read.get());
    return std::unique_ptr<ReadyDescriptor>(
        new ReadyDescriptor(loop, std::move(*pipe), std::move(ready))
    );
}

ReadyDescriptor::~ReadyDescriptor() {
    if (pipe_.read) loop_.unwatch(pipe_.read.get());
}

void ReadyDescriptor::prepare(process::SpawnOptions& program, int number) const {
    program.descriptors.emplace_back(pipe_.write.get(), number);
}

void ReadyDescriptor::spawned() {
    pipe_.write.reset();
    loop_.watch(pipe_.read.get(), [this] { read(); });
}

void ReadyDescriptor::read() {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(pipe_.read.get(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        loop_.unwatch(pipe_.read.get());
        pipe_.read.reset();
        return;
    }
    // What comes later is read too, so that whoever writes on neither waits nor is killed for it.
    const std::string_view said(bytes.data(), static_cast<std::size_t>(got));
    if (!said.contains('\n') || std::exchange(is_ready_, true)) return;
    const auto ready = ready_;
    ready();
}

}  // namespace tranter::supervise

#include "supervise/node_channel.hpp"

#include "base/json_writer.hpp"
#include "process/descriptor.hpp"
#include "process/environment.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tranter::supervise {
namespace {

constexpr std::string_view ready_message = "\"ready\"";

}  // namespace

Result<std::unique_ptr<NodeChannel>> NodeChannel::make(
    EventLoop& loop, std::function<void()> ready
) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail(
            Errc::unavailable,
            std::string("no channel for Node.js can be made: ") + std::strerror(errno)
        );
    }
    std::unique_ptr<NodeChannel> out(new NodeChannel(loop, std::move(ready)));
    out->ours_ = Descriptor(ends[0]);
    out->its_ = Descriptor(ends[1]);
    process::set_nonblocking(out->ours_.get());
    return out;
}

NodeChannel::~NodeChannel() {
    if (ours_) loop_.unwatch(ours_.get());
}

void NodeChannel::prepare(process::SpawnOptions& program, int number) const {
    program.descriptors.emplace_back(its_.get(), number);
    process::set_variable(program.environment, "NODE_CHANNEL_FD", std::to_string(number));
    process::set_variable(program.environment, "NODE_CHANNEL_SERIALIZATION_MODE", "json");
}

void NodeChannel::spawned() {
    its_.reset();
    loop_.watch(ours_.get(), [this] { read(); });
}

bool NodeChannel::send(std::string_view text) {
    std::string message;
    append_json_string(message, text);
    message += '\n';
    return ours_ && ::send(ours_.get(), message.data(), message.size(), MSG_NOSIGNAL) ==
                        static_cast<ssize_t>(message.size());
}

void NodeChannel::read() {
    // Only so much at a time, for the sake of others. Descriptors that come along are closed by
    // the kernel, since there is no room for them.
    std::array<char, 16384> bytes{};
    const ssize_t got = ::recv(ours_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        loop_.unwatch(ours_.get());
        ours_.reset();
        return;
    }
    if (!take({bytes.data(), static_cast<std::size_t>(got)})) return;
    const auto ready = ready_;
    ready();
}

/// Whether the message that matters was among them.
bool NodeChannel::take(std::string_view bytes) {
    bool is_ready = false;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        // One byte more than fits tells a longer one.
        line_ += bytes.substr(0, std::min(end, ready_message.size() + 1 - line_.size()));
        if (end == bytes.size()) break;
        is_ready = is_ready || line_ == ready_message;
        line_.clear();
        bytes.remove_prefix(end + 1);
    }
    return is_ready;
}

}  // namespace tranter::supervise

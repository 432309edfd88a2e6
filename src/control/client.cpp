#include "control/client.hpp"

#include "control/address.hpp"
#include "control/codec.hpp"
#include "process/environment.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <variant>

namespace tranter::control {
namespace {

/// For answers that need nothing to happen first.
constexpr auto answer_patience = std::chrono::seconds(20);
constexpr std::size_t client_chunk_bytes = std::size_t{64} << 10;

std::unexpected<Error> daemon_ended() {
    return fail(Errc::unavailable, "the daemon has ended");
}

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Rounded up; -1: for ever.
int millis_until(const Deadline& deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

}  // namespace

class Client::Impl {
  public:
    explicit Impl(Descriptor socket) : socket_(std::move(socket)) {}

    /// `waits`: the answer may take as long as it takes.
    template <class T>
    Result<T> call(Request request, bool waits = false) {
        if (auto sent = send(std::move(request)); !sent) {
            return std::unexpected(std::move(sent.error()));
        }
        Deadline deadline;
        if (!waits) deadline = std::chrono::steady_clock::now() + answer_patience;
        auto line = next_line(deadline);
        if (!line) return std::unexpected(std::move(line.error()));
        return read_answer<T>(*line);
    }

    Result<> send(Request request) {
        request.id = ++asked_;
        const std::string text = write_request(request);
        std::string_view left = text;
        while (!left.empty()) {
            const ssize_t sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            // It may have said why before it closed.
            if (sent < 0) break;
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        return {};
    }

    Result<std::string> next_line(const Deadline& deadline) {
        while (true) {
            if (auto line = take_line()) return std::move(*line);
            pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
            const int ready = ::poll(&readable, 1, millis_until(deadline));
            if (ready < 0 && errno == EINTR) continue;
            if (ready == 0) return fail(Errc::timed_out, "the daemon does not answer");
            if (auto got = receive(); !got) return std::unexpected(std::move(got.error()));
        }
    }

    std::optional<std::string> take_line() {
        const std::size_t end = input_.find('\n', searched_);
        if (end == std::string::npos) {
            searched_ = input_.size();
            return std::nullopt;
        }
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        searched_ = 0;
        return line;
    }

    /// What there is.
    Result<> receive() {
        std::array<char, client_chunk_bytes> chunk;
        const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
        if (got <= 0) return daemon_ended();
        input_.append(chunk.data(), static_cast<std::size_t>(got));
        return {};
    }

    int socket() const { return socket_.get(); }

  private:
    Descriptor socket_;
    std::string input_{};
    std::size_t searched_ = 0;  // bytes of it without a newline
    std::uint64_t asked_ = 0;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const std::string& path) {
    const auto address = socket_address(path);
    if (!address) return std::unexpected(address.error());
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) !=
            0) {
        return fail(
            Errc::unavailable,
            "no daemon runs, `tranter up` starts one (" + path + ": " + std::strerror(errno) + ")"
        );
    }
    return Client(std::make_unique<Impl>(std::move(socket)));
}

Result<DaemonView> Client::daemon() {
    return impl_->call<DaemonView>({.call = "daemon"});
}

Result<std::vector<supervise::InstanceView>> Client::instances() {
    return impl_->call<std::vector<supervise::InstanceView>>({.call = "instances"});
}

Result<std::vector<supervise::App>> Client::apps() {
    return impl_->call<std::vector<supervise::App>>({.call = "apps"});
}

Result<std::vector<supervise::Event>> Client::events_after(std::uint64_t number) {
    return impl_->call<std::vector<supervise::Event>>({.call = "events", .after = number});
}

Result<std::vector<supervise::OutputLine>> Client::latest_lines(
    const std::vector<std::string>& targets
) {
    return impl_->call<std::vector<supervise::OutputLine>>({.call = "lines", .targets = targets});
}

Result<> Client::put(const std::vector<supervise::App>& apps, const std::string& file) {
    return impl_->call<void>({.call = "put", .file = file, .apps = apps});
}

Result<> Client::give(const Order& order) {
    return impl_->call<void>({.call = "order", .order = order}, order.waits);
}

Result<> Client::reopen_logs() {
    return impl_->call<void>({.call = "reopen_logs"});
}

Result<> Client::shut_down() {
    return impl_->call<void>({.call = "shut_down"}, true);
}

Result<> Client::follow(const std::vector<std::string>& targets, const Following& following) {
    auto begun = impl_->call<void>({.call = "follow", .targets = targets});
    const auto goes_on = [&] {
        return !following.goes_on || following.goes_on();
    };
    while (begun && goes_on()) {
        while (const auto line = impl_->take_line()) {
            const auto followed = read_followed(*line);
            if (!followed) return std::unexpected(followed.error());
            if (const auto* output = std::get_if<supervise::OutputLine>(&*followed)) {
                if (following.line) following.line(*output);
            } else if (const auto* event = std::get_if<supervise::Event>(&*followed)) {
                if (following.event) following.event(*event);
            }
            if (!goes_on()) return {};
        }
        std::array<pollfd, 2> waits{{
            {.fd = impl_->socket(), .events = POLLIN, .revents = 0},
            {.fd = following.wake, .events = POLLIN, .revents = 0},
        }};
        if (::poll(waits.data(), waits.size(), -1) < 0) continue;
        if (waits[0].revents != 0) begun = impl_->receive();
    }
    return begun;
}

Result<Home> home_of(const std::vector<std::string>& environment) {
    std::string home(process::find_variable(environment, "TRANTER_HOME").value_or(""));
    if (home.empty()) {
        home = process::find_variable(environment, "HOME").value_or("");
        if (!home.empty()) home += "/.tranter";
    }
    if (home.empty()) {
        return fail(Errc::invalid_argument, "neither TRANTER_HOME nor HOME is set");
    }
    while (home.size() > 1 && home.ends_with('/'))
        home.pop_back();
    return Home{std::filesystem::absolute(home).string()};
}

}  // namespace tranter::control

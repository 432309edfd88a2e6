#include "base/unicode.hpp"
#include "supervise/attempt.hpp"
#include "supervise/connecting.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

/// What a server says after its status is read for so long, so that it does not see its answer
/// refused.
constexpr Duration http_rest_patience = std::chrono::milliseconds(100);
constexpr std::size_t http_status_line_max = 512;
constexpr std::uint16_t http_port = 80;

/// What is asked, of whom.
struct HttpQuestion {
    std::vector<ProbeAddress> addresses{};
    std::string request{};
};

/// "HTTP/1.1 200 OK": 200.
std::optional<int> status_of(std::string_view line) {
    constexpr std::size_t number_at = 9;
    constexpr std::size_t digits = 3;
    const bool is_http = line.starts_with("HTTP/1.") && line.size() >= number_at + digits &&
                         line[number_at - 1] == ' ';
    if (!is_http) return std::nullopt;
    int status = 0;
    for (const char digit : line.substr(number_at, digits)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        status = status * 10 + (digit - '0');
    }
    const std::string_view rest = line.substr(number_at + digits);
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\r') return std::nullopt;
    return status;
}

class HttpAttempt final : public Attempt {
  public:
    HttpAttempt(EventLoop& loop, std::shared_ptr<const HttpQuestion> question, Done done)
        : loop_(loop),
          question_(std::move(question)),
          done_(std::move(done)),
          connecting_(loop, question_->addresses, [this](auto socket) {
              if (!socket) return tell(std::unexpected(socket.error()));
              ask(std::move(*socket));
          }) {}
    ~HttpAttempt() override {
        loop_.cancel(timer_);
        if (socket_) loop_.unwatch(socket_.get());
    }
    HttpAttempt(const HttpAttempt&) = delete;
    HttpAttempt& operator=(const HttpAttempt&) = delete;

  private:
    void ask(Descriptor socket) {
        socket_ = std::move(socket);
        const std::string& request = question_->request;
        const auto sent = ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL);
        // There is room for it in a connection that is new.
        if (sent != static_cast<ssize_t>(request.size()))
            return tell(fail(Errc::unavailable, "the request cannot be sent"));
        loop_.watch(socket_.get(), [this] { read(); });
    }

    void read() {
        // Only so much at a time, for the sake of others.
        std::array<char, 4096> bytes{};
        const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (status_ != 0) {
            if (got <= 0) tell(verdict());
            return;
        }
        if (got <= 0) {
            const std::string why = got < 0 ? std::strerror(errno) : "the connection was closed";
            return tell(fail(Errc::unavailable, "there was no answer: " + why));
        }
        line_.append(bytes.data(), static_cast<std::size_t>(got));
        const std::size_t end = line_.find('\n');
        if (end == std::string::npos && line_.size() < http_status_line_max) return;
        judge(std::string_view(line_).substr(0, std::min(end, http_status_line_max)));
    }

    void judge(std::string_view line) {
        const auto status = status_of(line);
        if (!status) return tell(fail(Errc::unavailable, "the answer is not HTTP/1"));
        status_ = *status;
        timer_ = loop_.call_at(loop_.now() + http_rest_patience, [this] { tell(verdict()); });
    }

    /// Of the status.
    Result<> verdict() const {
        if (status_ >= 200 && status_ < 400) return {};
        return fail(Errc::unavailable, "the answer was " + std::to_string(status_));
    }

    /// Once. `outcome` is not ours.
    void tell(const Result<>& outcome) {
        const Done done = std::move(done_);
        if (socket_) loop_.unwatch(socket_.get());
        loop_.cancel(timer_);
        done(outcome);
    }

    EventLoop& loop_;
    const std::shared_ptr<const HttpQuestion> question_;  // shared with the other tries
    Done done_;
    Descriptor socket_{};
    std::string line_{};
    int status_ = 0;  // 0: it has said none yet
    EventLoop::TimerId timer_ = EventLoop::TimerId::none;
    Connecting connecting_;
};

Result<HttpQuestion> question_of(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    if (url.starts_with("https://")) {
        return fail(
            Errc::invalid_argument,
            "URL " + in_quotes(url) +
                " of a probe has https, which needs a program: use kind exec with a command such "
                "as "
                "curl -fsS URL"
        );
    }
    if (!url.starts_with(scheme)) {
        return fail(Errc::invalid_argument, "URL " + in_quotes(url) + " has to begin with http://");
    }
    const bool is_plain =
        std::ranges::all_of(url, [](char one) { return one > ' ' && one < '\x7f'; });
    std::string_view rest = std::string_view(url).substr(scheme.size());
    rest = rest.substr(0, rest.find('#'));
    const std::size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view host = rest.substr(0, host_end);
    std::string path(rest.substr(host_end));
    if (!path.starts_with('/')) path.insert(0, 1, '/');
    constexpr std::size_t url_max = 2048;
    if (!is_plain || host.contains('@') || url.size() > url_max) {
        return fail(
            Errc::invalid_argument,
            "URL " + in_quotes(url) +
                " has a user, a character that has to be escaped, or more "
                "than 2048 characters"
        );
    }
    auto addresses = probe_addresses(host, http_port);
    if (!addresses) return std::unexpected(addresses.error());
    HttpQuestion out;
    out.addresses = std::move(*addresses);
    out.request = "GET " + path + " HTTP/1.1\r\nHost: " + std::string(host) +
                  "\r\nUser-Agent: tranter\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    return out;
}

}  // namespace

Result<Attempts> http_attempts(EventLoop& loop, const std::string& target) {
    auto question = question_of(target);
    if (!question) return std::unexpected(question.error());
    auto shared = std::make_shared<const HttpQuestion>(std::move(*question));
    return [&loop, shared = std::move(shared)](Attempt::Done done) {
        return std::make_unique<HttpAttempt>(loop, shared, std::move(done));
    };
}

}  // namespace tranter::supervise

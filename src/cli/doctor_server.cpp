#include "base/descriptor.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "cli/doctor_check.hpp"
#include "http/client.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

// A server, and the ports for one.
namespace tranter::cli {
namespace {

using MillisTaken = std::chrono::duration<double, std::milli>;

constexpr MillisTaken answer_slow{250};
constexpr auto skew_bad = std::chrono::seconds(30);
constexpr auto skew_some = std::chrono::seconds(2);
/// Whoever calls a check ends it earlier.
constexpr Duration answer_patience = std::chrono::minutes(5);
/// A server of ours answers at once, and what listens may be no server of anything.
constexpr Duration stranger_patience = std::chrono::seconds(3);
constexpr std::size_t answer_kept_max = std::size_t{1} << 20;

struct Heard {
    http::ClientResponse answer{};
    MillisTaken took{};
    std::chrono::system_clock::time_point asked_at{};
    std::chrono::system_clock::time_point heard_at{};
};

Result<Heard> hear(const std::string& url, Duration patience = answer_patience) {
    http::ClientRequest request{.url = url, .timeout = patience, .body_bytes_max = answer_kept_max};
    Heard heard{.asked_at = std::chrono::system_clock::now()};
    const auto begun = std::chrono::steady_clock::now();
    auto answer = http::Client().send(request);
    if (!answer) return std::unexpected(std::move(answer.error()));
    heard.took = std::chrono::steady_clock::now() - begun;
    heard.heard_at = std::chrono::system_clock::now();
    heard.answer = std::move(*answer);
    return heard;
}

/// Of an HTTP date.
std::optional<std::chrono::sys_seconds> read_date(const http::ClientResponse& answer) {
    const auto found = std::ranges::find_if(answer.headers, [](const auto& header) {
        return header.first == "date";
    });
    if (found == answer.headers.end()) return std::nullopt;
    std::tm time{};
    if (::strptime(found->second.c_str(), "%a, %d %b %Y %H:%M:%S", &time) == nullptr) {
        return std::nullopt;
    }
    return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&time)));
}

std::string first_line(std::string_view text) {
    return one_line(without_secrets(text.substr(0, text.find('\n'))));
}

enum class Port : std::uint8_t { free, taken, forbidden, unknown };

Port try_port(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(endpoint.port);
    if (::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found) != 0) {
        return Port::unknown;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    const Descriptor socket(
        ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol)
    );
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool listens = ::bind(socket.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                         ::listen(socket.get(), 1) == 0;
    if (listens) return Port::free;
    if (errno == EADDRINUSE) return Port::taken;
    return errno == EACCES ? Port::forbidden : Port::unknown;
}

/// To /health, at either port.
bool is_answer_of_ours(const http::ClientResponse& answer) {
    if (answer.status != 200 && answer.status != 503) return false;
    return answer.body == "OK" || answer.body.starts_with("{\"status\":");
}

Finding judge_port(std::string_view key, const Endpoint& endpoint) {
    const std::string where = fmt::format("{} {}", key, one_line(format_endpoint(endpoint)));
    const std::string fix = fmt::format("ss -ltnp sport = :{}; or change {}", endpoint.port, key);
    switch (endpoint.port == 0 ? Port::free : try_port(endpoint)) {
        case Port::free:
            return Finding::fine(where + " is free");
        case Port::forbidden:
            return Finding::error(
                where + " needs a privilege that this user has not",
                fmt::format("choose a port from 1024 on in {}", key)
            );
        case Port::unknown:
            return Finding::error(
                where + " is no address of this machine", fmt::format("change {}", key)
            );
        case Port::taken:
            break;
    }
    const auto heard =
        hear(fmt::format("http://{}/health", format_endpoint(endpoint)), stranger_patience);
    if (heard && is_answer_of_ours(heard->answer))
        return Finding::fine(where + " is where a server listens");
    return Finding::error(where + " is taken by another program", fix);
}

}  // namespace

std::vector<Finding> check_ports(const Patient& patient) {
    const ServerConfig& config = patient.config;
    std::vector<Finding> findings;
    if (config.sqs_enabled) findings.push_back(judge_port("server.sqs", config.sqs));
    if (config.admin_enabled) findings.push_back(judge_port("server.admin", config.admin));
    return findings;
}

std::vector<Finding> check_server(const Patient& patient) {
    if (patient.server.empty()) return {Finding::fine("jobs are in no server of ours")};
    const auto heard = hear(patient.server + "/readyz");
    if (!heard) {
        return {Finding::error(
            fmt::format("{} does not answer: {}", patient.server, heard.error().message()),
            "tranter serve, or --url URL for another server"
        )};
    }
    const int status = heard->answer.status;
    if (status == 503) {
        return {Finding::error(
            fmt::format("{} is not ready: {}", patient.server, first_line(heard->answer.body)),
            fmt::format("tranter health --url '{}/readyz?verbose'", patient.server)
        )};
    }
    if (status != 200) {
        return {Finding::error(
            fmt::format("{} answers HTTP {} to /readyz, is it Tranter?", patient.server, status),
            "--url URL of the admin port"
        )};
    }
    const std::string text =
        fmt::format("{} is ready and answers in {:.1f}ms", patient.server, heard->took.count());
    if (heard->took < answer_slow) return {Finding::fine(text)};
    return {Finding::warning(
        text + fmt::format(", below {}ms is usual", answer_slow.count()),
        fmt::format("curl -s {}/metrics", patient.server)
    )};
}

std::vector<Finding> check_clock(const Patient& patient) {
    if (patient.server.empty()) return {Finding::fine("there is no server to compare with")};
    const auto heard = hear(patient.server + "/livez");
    if (!heard) return {Finding::fine("not compared, the server does not answer")};
    const auto date = read_date(heard->answer);
    if (!date) return {Finding::fine("not compared, the server does not say its time")};
    // It was in the second that begins with `date` at some moment between question and answer.
    const auto ahead = *date - heard->heard_at;
    const auto behind = heard->asked_at - (*date + std::chrono::seconds(1));
    const auto skew = std::chrono::ceil<std::chrono::seconds>(
        std::max({ahead, behind, std::chrono::system_clock::duration::zero()})
    );
    const std::string text = fmt::format(
        "this clock is {} the server's by {}s", ahead > behind ? "behind" : "ahead of", skew.count()
    );
    if (skew >= skew_bad) return {Finding::error(text, "timedatectl set-ntp true")};
    if (skew >= skew_some) return {Finding::warning(text, "timedatectl set-ntp true")};
    return {Finding::fine("this clock and the server's agree")};
}

}  // namespace tranter::cli

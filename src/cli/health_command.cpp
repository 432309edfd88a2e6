#include "cli/health_command.hpp"

#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"
#include "http/client.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

constexpr std::string_view default_url = "http://127.0.0.1:9325";
/// A check that restarts must not look at what others need.
constexpr std::string_view default_path = "/livez";
constexpr Duration health_timeout = std::chrono::seconds(3);
constexpr std::size_t answer_bytes_max = std::size_t{64} << 10;

std::string with_path(std::string url) {
    const std::size_t scheme = url.find("://");
    const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    const std::size_t path = url.find_first_of("/?", host);
    if (path == std::string::npos) return url.append(default_path);
    if (path + 1 == url.size() && url[path] == '/') url.erase(path).append(default_path);
    return url;
}

Result<int> run_health(const Arguments& arguments) {
    const auto timeout = arguments.duration("timeout");
    if (!timeout) return std::unexpected(timeout.error());
    http::ClientRequest request;
    request.url = with_path(arguments.find("url").value_or(std::string(default_url)));
    request.timeout = timeout->value_or(health_timeout);
    request.body_bytes_max = answer_bytes_max;
    if (auto good = http::check_url(request.url); !good) {
        return fail(Errc::invalid_argument, "--url: " + good.error().message());
    }
    const auto answer = http::Client().send(request);
    if (!answer) return std::unexpected(answer.error());
    write_all(STDOUT_FILENO, answer->body);
    if (answer->status >= 200 && answer->status < 400) return 0;
    say(fmt::format("{} answers {}", request.url, answer->status));
    return static_cast<int>(ExitCode::failed);
}

}  // namespace

Command health_command() {
    return {
        .name = "health",
        .summary = "ask a server or worker whether it is well",
        .description =
            "For the health checks of containers, so that an image needs no curl. Prints the "
            "answer; exits\nwith 0 when it is well, 1 when it says that it is not, 6 when it "
            "cannot be reached and 8 when\nit does not answer in time. A URL without a path asks "
            "/livez, which is right for a check that\nrestarts; /readyz looks at what it needs "
            "too.",
        .options =
            {{.name = "url",
              .value = "URL",
              .help = "its admin or health port (default: http://127.0.0.1:9325)"},
             {.name = "timeout",
              .value = "DURATION",
              .help = "how long to wait for the answer (default: 3s)"}},
        .examples =
            {{"a server on this machine", "tranter health"},
             {"a worker", "tranter health --url http://127.0.0.1:3003"},
             {"whether it takes jobs now, and why not",
              "tranter health --url 'http://127.0.0.1:3003/readyz?verbose'"}},
        .run = run_health,
    };
}

}  // namespace tranter::cli

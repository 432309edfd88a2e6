#include "cli/doctor_runner.hpp"

#include "base/descriptor.hpp"
#include "base/duration.hpp"
#include "cli/json.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

using DoctorClock = std::chrono::steady_clock;

constexpr std::string_view report_again = "run it again with a longer --timeout";

std::string to_report(const std::vector<Finding>& findings) {
    Json report(Json::Array{});
    for (const Finding& finding : findings) {
        Json one;
        one.set("severity", static_cast<int>(finding.severity))
            .set("text", finding.text)
            .set("fix", finding.fix);
        report.push(std::move(one));
    }
    return report.dump();
}

std::vector<Finding> from_report(std::string_view text) {
    std::vector<Finding> findings;
    const auto report = Json::parse(text);
    if (!report) return findings;
    for (const Json& one : report->items()) {
        findings.push_back(
            {.severity =
                 static_cast<Severity>(std::clamp<std::int64_t>(one["severity"].number(), 0, 2)),
             .text = std::string(one["text"].text()),
             .fix = std::string(one["fix"].text())}
        );
    }
    return findings;
}

std::vector<Finding> findings_of(const DoctorCheck& check, const Patient& patient) {
    try {
        return check.run(patient);
    } catch (const std::exception& failure) {
        return {Finding::error(fmt::format("cannot be checked: {}", failure.what()), "")};
    }
}

/// A check in a process of its own.
class RunningCheck {
  public:
    RunningCheck(const DoctorCheck& check, const Patient& patient) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
        output_ = Descriptor(ends[0]);
        const Descriptor input(ends[1]);
        pid_ = ::fork();
        if (pid_ != 0) return;
        // Nothing of the parent is to end here.
        int status = 0;
        try {
            write_all(input.get(), to_report(findings_of(check, patient)));
        } catch (...) {
            status = 1;
        }
        ::_exit(status);
    }
    ~RunningCheck() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    RunningCheck(const RunningCheck&) = delete;
    RunningCheck& operator=(const RunningCheck&) = delete;

    std::vector<Finding> wait_until(DoctorClock::time_point deadline, Duration limit) {
        if (pid_ < 0) {
            return {Finding::error("cannot be checked: no process can be started", "ulimit -u")};
        }
        std::string report;
        while (true) {
            const auto more = read_some(report, deadline);
            if (!more) {
                return {Finding::error(
                    fmt::format("did not end within {}", format_duration(limit)),
                    std::string(report_again)
                )};
            }
            if (!*more) break;
        }
        auto findings = from_report(report);
        if (findings.empty()) {
            findings.push_back(Finding::error("the check has crashed", std::string(report_again)));
        }
        return findings;
    }

  private:
    /// False at the end; nothing when the time is over.
    std::optional<bool> read_some(std::string& report, DoctorClock::time_point deadline) {
        pollfd ready{.fd = output_.get(), .events = POLLIN, .revents = 0};
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - DoctorClock::now());
        const int millis = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        const int polled = ::poll(&ready, 1, millis);
        if (polled < 0 && errno == EINTR) return true;
        if (polled <= 0) return std::nullopt;
        std::array<char, 4096> piece{};
        const ssize_t got = ::read(output_.get(), piece.data(), piece.size());
        if (got > 0) report.append(piece.data(), static_cast<std::size_t>(got));
        return got > 0 || (got < 0 && errno == EINTR);
    }

    Descriptor output_{};
    pid_t pid_ = -1;
};

}  // namespace

std::vector<std::vector<Finding>> run_checks(
    std::span<const DoctorCheck> checks, const Patient& patient, Duration limit
) {
    const auto deadline = DoctorClock::now() + limit;
    std::vector<std::unique_ptr<RunningCheck>> running;
    for (const DoctorCheck& check : checks)
        running.push_back(std::make_unique<RunningCheck>(check, patient));
    std::vector<std::vector<Finding>> findings;
    for (const auto& one : running)
        findings.push_back(one->wait_until(deadline, limit));
    return findings;
}

}  // namespace tranter::cli

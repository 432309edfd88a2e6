#include "supervise/probing.hpp"

#include "base/duration.hpp"
#include "base/unicode.hpp"
#include "process/environment.hpp"
#include "supervise/attempt.hpp"
#include "supervise/node_channel.hpp"
#include "supervise/notify_socket.hpp"
#include "supervise/numbered.hpp"
#include "supervise/pattern.hpp"
#include "supervise/probe_series.hpp"
#include "supervise/ready_descriptor.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace tranter::supervise {
namespace {

/// Of a line; what is beyond it is not searched.
constexpr std::size_t searched_bytes_max = 4096;

/// What we were told ourselves is not for those that we start.
constexpr std::string_view foreign_variables[] = {
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE"};

bool is_node(const App& app) {
    if (app.command.empty()) return false;
    const std::string_view program = app.command.front();
    const std::string_view name = program.substr(program.rfind('/') + 1);
    return name == "node" || name == "nodejs";
}

std::string_view words_for(Probe::Kind kind) {
    using Kind = Probe::Kind;
    switch (kind) {
        case Kind::none:
            return "none";
        case Kind::uptime:
            return "uptime";
        case Kind::notify:
            return "notify";
        case Kind::ipc:
            return "ipc";
        case Kind::descriptor:
            return "descriptor";
        case Kind::tcp:
            return "tcp";
        case Kind::http:
            return "http";
        case Kind::exec:
            return "exec";
        case Kind::log_line:
            break;
    }
    return "log_line";
}

Result<int> descriptor_number(const std::string& target) {
    int number = 0;
    const char* const end = target.data() + target.size();
    const auto [rest, failed] = std::from_chars(target.data(), end, number);
    constexpr int highest = 99;
    if (failed != std::errc{} || rest != end || number < 3 || number > highest) {
        return fail(
            Errc::invalid_argument,
            "descriptor " + in_quotes(target) + " of a probe has to be one of 3 to 99"
        );
    }
    return number;
}

class ProbingByKinds final : public Probing {
  public:
    ProbingByKinds(Options options, Listener listener)
        : loop_(options.loop), app_(options.app), listener_(std::move(listener)) {
        readiness_ = app_.readiness.probe;
        liveness_ = app_.liveness;
        for (Probe* probe : {&readiness_, &liveness_})
            probe->target = numbered(probe->target, options.number);
    }
    ~ProbingByKinds() override { loop_.cancel(silence_timer_); }
    ProbingByKinds(const ProbingByKinds&) = delete;
    ProbingByKinds& operator=(const ProbingByKinds&) = delete;

    Result<> set_up(const std::string& runtime_directory) {
        if (auto done = set_up_liveness(); !done) return done;
        if (auto done = set_up_readiness(); !done) return done;
        if (readiness_.kind == Kind::notify || liveness_.kind == Kind::notify) {
            // Another user cannot come to a directory of ours.
            const bool is_other = !app_.limits.user.empty() || !app_.limits.group.empty();
            auto made = NotifySocket::make(
                loop_,
                is_other ? "" : runtime_directory,
                [this](const NotifySocket::News& news) { take_news(news); }
            );
            if (!made) return std::unexpected(made.error());
            socket_ = std::move(*made);
        }
        if (is_node(app_) || readiness_.kind == Kind::ipc || app_.stop.by_message) {
            auto made = NodeChannel::make(loop_, [this] {
                if (readiness_.kind == Kind::ipc) see_ready();
            });
            if (!made) return std::unexpected(made.error());
            channel_ = std::move(*made);
        }
        return {};
    }

    void prepare(process::SpawnOptions& program) override {
        for (const std::string_view name : foreign_variables)
            process::remove_variable(program.environment, name);
        if (readiness_.kind == Kind::exec || liveness_.kind == Kind::exec) {
            asker_ = process::SpawnOptions{
                .environment = program.environment,
                .directory = program.directory,
                .limits = {.open_files_soft = program.limits.open_files_soft},
                .identity = program.identity,
                .umask = program.umask,
                .nice = program.nice,
                .cgroup_procs = program.cgroup_procs};
        }
        if (socket_)
            process::set_variable(program.environment, "NOTIFY_SOCKET", socket_->address());
        if (liveness_.kind == Kind::notify)
            process::set_variable(
                program.environment, "WATCHDOG_USEC", std::to_string(liveness_.period.count())
            );
        if (descriptor_) descriptor_->prepare(program, descriptor_number_);
        if (channel_) channel_->prepare(program, descriptor_number_ == 3 ? 4 : 3);
    }

    void spawned(pid_t leader) override {
        if (socket_) socket_->believe(leader);
        if (descriptor_) descriptor_->spawned();
        if (channel_) channel_->spawned();
    }

    void watch_readiness() override {
        watched_ = Watched::readiness;
        failures_ = 0;
        if (readiness_tries_) begin_tries(readiness_, readiness_tries_);
        // It may have been quicker than we.
        if (is_ready_) hurry();
    }

    void watch_liveness() override {
        watched_ = Watched::liveness;
        failures_ = 0;
        if (liveness_tries_) begin_tries(liveness_, liveness_tries_);
        if (liveness_.kind == Kind::notify) {
            heard_at_ = loop_.now() + liveness_.delay;
            await_word();
        }
    }

    void unwatch() override {
        watched_ = Watched::nothing;
        series_.reset();
        loop_.cancel(silence_timer_);
    }

    void see_line(std::string_view line) override {
        if (!pattern_ || is_ready_ || !pattern_->is_in(line.substr(0, searched_bytes_max))) return;
        is_ready_ = true;
        if (watched_ == Watched::readiness) hurry();
    }

    bool send_shutdown() override { return channel_ && channel_->send("shutdown"); }

  private:
    using Kind = Probe::Kind;
    enum class Watched : std::uint8_t { nothing, readiness, liveness };

    Result<> set_up_readiness() {
        switch (readiness_.kind) {
            case Kind::descriptor: {
                auto number = descriptor_number(readiness_.target);
                if (!number) return std::unexpected(number.error());
                descriptor_number_ = *number;
                auto made = ReadyDescriptor::make(loop_, [this] { see_ready(); });
                if (!made) return std::unexpected(made.error());
                descriptor_ = std::move(*made);
                return {};
            }
            case Kind::log_line: {
                auto pattern = Pattern::compile(readiness_.target);
                if (!pattern) return std::unexpected(pattern.error());
                pattern_ = std::move(*pattern);
                return {};
            }
            default:
                return set_up_tries(readiness_, readiness_tries_);
        }
    }

    Result<> set_up_liveness() {
        const Kind kind = liveness_.kind;
        if (kind == Kind::ipc || kind == Kind::descriptor || kind == Kind::log_line) {
            return fail(
                Errc::invalid_argument,
                "kind " + std::string(words_for(kind)) +
                    " cannot tell whether an app is still well; notify, tcp, http and exec can"
            );
        }
        return set_up_tries(liveness_, liveness_tries_);
    }

    Result<> set_up_tries(const Probe& probe, Attempts& out) {
        Result<Attempts> made = Attempts();
        if (probe.kind == Kind::tcp) made = tcp_attempts(loop_, probe.target);
        if (probe.kind == Kind::http) made = http_attempts(loop_, probe.target);
        if (probe.kind == Kind::exec) {
            if (probe.command.empty() || probe.command.front().empty())
                return fail(Errc::invalid_argument, "a probe of kind exec has no command");
            made = exec_attempts(loop_, [this, &probe] {
                process::SpawnOptions program = asker_;
                program.command = probe.command;
                return program;
            });
        }
        if (!made) return std::unexpected(made.error());
        out = std::move(*made);
        return {};
    }

    void begin_tries(const Probe& probe, const Attempts& tries) {
        series_.emplace(loop_, probe, tries, [this](const Result<>& outcome) { take(outcome); });
    }

    /// What came of a try.
    void take(const Result<>& outcome) {
        if (watched_ == Watched::readiness) {
            if (outcome) see_ready();
            return;
        }
        if (outcome) {
            failures_ = 0;
            return;
        }
        if (++failures_ >= std::max(liveness_.failures_max, 1U)) tell_failure(why(outcome.error()));
    }

    std::string why(const Error& error) const {
        const std::string what =
            liveness_.kind == Kind::exec ? in_quotes(liveness_.command.front()) : liveness_.target;
        return std::string(words_for(liveness_.kind)) + " probe of " + what + " failed " +
               std::to_string(failures_) + (failures_ == 1 ? " time: " : " times: ") +
               error.message();
    }

    void see_ready() {
        is_ready_ = true;
        if (watched_ == Watched::readiness) tell_ready();
    }

    /// For those whom we do not call back from their own call.
    void hurry() {
        loop_.cancel(silence_timer_);
        silence_timer_ = loop_.call_at(loop_.now(), [this] {
            if (watched_ == Watched::readiness) tell_ready();
        });
    }

    void tell_ready() {
        unwatch();
        const auto ready = listener_.ready;
        if (ready) ready();
    }

    void tell_failure(std::string reason) {
        unwatch();
        const auto failed = listener_.failed;
        if (failed) failed(std::move(reason));
    }

    void take_news(const NotifySocket::News& news) {
        const std::weak_ptr<const char> life = life_;
        if (news.status) {
            const auto status = listener_.status;
            if (status) status(*news.status);
            if (life.expired()) return;
        }
        if (news.more_time) {
            const auto more_time = listener_.more_time;
            if (more_time) more_time(*news.more_time);
            if (life.expired()) return;
        }
        if (news.is_alive || news.is_ready) heard_at_ = std::max(heard_at_, loop_.now());
        is_stopping_ = is_stopping_ || news.is_stopping;
        const bool is_watchdog = watched_ == Watched::liveness && liveness_.kind == Kind::notify;
        if (is_watchdog && news.is_unwell) return tell_failure("it said that it is not well");
        if (news.is_ready && readiness_.kind == Kind::notify) see_ready();
    }

    /// Until which it has to say that it is well.
    Instant silence_limit() const {
        return heard_at_ + liveness_.period * std::max(liveness_.failures_max, 1U);
    }

    void await_word() {
        silence_timer_ = loop_.call_at(silence_limit(), [this] { check_silence(); });
    }

    void check_silence() {
        // We may have been stopped ourselves, and its word is waiting.
        const std::weak_ptr<const char> life = life_;
        socket_->read();
        if (life.expired() || watched_ != Watched::liveness || is_stopping_) return;
        if (loop_.now() < silence_limit()) return await_word();
        tell_failure(
            "it did not say WATCHDOG=1 for " + format_duration(silence_limit() - heard_at_)
        );
    }

    EventLoop& loop_;
    const App& app_;
    const Listener listener_;
    Probe readiness_{};
    Probe liveness_{};
    int descriptor_number_ = 0;  // 0: none
    process::SpawnOptions asker_{};

    Watched watched_ = Watched::nothing;
    bool is_ready_ = false;  // it has said so, in whatever way
    bool is_stopping_ = false;
    std::uint32_t failures_ = 0;
    Instant heard_at_{};
    EventLoop::TimerId silence_timer_ = EventLoop::TimerId::none;

    std::unique_ptr<NotifySocket> socket_{};
    std::unique_ptr<NodeChannel> channel_{};
    std::unique_ptr<ReadyDescriptor> descriptor_{};
    std::optional<Pattern> pattern_{};
    Attempts readiness_tries_{};
    Attempts liveness_tries_{};
    std::optional<ProbeSeries> series_{};
    /// Ours alone, so that a call that has told somebody sees whether we are still there.
    const std::shared_ptr<const char> life_ = std::make_shared<const char>('\0');
};

}  // namespace

Result<std::unique_ptr<Probing>> Probing::make(Options options, Listener listener) {
    const std::string directory = options.runtime_directory;
    auto out = std::make_unique<ProbingByKinds>(std::move(options), std::move(listener));
    if (auto done = out->set_up(directory); !done) return std::unexpected(done.error());
    return out;
}

}  // namespace tranter::supervise

#include "supervise/attempt.hpp"
#include "supervise/keeper.hpp"

#include <optional>
#include <utility>

namespace tranter::supervise {
namespace {

class ExecAttempt final : public Attempt {
  public:
    ExecAttempt(EventLoop& loop, const process::SpawnOptions& program, Done done)
        : loop_(loop), done_(std::move(done)) {
        auto keeper = Keeper::start(program);
        if (!keeper) {
            trouble_ = keeper.error().message();
            timer_ = loop_.call_at(loop_.now(), [this] { tell(); });
            return;
        }
        keeper_.emplace(std::move(*keeper));
        loop_.watch(keeper_->descriptor(), [this] { read(); });
    }
    ~ExecAttempt() override {
        loop_.cancel(timer_);
        if (keeper_) loop_.unwatch(keeper_->descriptor());
    }
    ExecAttempt(const ExecAttempt&) = delete;
    ExecAttempt& operator=(const ExecAttempt&) = delete;

  private:
    using Kind = Keeper::Report::Kind;

    void read() {
        if (!keeper_) return;
        while (const auto report = keeper_->read()) {
            if (report->kind == Kind::ended) {
                note(report->ending);
                keeper_->tell(Keeper::Order::kill_all);
            }
            if (report->kind == Kind::not_spawned) {
                trouble_ = report->why;
                return tell();
            }
            if (report->kind == Kind::all_gone || report->kind == Kind::lost) return tell();
        }
    }

    void note(const Ending& ending) {
        trouble_.clear();
        if (ending.signal != 0) {
            trouble_ = "it was ended by " + process::signal_name(ending.signal);
        } else if (ending.code != 0) {
            trouble_ = "it ended with code " + std::to_string(ending.code);
        }
    }

    void tell() {
        const Done done = std::move(done_);
        if (trouble_.empty()) return done({});
        done(fail(Errc::unavailable, std::move(trouble_)));
    }

    EventLoop& loop_;
    Done done_;
    std::optional<Keeper> keeper_{};
    std::string trouble_ = "it was killed with its keeper";  // empty: it is content
    EventLoop::TimerId timer_ = EventLoop::TimerId::none;
};

}  // namespace

Attempts exec_attempts(EventLoop& loop, std::function<process::SpawnOptions()> program) {
    return [&loop, program = std::move(program)](Attempt::Done done) {
        return std::make_unique<ExecAttempt>(loop, program(), std::move(done));
    };
}

}  // namespace tranter::supervise

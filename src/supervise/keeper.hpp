#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "process/spawn.hpp"
#include "supervise/restart.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tranter::supervise {

/// A small process of ours between us and one instance of an app, which adopts whatever the app
/// leaves behind. So it is known at any time which processes belong to the instance, also those
/// that have left its session and cleared their environment, and all of them are killed when we
/// end, however we do.
///
///     supervisor ── keeper ── leader of the app ── ...
///                     └────── what lost its parent
///
/// It is a copy of us without exec, of which next to nothing is written to, so it costs little.
/// Start it from the main thread, which the kernel takes for the life of the process.
class Keeper {
  public:
    struct Report {
        enum class Kind : std::uint8_t {
            spawned,      // the leader is `pid`
            not_spawned,  // `why`; nothing follows
            ended,        // the leader did, by `ending`
            all_gone,     // nothing is left; nothing follows
            lost,         // the keeper itself was killed; nothing follows. Its orphans are ours now
        };
        Kind kind = Kind::spawned;
        pid_t pid = 0;
        Ending ending{};
        std::string why{};
    };

    /// `unavailable` when there are no processes or descriptors left. The descriptors of `program`
    /// may be closed as soon as this returns. When the leader has ended, each process that it
    /// leaves behind gets `last_signal`, once and before anybody is told; 0: none.
    [[nodiscard]] static Result<Keeper> start(
        const process::SpawnOptions& program, int last_signal = 0
    );

    /// Whether this child of ours is the process of a Keeper that lives.
    static bool is_keeper(pid_t pid);

    Keeper(Keeper&& other) noexcept;
    Keeper& operator=(Keeper&& other) = delete;
    /// Kills what is left, without waiting for it for long.
    ~Keeper();

    /// Readable when read() has something to say.
    int descriptor() const { return socket_.get(); }
    pid_t pid() const { return pid_; }
    /// Nothing: not now. To be called until then.
    std::optional<Report> read();

    enum class Order : std::uint8_t {
        signal_group,  // the group that the leader made, while that lives
        signal_leader,
        kill_all,  // goes on until nothing is left
    };
    /// Nothing happens when nobody is left. `signal` is ignored by kill_all.
    void tell(Order order, int signal = 0);

  private:
    Keeper(Descriptor socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}

    Descriptor socket_;
    pid_t pid_ = 0;
    bool is_over_ = false;
};

}  // namespace tranter::supervise

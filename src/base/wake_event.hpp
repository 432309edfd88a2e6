#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace tranter {

/// A descriptor that becomes readable when somebody says so, for threads that poll() others too.
/// Thread-safe.
class WakeEvent {
  public:
    /// Throws SystemError when there are no descriptors left: without it nobody could be woken.
    WakeEvent() : fd_(open()) {
        if (!fd_) throw SystemError(std::string("no eventfd can be made: ") + std::strerror(errno));
    }

    /// The same with `unavailable`.
    static Result<WakeEvent> make() {
        Descriptor fd = open();
        if (fd) return WakeEvent(std::move(fd));
        return fail(
            Errc::unavailable, std::string("no eventfd can be made: ") + std::strerror(errno)
        );
    }

    int get() const { return fd_.get(); }
    void wake() const { ::eventfd_write(fd_.get(), 1); }
    /// Not readable any more, until the next wake().
    void clear() const {
        eventfd_t ignored = 0;
        ::eventfd_read(fd_.get(), &ignored);
    }

  private:
    explicit WakeEvent(Descriptor fd) : fd_(std::move(fd)) {}

    static Descriptor open() { return Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

    Descriptor fd_;
};

}  // namespace tranter

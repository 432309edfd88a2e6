#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace tranter {

/// A descriptor that becomes readable when somebody says so, for threads that poll() others too.
/// Thread-safe.
class WakeEvent {
  public:
    /// Throws SystemError when there are no descriptors left: without it nobody could be woken.
    WakeEvent() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!fd_) throw SystemError(std::string("no eventfd can be made: ") + std::strerror(errno));
    }

    /// The same with `unavailable`.
    static Result<WakeEvent> make() {
        try {
            return WakeEvent();
        } catch (const SystemError& error) {
            return fail(Errc::unavailable, error.what());
        }
    }

    int get() const { return fd_.get(); }
    void wake() const { ::eventfd_write(fd_.get(), 1); }
    /// Not readable any more, until the next wake().
    void clear() const {
        eventfd_t ignored = 0;
        ::eventfd_read(fd_.get(), &ignored);
    }

  private:
    Descriptor fd_;
};

}  // namespace tranter

#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace tranter::process {

/// What a program reads from or writes to.
struct Pipe {
    Descriptor read;
    Descriptor write;

    /// Both ends close on exec. `unavailable` when there are no descriptors left.
    static Result<Pipe> make() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            const std::string why = std::strerror(errno);
            return fail(Errc::unavailable, "no pipe can be made: " + why);
        }
        return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    }
};

/// The three of a program.
struct Pipes {
    Pipe input;
    Pipe output;
    Pipe errors;

    static Result<Pipes> make() {
        Pipes out;
        for (Pipe* one : {&out.input, &out.output, &out.errors}) {
            auto made = Pipe::make();
            if (!made) return std::unexpected(std::move(made.error()));
            *one = std::move(*made);
        }
        return out;
    }
};

inline void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace tranter::process

#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::log {

/// The disk refused. `full()`: for lack of space (ENOSPC, EDQUOT, EFBIG), file descriptors or
/// memory, which may pass.
class DiskError : public SystemError {
  public:
    DiskError(const std::string& what, bool full) : SystemError(what), full_(full) {}
    bool full() const { return full_; }

  private:
    bool full_;
};

/// One open file. Every function throws DiskError, naming file and cause.
class File {
  public:
    virtual ~File() = default;
    /// Writes all bytes at this offset, extending the file as needed. After a failure anything may
    /// stand from `offset` on.
    virtual void write(std::uint64_t offset, std::string_view bytes) = 0;
    /// What was written before this call survives a power loss. After a failure what was written
    /// since the last success may be gone, even if it can still be read: never call it again and
    /// believe the answer (the kernel reports a lost page once).
    virtual void sync() = 0;
    /// Reads until `into` is full or the file ends; returns the number of bytes.
    virtual std::size_t read(std::uint64_t offset, std::span<char> into) const = 0;
    virtual std::uint64_t size() const = 0;
    virtual void truncate(std::uint64_t size) = 0;
};

/// One directory of files, and all that the log knows of a disk, so that a simulation can stand in
/// for it. Names have no directory part. Functions throw DiskError. Thread-safe; so are the
/// functions of different files, and read() beside write() and sync() of one file.
class Disk {
  public:
    virtual ~Disk() = default;
    /// A new, empty file, readable by its owner only; it must not exist.
    virtual std::unique_ptr<File> create(const std::string& name) = 0;
    virtual std::unique_ptr<File> open(const std::string& name) = 0;
    virtual bool exists(const std::string& name) const = 0;
    /// In order of name.
    virtual std::vector<std::string> list() const = 0;
    /// Replaces `to` when it exists.
    virtual void rename(const std::string& from, const std::string& to) = 0;
    virtual void remove(const std::string& name) = 0;
    /// Names created, renamed and removed before this call survive a power loss.
    virtual void sync_directory() = 0;
    /// Bytes that could still be written by this process.
    virtual std::uint64_t free_bytes() const = 0;
    /// For messages to people.
    virtual std::string path_of(const std::string& name) const = 0;
};

}  // namespace tranter::log

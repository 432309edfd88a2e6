// A FUSE file system for power cuts: everything not synced is in memory only. Commands are written
// to the file .control in its root, see Disk::control(); reading that file gives counters. Mapped
// memory is not supported. Run it in the foreground: crashfs -f MOUNTPOINT.

#define FUSE_USE_VERSION 31

#include "crash_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fuse3/fuse.h>
#include <string_view>

namespace crashfs {
namespace {

constexpr std::string_view control_path = "/.control";

Disk& disk() {
    static Disk disk;
    return disk;
}

Handle* handle_of(const fuse_file_info* info) {
    return info == nullptr ? nullptr : reinterpret_cast<Handle*>(info->fh);
}

bool is_control(const char* path) {
    return path != nullptr && path == control_path;
}

int fs_getattr(const char* path, struct stat* out, fuse_file_info* info) {
    if (is_control(path)) {
        *out = {};
        out->st_mode = S_IFREG | 0600;
        out->st_nlink = 1;
        out->st_size = static_cast<off_t>(disk().status().size());
        return 0;
    }
    return disk().attributes(path == nullptr ? "" : path, handle_of(info), *out);
}

// NOLINTNEXTLINE(readability-function-size): FUSE chose the parameters
int fs_readdir(
    const char* path,
    void* buffer,
    fuse_fill_dir_t fill,
    off_t /*offset*/,
    fuse_file_info* /*info*/,
    fuse_readdir_flags /*flags*/
) {
    std::vector<std::string> names{".", ".."};
    if (const int failure = disk().list(path, names)) {
        return failure;
    }
    for (const auto& name : names) {
        fill(buffer, name.c_str(), nullptr, 0, fuse_fill_dir_flags{});
    }
    return 0;
}

int fs_create(const char* path, mode_t mode, fuse_file_info* info) {
    Handle handle;
    const int failure = disk().create(path, mode, fuse_get_context()->uid, handle);
    info->fh = failure != 0 ? 0 : reinterpret_cast<std::uint64_t>(new Handle(handle));
    return failure;
}

int fs_open(const char* path, fuse_file_info* info) {
    info->fh = 0;
    if (is_control(path)) {
        return 0;
    }
    Handle handle;
    const int failure = disk().open(path, (info->flags & O_TRUNC) != 0, handle);
    info->fh = failure != 0 ? 0 : reinterpret_cast<std::uint64_t>(new Handle(handle));
    return failure;
}

int fs_release(const char* /*path*/, fuse_file_info* info) {
    delete handle_of(info);
    return 0;
}

int fs_read(const char* /*path*/, char* into, size_t bytes, off_t offset, fuse_file_info* info) {
    const auto start = static_cast<std::uint64_t>(offset);
    if (const auto* handle = handle_of(info)) {
        return disk().read(*handle, start, into, bytes);
    }
    const auto text = disk().status();
    return start < text.size() ? static_cast<int>(text.copy(into, bytes, start)) : 0;
}

int fs_write(
    const char* /*path*/, const char* from, size_t bytes, off_t offset, fuse_file_info* info
) {
    if (const auto* handle = handle_of(info)) {
        return disk().write(*handle, static_cast<std::uint64_t>(offset), from, bytes);
    }
    return disk().control(std::string(from, bytes)) ? static_cast<int>(bytes) : -EINVAL;
}

int fs_truncate(const char* path, off_t size, fuse_file_info* info) {
    if (is_control(path)) {
        return 0;
    }
    const auto bytes = static_cast<std::uint64_t>(size);
    return disk().truncate(path == nullptr ? "" : path, handle_of(info), bytes);
}

int fs_fsync(const char* /*path*/, int /*data_only*/, fuse_file_info* info) {
    const auto* handle = handle_of(info);
    return handle == nullptr ? 0 : disk().sync(*handle);
}

int fs_fsyncdir(const char* path, int /*data_only*/, fuse_file_info* /*info*/) {
    return disk().sync_directory(path);
}

int fs_mkdir(const char* path, mode_t /*mode*/) {
    return disk().make_directory(path, fuse_get_context()->uid);
}

int fs_remove(const char* path) {
    return disk().remove(path);
}

int fs_rename(const char* from, const char* to, unsigned flags) {
    return flags != 0 ? -EINVAL : disk().rename(from, to);
}

int fs_statfs(const char* /*path*/, struct statvfs* out) {
    *out = {};
    out->f_bsize = out->f_frsize = sector_bytes;
    out->f_blocks = (std::uint64_t{1} << 40U) / sector_bytes;
    out->f_bfree = out->f_bavail = disk().free_bytes() / sector_bytes;
    out->f_files = out->f_ffree = 1U << 20U;
    out->f_namemax = 255;
    return 0;
}

int fs_chmod(const char* /*path*/, mode_t /*mode*/, fuse_file_info* /*info*/) {
    return 0;
}

int fs_utimens(const char* /*path*/, const timespec* /*times*/, fuse_file_info* /*info*/) {
    return 0;
}

void* fs_init(fuse_conn_info* /*connection*/, fuse_config* config) {
    config->use_ino = 1;
    config->hard_remove = 1;
    config->direct_io = 1;
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    return nullptr;
}

fuse_operations operations() {
    fuse_operations all{};
    all.init = fs_init;
    all.getattr = fs_getattr;
    all.readdir = fs_readdir;
    all.create = fs_create;
    all.open = fs_open;
    all.release = fs_release;
    all.read = fs_read;
    all.write = fs_write;
    all.truncate = fs_truncate;
    all.fsync = fs_fsync;
    all.fsyncdir = fs_fsyncdir;
    all.mkdir = fs_mkdir;
    all.unlink = fs_remove;
    all.rmdir = fs_remove;
    all.rename = fs_rename;
    all.statfs = fs_statfs;
    all.chmod = fs_chmod;
    all.utimens = fs_utimens;
    return all;
}

}  // namespace
}  // namespace crashfs

int main(int count, char** words) {
    const auto operations = crashfs::operations();
    return fuse_main(count, words, &operations, nullptr);
}

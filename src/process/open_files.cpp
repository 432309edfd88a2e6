#include "process/open_files.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace tranter::process {

std::uint64_t raise_open_files(std::uint64_t most) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
    const rlim_t before = files.rlim_cur;
    files.rlim_cur = std::max(before, std::min<rlim_t>(files.rlim_max, most));
    return ::setrlimit(RLIMIT_NOFILE, &files) == 0 ? before : 0;
}

}  // namespace tranter::process

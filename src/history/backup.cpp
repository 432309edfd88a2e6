#include "history/backup.hpp"

#include "history/database.hpp"
#include "sqlite/copy.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

namespace tranter::history {
namespace {

FileFigures figures_of(Database& database) {
    FileFigures figures;
    figures.entries =
        static_cast<std::uint64_t>(database.integer("SELECT sum(entries) FROM tally"));
    figures.bytes = static_cast<std::uint64_t>(
        database.integer("PRAGMA page_count") * database.integer("PRAGMA page_size")
    );
    return figures;
}

/// What `work()` says of the file, or why it cannot.
template <class Work>
Result<std::optional<FileFigures>> about_file(const std::string& path, const Work& work) {
    std::error_code failure;
    if (!std::filesystem::exists(path, failure) && !failure) return std::nullopt;
    try {
        return work();
    } catch (const DatabaseError& error) {
        return fail(
            error.is_damage() ? Errc::corrupted : Errc::unavailable,
            fmt::format("{}: {}", path, error.what())
        );
    }
}

}  // namespace

Result<std::optional<FileFigures>> look_at_history(const std::string& path) {
    return about_file(path, [&] {
        Database database = sqlite::look_at_database(path);
        return figures_of(database);
    });
}

Result<std::optional<FileFigures>> check_history(const std::string& path) {
    return about_file(path, [&] {
        Database database = sqlite::look_at_database(path);
        sqlite::check_database(database);
        return figures_of(database);
    });
}

Result<std::optional<FileFigures>> copy_history(const std::string& from, const std::string& to) {
    auto copied = about_file(from, [&] {
        sqlite::copy_database(from, to);
        Database database = sqlite::look_at_database(to);
        return figures_of(database);
    });
    if (copied) return copied;
    for (const std::string_view suffix : std::array{"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(fmt::format("{}{}", to, suffix), ignored);
    }
    return copied;
}

}  // namespace tranter::history

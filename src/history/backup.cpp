#include "history/backup.hpp"

#include "history/database.hpp"
#include "sqlite/copy.hpp"

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

}  // namespace

Result<std::optional<FileFigures>> look_at_history(const std::string& path) {
    return sqlite::about_database(path, [&] {
        Database database = sqlite::look_at_database(path);
        return figures_of(database);
    });
}

Result<std::optional<FileFigures>> check_history(const std::string& path) {
    return sqlite::about_database(path, [&] {
        Database database = sqlite::look_at_database(path);
        sqlite::check_database(database);
        return figures_of(database);
    });
}

Result<std::optional<FileFigures>> copy_history(const std::string& from, const std::string& to) {
    auto copied = sqlite::about_database(from, [&] {
        sqlite::copy_database(from, to);
        Database database = sqlite::look_at_database(to);
        return figures_of(database);
    });
    if (copied) return copied;
    sqlite::remove_database(to);
    return copied;
}

}  // namespace tranter::history

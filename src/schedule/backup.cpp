#include "schedule/backup.hpp"

#include "sqlite/copy.hpp"

namespace tranter::schedule {
namespace {

StoreFileFigures figures_of_file(sqlite::Database& database) {
    const auto number = [&](sqlite::ConstantSql sql) {
        return static_cast<std::uint64_t>(database.integer(sql));
    };
    return {
        .schedules = number("SELECT count(*) FROM recurring_jobs"),
        .waiting_jobs = number("SELECT count(*) FROM scheduled_jobs WHERE status = 0"),
        .bytes = number("PRAGMA page_count") * number("PRAGMA page_size")};
}

}  // namespace

Result<std::optional<StoreFileFigures>> look_at_store_file(const std::string& path) {
    return sqlite::about_database(path, [&] {
        sqlite::Database database = sqlite::look_at_database(path);
        return figures_of_file(database);
    });
}

Result<std::optional<StoreFileFigures>> check_store_file(const std::string& path) {
    return sqlite::about_database(path, [&] {
        sqlite::Database database = sqlite::look_at_database(path);
        sqlite::check_database(database);
        return figures_of_file(database);
    });
}

Result<std::optional<StoreFileFigures>> copy_store_file(
    const std::string& from, const std::string& to
) {
    auto copied = sqlite::about_database(from, [&] {
        sqlite::copy_database(from, to);
        sqlite::Database database = sqlite::look_at_database(to);
        return figures_of_file(database);
    });
    if (!copied) sqlite::remove_database(to);
    return copied;
}

}  // namespace tranter::schedule

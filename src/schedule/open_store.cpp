#include "base/log_text.hpp"
#include "postgres/pool.hpp"
#include "schedule/backup.hpp"
#include "schedule/postgres_schema.hpp"
#include "schedule/postgres_store.hpp"
#include "schedule/sqlite_schema.hpp"
#include "schedule/sqlite_store.hpp"
#include "schedule/store.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>

namespace tranter::schedule {
namespace {

/// Without what may be a password.
std::unexpected<Error> refuse_store(std::string_view url, std::string_view why) {
    const std::string_view scheme = url.substr(0, url.find(':'));
    return fail(
        Errc::invalid_argument, fmt::format("store \"{}\": {}", one_line(scheme.substr(0, 32)), why)
    );
}

Result<std::shared_ptr<ScheduleStore>> open_sqlite(const std::string& path) {
    try {
        return std::make_shared<SqliteStore>(path);
    } catch (const SystemError& error) {
        return fail(
            Errc::unavailable,
            fmt::format("cannot open the store of schedules {}: {}", one_line(path), error.what())
        );
    }
}

Result<std::shared_ptr<ScheduleStore>> open_postgres(std::string_view url) {
    const auto target = postgres::parse_target(url);
    if (!target) return std::unexpected(target.error());
    try {
        auto store = std::make_shared<PostgresStore>(*target);
        if (auto made = store->make_tables(); !made) return std::unexpected(made.error());
        return store;
    } catch (const postgres::DatabaseError& error) {
        return fail(
            Errc::unavailable,
            fmt::format("cannot open the store of schedules in PostgreSQL: {}", error.what())
        );
    } catch (const SystemError& error) {  // does not mend itself
        return fail(
            Errc::conflict,
            fmt::format("cannot open the store of schedules in PostgreSQL: {}", error.what())
        );
    }
}

StoreAge age_of(std::size_t found, std::size_t known) {
    if (found == 0) return StoreAge::none;
    if (found == known) return StoreAge::current;
    return found < known ? StoreAge::older : StoreAge::newer;
}

Result<StoreAge> age_of_sqlite(const std::string& path) {
    if (!std::filesystem::exists(path)) return StoreAge::none;
    try {
        sqlite::Database database(path, sqlite::Database::Mode::read);
        const auto found = static_cast<std::size_t>(database.integer("PRAGMA user_version"));
        return age_of(found, sqlite_migrations().size());
    } catch (const SystemError& error) {
        return fail(
            Errc::unavailable,
            fmt::format("cannot open the store of schedules {}: {}", one_line(path), error.what())
        );
    }
}

Result<StoreAge> age_of_postgres(std::string_view url) {
    const auto target = postgres::parse_target(url);
    if (!target) return std::unexpected(target.error());
    postgres::Pool session(*target, "the store of schedules", 1);
    return session.read([](postgres::Connection& connection) -> Result<StoreAge> {
        return age_of(postgres_version(connection), postgres_migrations().size());
    });
}

/// A directory has the file in it.
std::string path_of_store(std::string_view rest) {
    // file:///var/lib/x is how others write file:/var/lib/x.
    if (rest.starts_with("///")) rest.remove_prefix(2);
    std::filesystem::path path(rest);
    if (path.extension() != ".db") path /= schedules_file;
    return path.string();
}

}  // namespace

Result<std::shared_ptr<ScheduleStore>> open_store(std::string_view url) {
    const std::size_t colon = url.find(':');
    const std::string_view scheme = url.substr(0, colon);
    if (colon == std::string_view::npos) {
        return refuse_store(url, "must begin with file:, postgres: or memory:");
    }
    const std::string_view rest = url.substr(colon + 1);
    if (scheme == "memory") {
        if (!rest.empty()) return refuse_store(url, "nothing may follow memory:");
        return open_sqlite(":memory:");
    }
    if (scheme == "file") {
        if (rest.empty()) return refuse_store(url, "needs the path of a directory behind file:");
        return open_sqlite(path_of_store(rest));
    }
    if (postgres::is_postgres_url(url)) return open_postgres(url);
    if (scheme == "http" || scheme == "https") {
        return refuse_store(
            url,
            "is the address of a server, whose Jobs API has its schedules under /v1/schedules: ask "
            "that, or write the store that the server uses, file:/path or postgres://host/database"
        );
    }
    return refuse_store(
        url, "is of a kind that is not known, write file:/path, postgres://host/database or memory:"
    );
}

Result<StoreAge> age_of_store(std::string_view url) {
    if (postgres::is_postgres_url(url)) return age_of_postgres(url);
    constexpr std::string_view file = "file:";
    if (url.starts_with(file) && url.size() > file.size()) {
        return age_of_sqlite(path_of_store(url.substr(file.size())));
    }
    const auto store = open_store(url);
    if (!store) return std::unexpected(store.error());
    return StoreAge::current;
}

}  // namespace tranter::schedule

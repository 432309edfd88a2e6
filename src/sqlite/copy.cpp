#include "sqlite/copy.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace tranter::sqlite {
namespace {

/// A path inside of a URI.
std::string escape_path(const std::string& path) {
    std::string escaped;
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#') {
            escaped += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        } else {
            escaped += c;
        }
    }
    return escaped;
}

void copy_pages(Database& from, Database& to) {
    sqlite3_backup* const backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
    if (backup == nullptr) {
        throw DatabaseError(
            sqlite3_errcode(to.handle()) & 0xff,
            fmt::format("SQLite: {}", sqlite3_errmsg(to.handle()))
        );
    }
    // All in one step, so that one state is read, whatever is written meanwhile.
    sqlite3_backup_step(backup, -1);
    const int code = sqlite3_backup_finish(backup);
    if (code != SQLITE_OK) {
        throw DatabaseError(
            code & 0xff, fmt::format("SQLite: {} (code {})", sqlite3_errstr(code), code)
        );
    }
}

}  // namespace

Database look_at_database(const std::string& path) {
    // Without a journal beside it nobody has it open, and everything stands in the file. SQLite
    // would make the journal, and leave it there.
    const bool at_rest = !std::filesystem::exists(path + "-wal");
    Database database(
        at_rest ? fmt::format("file:{}?immutable=1", escape_path(path)) : path, Database::Mode::read
    );
    database.close_quietly();
    return database;
}

void check_database(Database& database) {
    const StatementUse row = database.use("PRAGMA quick_check(1)");
    if (!row->step() || row->text(0) != "ok") {
        throw DatabaseError(SQLITE_CORRUPT, fmt::format("SQLite: {}", row->text(0)));
    }
}

void copy_database(const std::string& from, const std::string& to) {
    Database source = look_at_database(from);
    Database target(to, Database::Mode::write);
    copy_pages(source, target);
    check_database(target);
}

void remove_database(const std::string& path) {
    for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(fmt::format("{}{}", path, suffix), ignored);
    }
}

bool may_be_there(const std::string& path) {
    std::error_code failure;
    return std::filesystem::exists(path, failure) || failure;
}

Error error_about(const std::string& path, const DatabaseError& error) {
    return {
        error.is_damage() ? Errc::corrupted : Errc::unavailable,
        fmt::format("{}: {}", path, error.what())};
}

}  // namespace tranter::sqlite

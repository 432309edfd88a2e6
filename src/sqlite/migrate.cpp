#include "sqlite/migrate.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <string>

namespace tranter::sqlite {
namespace {

struct Stand {
    std::size_t version = 0;
    std::int64_t application_id = 0;
    bool is_new = false;
};

/// At one moment, because another process may be about to migrate.
Stand read_stand(Database& database) {
    const Transaction moment(database, Transaction::Kind::read);
    return {
        .version = static_cast<std::size_t>(database.integer("PRAGMA user_version")),
        .application_id = database.integer("PRAGMA application_id"),
        .is_new = database.integer("SELECT count(*) FROM sqlite_schema") == 0};
}

void take_step(Database& database, const Owner& owner, Migration step, std::size_t version) {
    try {
        Transaction transaction(database);
        // Another process may have taken it while we waited for the lock.
        if (database.integer("PRAGMA user_version") >= static_cast<std::int64_t>(version)) return;
        database.execute(std::string(step));
        database.execute(fmt::format("PRAGMA application_id = {}", owner.application_id));
        database.execute(fmt::format("PRAGMA user_version = {}", version));
        transaction.commit();
    } catch (const DatabaseError& error) {
        if (error.is_damage()) throw;
        throw SystemError(
            fmt::format("it cannot be brought to schema version {}: {}", version, error.what())
        );
    }
}

}  // namespace

void migrate(Database& database, const Owner& owner, std::span<const Migration> steps) {
    const Stand stand = read_stand(database);
    if (!stand.is_new && stand.application_id != owner.application_id) {
        throw SystemError("it is the database of another program: use another file");
    }
    const std::size_t found = stand.version;
    const bool is_new = stand.is_new;
    if (found > steps.size()) {
        throw SystemError(fmt::format(
            "it has schema version {}, this program knows {}: use the newer program or another "
            "file",
            found,
            steps.size()
        ));
    }
    for (std::size_t version = found; version < steps.size(); ++version) {
        take_step(database, owner, steps[version], version + 1);
        if (!is_new) log_info(owner.component, "schema migrated", {{"version", version + 1}});
    }
}

}  // namespace tranter::sqlite

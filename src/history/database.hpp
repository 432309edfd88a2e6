#pragma once

#include "sqlite/database.hpp"

namespace tranter::history {

using sqlite::ConstantSql;
using sqlite::Database;
using sqlite::DatabaseError;
using sqlite::Statement;
using sqlite::StatementUse;
using sqlite::Transaction;

}  // namespace tranter::history

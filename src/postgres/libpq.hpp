#pragma once

#include <libpq-fe.h>

namespace tranter::postgres {

/// The functions of libpq.so.5 that we use. It brings Kerberos and LDAP with it, which only those
/// who have a database in PostgreSQL should pay for; only the types come from its header.
struct Libpq {
    decltype(&PQconninfoParse) conninfo_parse{};
    decltype(&PQconninfoFree) conninfo_free{};
    decltype(&PQfreemem) free_memory{};
    decltype(&PQconnectdbParams) connect{};
    decltype(&PQfinish) finish{};
    decltype(&PQreset) reset{};
    decltype(&PQstatus) status{};
    decltype(&PQtransactionStatus) transaction_status{};
    decltype(&PQbackendPID) backend_pid{};
    decltype(&PQerrorMessage) error_message{};
    decltype(&PQsetErrorVerbosity) set_error_verbosity{};
    decltype(&PQconnectionNeedsPassword) needs_password{};
    decltype(&PQsetNoticeProcessor) set_notice_processor{};
    decltype(&PQsetnonblocking) set_nonblocking{};
    decltype(&PQexecParams) exec_params{};
    decltype(&PQsendQuery) send_query{};
    decltype(&PQsendQueryParams) send_query_params{};
    decltype(&PQsendPrepare) send_prepare{};
    decltype(&PQsendQueryPrepared) send_query_prepared{};
    decltype(&PQflush) flush{};
    decltype(&PQisBusy) is_busy{};
    decltype(&PQgetResult) get_result{};
    decltype(&PQenterPipelineMode) enter_pipeline_mode{};
    decltype(&PQexitPipelineMode) exit_pipeline_mode{};
    decltype(&PQpipelineSync) pipeline_sync{};
    decltype(&PQcmdStatus) command_status{};
    decltype(&PQclear) clear{};
    decltype(&PQresultStatus) result_status{};
    decltype(&PQresultErrorField) error_field{};
    decltype(&PQntuples) rows{};
    decltype(&PQgetisnull) is_null{};
    decltype(&PQgetvalue) value{};
    decltype(&PQgetlength) length{};
    decltype(&PQsocket) socket{};
    decltype(&PQconsumeInput) consume_input{};
    decltype(&PQnotifies) notifies{};
    bool loaded = false;

    Libpq();
};

/// Loads it at the first call. Thread-safe.
const Libpq& libpq();

}  // namespace tranter::postgres

#include "postgres/libpq.hpp"

#include "base/shared_library.hpp"

namespace tranter::postgres {

Libpq::Libpq() {
    void* library = load_library("libpq.so.5");
    if (library == nullptr) return;
    loaded =
        find_symbol(library, "PQconninfoParse", conninfo_parse) &&
        find_symbol(library, "PQconninfoFree", conninfo_free) &&
        find_symbol(library, "PQfreemem", free_memory) &&
        find_symbol(library, "PQconnectdbParams", connect) &&
        find_symbol(library, "PQfinish", finish) && find_symbol(library, "PQreset", reset) &&
        find_symbol(library, "PQstatus", status) &&
        find_symbol(library, "PQtransactionStatus", transaction_status) &&
        find_symbol(library, "PQbackendPID", backend_pid) &&
        find_symbol(library, "PQerrorMessage", error_message) &&
        find_symbol(library, "PQsetErrorVerbosity", set_error_verbosity) &&
        find_symbol(library, "PQconnectionNeedsPassword", needs_password) &&
        find_symbol(library, "PQsetNoticeProcessor", set_notice_processor) &&
        find_symbol(library, "PQsetnonblocking", set_nonblocking) &&
        find_symbol(library, "PQexecParams", exec_params) &&
        find_symbol(library, "PQsendQuery", send_query) &&
        find_symbol(library, "PQsendQueryParams", send_query_params) &&
        find_symbol(library, "PQsendPrepare", send_prepare) &&
        find_symbol(library, "PQsendQueryPrepared", send_query_prepared) &&
        find_symbol(library, "PQflush", flush) && find_symbol(library, "PQisBusy", is_busy) &&
        find_symbol(library, "PQgetResult", get_result) &&
        find_symbol(library, "PQenterPipelineMode", enter_pipeline_mode) &&
        find_symbol(library, "PQexitPipelineMode", exit_pipeline_mode) &&
        find_symbol(library, "PQpipelineSync", pipeline_sync) &&
        find_symbol(library, "PQcmdStatus", command_status) &&
        find_symbol(library, "PQclear", clear) &&
        find_symbol(library, "PQresultStatus", result_status) &&
        find_symbol(library, "PQresultErrorField", error_field) &&
        find_symbol(library, "PQntuples", rows) && find_symbol(library, "PQgetisnull", is_null) &&
        find_symbol(library, "PQgetvalue", value) && find_symbol(library, "PQgetlength", length) &&
        find_symbol(library, "PQsocket", socket) &&
        find_symbol(library, "PQconsumeInput", consume_input) &&
        find_symbol(library, "PQnotifies", notifies);
}

const Libpq& libpq() {
    static const Libpq loaded;  // never unloaded: other threads may be inside
    return loaded;
}

}  // namespace tranter::postgres

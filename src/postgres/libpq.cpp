#include "postgres/libpq.hpp"

#include <dlfcn.h>

namespace tranter::postgres {
namespace {

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace

Libpq::Libpq() {
    void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    loaded =
        find(library, "PQconninfoParse", conninfo_parse) &&
        find(library, "PQconninfoFree", conninfo_free) && find(library, "PQfreemem", free_memory) &&
        find(library, "PQconnectdbParams", connect) && find(library, "PQfinish", finish) &&
        find(library, "PQstatus", status) && find(library, "PQerrorMessage", error_message) &&
        find(library, "PQsetNoticeProcessor", set_notice_processor) &&
        find(library, "PQexec", exec) && find(library, "PQexecParams", exec_params) &&
        find(library, "PQclear", clear) && find(library, "PQresultStatus", result_status) &&
        find(library, "PQresultErrorField", error_field) && find(library, "PQntuples", rows) &&
        find(library, "PQgetisnull", is_null) && find(library, "PQgetvalue", value) &&
        find(library, "PQgetlength", length) && find(library, "PQsocket", socket) &&
        find(library, "PQconsumeInput", consume_input) && find(library, "PQnotifies", notifies);
}

const Libpq& libpq() {
    static const Libpq loaded;  // never unloaded: other threads may be inside
    return loaded;
}

}  // namespace tranter::postgres

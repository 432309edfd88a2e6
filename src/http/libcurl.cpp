#include "http/libcurl.hpp"

#include "base/shared_library.hpp"

namespace tranter::http {

Curl::Curl() {
    void* library = load_library("libcurl.so.4");
    if (library == nullptr) return;
    loaded = find_symbol(library, "curl_global_init", global_init) &&
             find_symbol(library, "curl_easy_init", easy_init) &&
             find_symbol(library, "curl_easy_setopt", easy_setopt) &&
             find_symbol(library, "curl_easy_getinfo", easy_getinfo) &&
             find_symbol(library, "curl_easy_reset", easy_reset) &&
             find_symbol(library, "curl_easy_cleanup", easy_cleanup) &&
             find_symbol(library, "curl_easy_strerror", easy_strerror) &&
             find_symbol(library, "curl_multi_init", multi_init) &&
             find_symbol(library, "curl_multi_add_handle", multi_add_handle) &&
             find_symbol(library, "curl_multi_perform", multi_perform) &&
             find_symbol(library, "curl_multi_poll", multi_poll) &&
             find_symbol(library, "curl_multi_wakeup", multi_wakeup) &&
             find_symbol(library, "curl_multi_info_read", multi_info_read) &&
             find_symbol(library, "curl_multi_remove_handle", multi_remove_handle) &&
             find_symbol(library, "curl_multi_cleanup", multi_cleanup) &&
             find_symbol(library, "curl_slist_append", slist_append) &&
             find_symbol(library, "curl_slist_free_all", slist_free_all);
    if (loaded) loaded = global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const Curl& curl() {
    static const Curl loaded;  // never unloaded: other threads may be inside
    return loaded;
}

}  // namespace tranter::http

#include "http/libcurl.hpp"

#include <dlfcn.h>

namespace tranter::http {
namespace {

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace

Curl::Curl() {
    void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    loaded = find(library, "curl_global_init", global_init) &&
             find(library, "curl_easy_init", easy_init) &&
             find(library, "curl_easy_setopt", easy_setopt) &&
             find(library, "curl_easy_getinfo", easy_getinfo) &&
             find(library, "curl_easy_reset", easy_reset) &&
             find(library, "curl_easy_cleanup", easy_cleanup) &&
             find(library, "curl_easy_strerror", easy_strerror) &&
             find(library, "curl_multi_init", multi_init) &&
             find(library, "curl_multi_add_handle", multi_add_handle) &&
             find(library, "curl_multi_perform", multi_perform) &&
             find(library, "curl_multi_poll", multi_poll) &&
             find(library, "curl_multi_wakeup", multi_wakeup) &&
             find(library, "curl_multi_info_read", multi_info_read) &&
             find(library, "curl_multi_remove_handle", multi_remove_handle) &&
             find(library, "curl_multi_cleanup", multi_cleanup) &&
             find(library, "curl_slist_append", slist_append) &&
             find(library, "curl_slist_free_all", slist_free_all);
    if (loaded) loaded = global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const Curl& curl() {
    static const Curl loaded;  // never unloaded: other threads may be inside
    return loaded;
}

}  // namespace tranter::http

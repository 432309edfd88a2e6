#pragma once

#include <curl/curl.h>

namespace tranter::http {

/// The functions of libcurl.so.4 that we use. Loading it costs several megabytes and milliseconds,
/// which a server that never calls out should not pay; only the types come from curl's header.
struct Curl {
    decltype(&curl_global_init) global_init{};
    decltype(&curl_easy_init) easy_init{};
    decltype(&curl_easy_setopt) easy_setopt{};
    decltype(&curl_easy_getinfo) easy_getinfo{};
    decltype(&curl_easy_reset) easy_reset{};
    decltype(&curl_easy_cleanup) easy_cleanup{};
    decltype(&curl_easy_strerror) easy_strerror{};
    decltype(&curl_multi_init) multi_init{};
    decltype(&curl_multi_add_handle) multi_add_handle{};
    decltype(&curl_multi_perform) multi_perform{};
    decltype(&curl_multi_poll) multi_poll{};
    decltype(&curl_multi_wakeup) multi_wakeup{};
    decltype(&curl_multi_info_read) multi_info_read{};
    decltype(&curl_multi_remove_handle) multi_remove_handle{};
    decltype(&curl_multi_cleanup) multi_cleanup{};
    decltype(&curl_slist_append) slist_append{};
    decltype(&curl_slist_free_all) slist_free_all{};
    bool loaded = false;

    Curl();
};

/// Loads it at the first call. Thread-safe.
const Curl& curl();

}  // namespace tranter::http

#include "http/curl_client.hpp"

#include "http/address_rules.hpp"
#include "http/libcurl.hpp"
#include "http/plain_url.hpp"
#include "http/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tranter::http {
namespace {

constexpr int poll_milliseconds_max = 60'000;

struct FreeList {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool append(HeaderList& list, const std::string& line) {
    curl_slist* const longer = curl().slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    [[maybe_unused]] const auto* same = list.release();
    list.reset(longer);
    return true;
}

/// Where an answer goes.
struct Transfer {
    const ClientRequest& request;
    ClientResponse response{};
    std::size_t header_bytes = 0;
    std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();
    bool ended = false;       // by whoever takes the body
    bool tried = false;       // an address that may be connected to
    std::string forbidden{};  // one that may not

    int status(CURL* handle) const {
        long status = 0;
        curl().easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        return static_cast<int>(status);
    }
};

/// What libcurl's callbacks get.
struct Sink {
    CURL* handle;
    Transfer& transfer;
};

bool is_secure(std::string_view url) {
    constexpr std::string_view scheme = "https:";
    return same_ignoring_case(url.substr(0, scheme.size()), scheme);
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* into) {
    auto& [handle, transfer] = *static_cast<Sink*>(into);
    const std::string_view piece(bytes, size * count);
    transfer.heard = std::chrono::steady_clock::now();
    if (transfer.request.on_body && transfer.status(handle) / 100 == 2) {
        transfer.ended = !transfer.request.on_body(piece);
        return transfer.ended ? 0 : piece.size();
    }
    std::string& body = transfer.response.body;
    const std::size_t room = transfer.request.body_bytes_max - body.size();
    if (piece.size() > room) {
        transfer.response.is_cut = transfer.request.cuts_body;
        if (transfer.request.cuts_body) body.append(piece.substr(0, room));
        return 0;
    }
    body.append(piece);
    return piece.size();
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* into) {
    Transfer& transfer = static_cast<Sink*>(into)->transfer;
    transfer.heard = std::chrono::steady_clock::now();
    auto& headers = transfer.response.headers;
    std::string_view line(bytes, size * count);
    transfer.header_bytes += line.size();
    if (transfer.header_bytes > answer_header_bytes_max) return 0;
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        headers.clear();  // a new block: what came before was an interim answer
        return size * count;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), lower);
    headers.emplace_back(std::move(name), trim(line.substr(colon + 1)));
    return size * count;
}

/// Makes the socket of a connection, unless it may not be made.
curl_socket_t open_socket(void* into, curlsocktype, curl_sockaddr* address) {
    Transfer& transfer = static_cast<Sink*>(into)->transfer;
    if (!transfer.request.may_connect(address->addr)) {
        transfer.forbidden = address_text(address->addr);
        return CURL_SOCKET_BAD;
    }
    transfer.tried = true;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Errc code_of(CURLcode code) {
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
            return Errc::timed_out;
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return Errc::invalid_argument;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
        case CURLE_BAD_FUNCTION_ARGUMENT:
            return Errc::internal;
        case CURLE_WRITE_ERROR:
            return Errc::limit_exceeded;
        default:
            return Errc::unavailable;
    }
}

}  // namespace

class CurlClient::Impl {
  public:
    ~Impl() {
        if (handle_ != nullptr) curl().easy_cleanup(handle_);
        if (multi_ != nullptr) curl().multi_cleanup(multi_);
    }

    Result<ClientResponse> send(const ClientRequest& request) {
        if (!curl().loaded) {
            return fail(Errc::internal, "libcurl.so.4 is missing; install the package libcurl4");
        }
        if (handle_ == nullptr) handle_ = curl().easy_init();
        if (multi_ == nullptr) multi_ = curl().multi_init();
        if (handle_ == nullptr || multi_ == nullptr) {
            return fail(Errc::internal, "libcurl cannot make a handle");
        }
        curl().easy_reset(handle_);

        HeaderList headers;
        for (const auto& [name, value] : request.headers) {
            append(headers, value.empty() ? name + ";" : name + ": " + value);
        }
        append(headers, "Expect:");  // no waiting for 100 Continue
        Transfer transfer{request};
        Sink sink{handle_, transfer};
        prepare(request, headers.get(), sink);
        if (request.signing) sign(*request.signing, headers);
        if (auto done = perform(transfer); !done) return std::unexpected(std::move(done.error()));
        transfer.response.status = transfer.status(handle_);
        return std::move(transfer.response);
    }

  private:
    void prepare(const ClientRequest& request, curl_slist* headers, Sink& sink) {
        error_[0] = '\0';
        leaving_ = false;
        set(CURLOPT_ERRORBUFFER, error_.data());
        set(CURLOPT_URL, request.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_FOLLOWLOCATION, 0L);
        if (is_loopback_url(request.url)) set(CURLOPT_PROXY, "");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_TCP_NODELAY, 1L);
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        set(CURLOPT_TIMEOUT_MS, timeout_milliseconds(request.timeout));
        set(CURLOPT_HTTPHEADER, headers);
        set(CURLOPT_WRITEFUNCTION, &take_body);
        set(CURLOPT_WRITEDATA, &sink);
        set(CURLOPT_HEADERFUNCTION, &take_header);
        set(CURLOPT_HEADERDATA, &sink);
        set(CURLOPT_SOCKOPTFUNCTION, &socket_opened);
        set(CURLOPT_SOCKOPTDATA, this);
        set(CURLOPT_CLOSESOCKETFUNCTION, &close_socket);
        set(CURLOPT_CLOSESOCKETDATA, this);
        if (request.may_connect) {
            set(CURLOPT_PROXY, "");
            set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
            set(CURLOPT_OPENSOCKETDATA, &sink);
        }
        if (request.method == "HEAD") {
            set(CURLOPT_NOBODY, 1L);
        } else if (request.method != "GET" || !request.body.empty()) {
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            set(CURLOPT_POSTFIELDS, request.body.c_str());
        }
        if (request.method != "HEAD") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }

    static long timeout_milliseconds(Duration timeout) {
        if (timeout == Duration::max()) return 0;
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
        return static_cast<long>(std::max<long long>(milliseconds, 1));
    }

    /// The multi interface and not easy_perform(), because only the first can be woken up.
    Result<void> perform(Transfer& transfer) {
        const std::stop_token& stop = transfer.request.stop;
        if (curl().multi_add_handle(multi_, handle_) != CURLM_OK) {
            return fail(Errc::internal, "libcurl cannot begin");
        }
        const bool finished = run(transfer);
        CURLcode code = CURLE_FAILED_INIT;
        int left = 0;
        while (const CURLMsg* message = curl().multi_info_read(multi_, &left)) {
            if (message->msg == CURLMSG_DONE) code = message->data.result;
        }
        curl().multi_remove_handle(multi_, handle_);
        if (!finished && !stop.stop_requested()) {
            return fail(Errc::timed_out, "nothing was received for too long");
        }
        if (finished && (code == CURLE_OK || transfer.response.is_cut)) return {};
        if (!finished || transfer.ended || stop.stop_requested()) {
            return fail(Errc::cancelled, "ended by the caller");
        }
        if (!transfer.forbidden.empty() && !transfer.tried) {
            return fail(Errc::permission_denied, transfer.forbidden + " may not be connected to");
        }
        return fail(code_of(code), error_[0] != '\0' ? error_.data() : curl().easy_strerror(code));
    }

    /// False when it was ended before its end: by its stop token, or by silence.
    bool run(const Transfer& transfer) {
        const ClientRequest& request = transfer.request;
        const std::stop_callback wake(request.stop, [this] { curl().multi_wakeup(multi_); });
        constexpr auto never = std::chrono::steady_clock::time_point::max();
        auto farewell_end = never;
        int running = 0;
        while (curl().multi_perform(multi_, &running) == CURLM_OK && running != 0) {
            const auto now = std::chrono::steady_clock::now();
            if (request.stop.stop_requested() && farewell_end == never) {
                if (!say_farewell(request)) return false;
                farewell_end = now + request.farewell;
            }
            const auto silence_end =
                request.silence > Duration::zero() ? transfer.heard + request.silence : never;
            const auto end = std::min(farewell_end, silence_end);
            if (end <= now) return false;
            const auto wait = std::min(
                std::chrono::milliseconds(poll_milliseconds_max),
                std::chrono::ceil<std::chrono::milliseconds>(end - now)
            );
            curl().multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
        }
        return true;
    }

    /// False when there is nobody to say it to.
    bool say_farewell(const ClientRequest& request) {
        if (request.farewell <= Duration::zero() || is_secure(request.url)) return false;
        if (socket_ == CURL_SOCKET_BAD) return false;
        set(CURLOPT_FORBID_REUSE, 1L);
        leaving_ = true;
        return ::shutdown(socket_, SHUT_WR) == 0;
    }

    // libcurl does not tell which socket a request under way uses, but it has one at a time.
    static int socket_opened(void* self, curl_socket_t socket, curlsocktype) {
        Impl& client = *static_cast<Impl*>(self);
        // libcurl sends a request again when a connection that it kept closes without an answer.
        if (client.leaving_) return CURL_SOCKOPT_ERROR;
        client.socket_ = socket;
        return CURL_SOCKOPT_OK;
    }
    static int close_socket(void* self, curl_socket_t socket) {
        curl_socket_t& open = static_cast<Impl*>(self)->socket_;
        if (open == socket) open = CURL_SOCKET_BAD;
        return ::close(socket);
    }

    void sign(const Signing& signing, HeaderList& headers) {
        if (!signing.session_token.empty()) {
            append(headers, "X-Amz-Security-Token: " + signing.session_token);
            set(CURLOPT_HTTPHEADER, headers.get());
        }
        const std::string provider = "aws:amz:" + signing.region + ":" + signing.service;
        const std::string keys = signing.access_key + ":" + signing.secret_key;
        set(CURLOPT_AWS_SIGV4, provider.c_str());
        set(CURLOPT_USERPWD, keys.c_str());
    }

    template <class Value>
    void set(CURLoption option, Value value) {
        curl().easy_setopt(handle_, option, value);
    }

    CURL* handle_ = nullptr;
    curl_socket_t socket_ = CURL_SOCKET_BAD;  // of the connection made last, while it is open
    bool leaving_ = false;                    // the server was told
    CURLM* multi_ = nullptr;                  // keeps the open connection
    std::array<char, CURL_ERROR_SIZE> error_{};
};

CurlClient::CurlClient() : impl_(std::make_unique<Impl>()) {}

CurlClient::~CurlClient() = default;

CurlClient::CurlClient(CurlClient&&) noexcept = default;

CurlClient& CurlClient::operator=(CurlClient&&) noexcept = default;

Result<ClientResponse> CurlClient::send(const ClientRequest& request) {
    return impl_->send(request);
}

}  // namespace tranter::http

#include "http/resolve.hpp"

#include "base/wake_event.hpp"
#include "http/text.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace tranter::http {
namespace {

/// A name may have as many as its owner likes.
constexpr std::size_t addresses_max = 16;

bool is_localhost(std::string_view host) {
    constexpr std::string_view name = "localhost";
    if (host.size() < name.size()) return false;
    if (host.size() > name.size() && host[host.size() - name.size() - 1] != '.') return false;
    return same_ignoring_case(host.substr(host.size() - name.size()), name);
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// Appends what getaddrinfo() finds. 0, or its error.
int look_up(const char* host, const std::string& port, int flags, std::vector<Address>& addresses) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host, port.c_str(), &hints, &list);
    if (error != 0) return error;
    const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        Address address;
        if (one->ai_addrlen > sizeof address.bytes) continue;
        std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
        address.size = one->ai_addrlen;
        addresses.push_back(address);
    }
    return 0;
}

std::unexpected<Error> unresolved(const std::string& host, int error) {
    const std::string why =
        error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
    return fail(Errc::unavailable, "cannot resolve " + host + ": " + why);
}

/// In the order of the resolver otherwise.
void interleave(std::vector<Address>& addresses) {
    if (addresses.empty()) return;
    const auto first_family = addresses.front().bytes.ss_family;
    std::vector<Address> of_first;
    std::vector<Address> others;
    for (const Address& one : addresses)
        (one.bytes.ss_family == first_family ? of_first : others).push_back(one);
    addresses.clear();
    for (std::size_t i = 0; i < std::max(of_first.size(), others.size()); ++i) {
        if (i < of_first.size()) addresses.push_back(of_first[i]);
        if (i < others.size()) addresses.push_back(others[i]);
    }
}

/// What needs no resolver; nothing for a name that does.
Result<std::optional<std::vector<Address>>> known_addresses(
    const std::string& host, const std::string& port
) {
    std::vector<Address> addresses;
    int error = look_up(host.c_str(), port, AI_NUMERICHOST, addresses);
    if (error == EAI_NONAME) {
        if (!is_localhost(host)) return std::nullopt;
        look_up("::1", port, AI_NUMERICHOST, addresses);
        error = look_up("127.0.0.1", port, AI_NUMERICHOST, addresses);
    }
    if (error != 0) return unresolved(host, error);
    return addresses;
}

/// Outlives whoever wanted it.
struct Search {
    WakeEvent over;
    std::mutex mutex{};
    Result<std::vector<Address>> found{};  // guarded by mutex, and there once `over` is readable
};

}  // namespace

Result<std::vector<Address>> look_up_aside(LookUp look_up, Patience& patience) {
    auto over = WakeEvent::make();
    if (!over) return std::unexpected(std::move(over.error()));
    const auto search = std::make_shared<Search>(std::move(*over));
    try {
        std::thread([search, look_up] {
            auto found = look_up();
            {
                const std::lock_guard lock(search->mutex);
                search->found = std::move(found);
            }
            search->over.wake();
        }).detach();
    } catch (const std::system_error&) {
        // No more threads: then it is waited for.
        return look_up();
    }
    std::array<pollfd, 2> sockets{};
    sockets[1] = {.fd = search->over.get(), .events = POLLIN, .revents = 0};
    const auto woken = patience.wait(sockets);
    if (!woken) return std::unexpected(woken.error());
    if (*woken == Patience::Woken::stopped) return fail(Errc::cancelled, "ended by the caller");
    const std::lock_guard lock(search->mutex);
    return std::move(search->found);
}

Result<std::vector<Address>> resolve(
    const std::string& host, std::uint16_t port, Patience& patience
) {
    const std::string service = std::to_string(port);
    auto known = known_addresses(host, service);
    if (!known) return std::unexpected(std::move(known.error()));
    auto addresses = *known ? Result<std::vector<Address>>(std::move(**known))
                            : look_up_aside(
                                  [host, service]() -> Result<std::vector<Address>> {
                                      std::vector<Address> found;
                                      const int error = look_up(host.c_str(), service, 0, found);
                                      if (error != 0) return unresolved(host, error);
                                      return found;
                                  },
                                  patience
                              );
    if (!addresses) return addresses;
    if (addresses->empty()) return unresolved(host, EAI_NONAME);
    interleave(*addresses);
    if (addresses->size() > addresses_max) addresses->resize(addresses_max);
    return addresses;
}

}  // namespace tranter::http

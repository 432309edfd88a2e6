#include "admin/token_gate.hpp"

#include "base/digest.hpp"

#include <algorithm>

namespace tranter::admin {
namespace {

// So many wrong tokens at once, and so many a second after that.
constexpr double failures_max = 20;
constexpr double failures_per_second = 1;
constexpr std::size_t peers_max = 4096;

}  // namespace

TokenGate::Verdict TokenGate::check(const http::Request& request) {
    if (token_.empty()) return Verdict::pass;
    const auto header = request.header("authorization");
    constexpr std::string_view scheme = "Bearer ";
    // None is no guess: browsers ask like that first.
    if (!header) return Verdict::wrong;
    if (request.count("authorization") == 1 && header->starts_with(scheme) &&
        equal_in_constant_time(header->substr(scheme.size()), token_)) {
        return Verdict::pass;
    }
    return count_failure(request.peer);
}

TokenGate::Verdict TokenGate::count_failure(std::string_view peer) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    auto found = failures_.find(peer);
    if (found == failures_.end()) {
        // Whoever has so many addresses is not stopped by counting them.
        if (failures_.size() >= peers_max) failures_.clear();
        found = failures_.emplace(peer, Failures{failures_max, now}).first;
    }
    Failures& failures = found->second;
    const std::chrono::duration<double> passed = now - failures.at;
    failures.allowance =
        std::min(failures_max, failures.allowance + passed.count() * failures_per_second);
    failures.at = now;
    if (failures.allowance < 1) return Verdict::too_many;
    failures.allowance -= 1;
    return Verdict::wrong;
}

}  // namespace tranter::admin

#include "cli/store_wait.hpp"

#include "base/log.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "base/stop.hpp"
#include "cli/ready_notice.hpp"
#include "postgres/target.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace tranter::cli {
namespace {

constexpr Duration rest_between_tries = std::chrono::seconds(1);

}  // namespace

StoreWait::StoreWait(const Options& options, std::stop_token stop)
    : role_(options.role),
      stop_(std::move(stop)),
      service_(
          {.version = TRANTER_VERSION, .up_metric = options.up_metric}, SteadyClock::wall_clock()
      ),
      health_(service_, options.health) {}

Result<std::shared_ptr<Provider>> StoreWait::provider(
    std::string_view check, const std::string& url, const ProviderOptions& options
) {
    return opened(check, url, [&] { return open_provider(url, options); });
}

Result<int> StoreWait::ended_by(const Error& error) const {
    if (error.code() != Errc::cancelled || !stop_.stop_requested()) return std::unexpected(error);
    log_info(role_, "stopped", {{"waited_for", waits_for_}});
    return 0;
}

bool StoreWait::is_away(const Error& error) {
    return error.code() == Errc::unavailable || error.code() == Errc::timed_out;
}

bool StoreWait::is_elsewhere(std::string_view url) {
    return postgres::is_postgres_url(url);
}

Error StoreWait::stopped() {
    return {Errc::cancelled, "stopped while it waited for a store"};
}

bool StoreWait::waited_after(std::string_view check, const Error& error) {
    if (stop_.stop_requested()) return false;
    const std::string why = without_secrets(error.message());
    service_.awaits(
        check, why, std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now())
    );
    announce_waiting(fmt::format("waits for the {}: {}", check, one_line(why)));
    if (std::exchange(waits_for_, check) != check) {
        log_warn(
            role_,
            "a store does not answer yet, it is waited for",
            {{"store", check}, {"error", why}, {"health", health_.address()}}
        );
    }
    return rest(rest_between_tries, stop_);
}

}  // namespace tranter::cli

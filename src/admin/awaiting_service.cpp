#include "admin/awaiting_service.hpp"

#include "base/log_text.hpp"
#include "base/secrets.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace tranter::admin {

class AwaitingService::AwaitingLook final : public Look {
  public:
    AwaitingLook(std::string_view up_metric, HealthCheck check)
        : up_metric_(up_metric), check_(std::move(check)) {}

    bool is_stuck() const override { return false; }
    std::vector<HealthCheck> checks() const override { return {check_}; }
    void write_figures(JsonWriter&) const override {}

    void render(Exposition& out, bool is_up) const override {
        out.figure(
            up_metric_, Exposition::Type::gauge, "0: it waits for a store, or begins.", is_up
        );
    }

  private:
    const std::string_view up_metric_;
    const HealthCheck check_;
};

AwaitingService::AwaitingService(Options options, Instant started)
    : RoleService(options.version, started), options_(std::move(options)) {}

void AwaitingService::awaits(std::string_view check, std::string error, TimePoint now) {
    std::string shown = one_line(without_secrets(error));
    const std::lock_guard lock(mutex_);
    check_ = check;
    error_ = std::move(shown);
    error_at_ = time_of_check(now);
}

std::unique_ptr<RoleService::Look> AwaitingService::look() const {
    HealthCheck check{.name = "start", .health = Health::fail, .reason = "starting"};
    const std::lock_guard lock(mutex_);
    if (!check_.empty()) {
        check.name = check_;
        check.reason = fmt::format("the {} does not answer yet", check_);
        check.last_error = error_;
        check.last_error_at = error_at_;
    }
    return std::make_unique<AwaitingLook>(options_.up_metric, std::move(check));
}

}  // namespace tranter::admin

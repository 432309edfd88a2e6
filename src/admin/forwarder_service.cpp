#include "admin/forwarder_service.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::admin {
namespace {

HealthCheck check_forwarding(
    std::string_view name,
    bool answers,
    const std::string& error,
    const std::optional<TimePoint>& error_at
) {
    HealthCheck check{.name = name, .last_error = error};
    if (error_at) check.last_error_at = time_of_check(*error_at);
    if (answers) return check;
    check.health = Health::fail;
    check.reason = fmt::format("the {} does not answer", name);
    return check;
}

}  // namespace

class ForwarderService::ForwarderLook final : public Look {
  public:
    explicit ForwarderLook(const ForwarderServiceOptions& options)
        : options_(options), figures_(options.figures()) {}

    bool is_stuck() const override { return false; }

    std::vector<HealthCheck> checks() const override {
        return {
            check_forwarding(
                "source", figures_.source_answers, figures_.source_error, figures_.source_error_at
            ),
            check_forwarding(
                "target", figures_.target_answers, figures_.target_error, figures_.target_error_at
            )};
    }

    void write_figures(JsonWriter& json) const override {
        json.member("from", options_.from).member("to", options_.to);
        json.key("jobs").begin_object();
        for (const auto& [result, count] : counts())
            json.member(result, count);
        json.end_object();
    }

    void render(Exposition& out, bool is_up) const override {
        out.figure(
            "tranter_forward_up",
            Exposition::Type::gauge,
            "1 while both stores of a forwarder answer.",
            is_up
        );
        constexpr std::string_view jobs = "tranter_forward_jobs_total";
        out.header(jobs, Exposition::Type::counter, "Jobs that were forwarded, or were not.");
        for (const auto& [result, count] : counts())
            out.sample(jobs, {{"result", result}}, static_cast<double>(count));
        render_connections(out, options_.connections());
    }

  private:
    std::array<std::pair<std::string_view, std::uint64_t>, 6> counts() const {
        return {
            {{"forwarded", figures_.forwarded},
             {"duplicate", figures_.duplicates},
             {"refused", figures_.refused},
             {"failed", figures_.failed},
             {"lost", figures_.lost},
             {"released", figures_.released}}};
    }

    const ForwarderServiceOptions& options_;
    const jobs::ForwardingFigures figures_;
};

ForwarderService::ForwarderService(ForwarderServiceOptions options, Instant started)
    : RoleService(options.version, started), options_(std::move(options)) {}

std::unique_ptr<RoleService::Look> ForwarderService::look() const {
    return std::make_unique<ForwarderLook>(options_);
}

}  // namespace tranter::admin

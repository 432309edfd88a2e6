#include "supervise/instance_environment.hpp"

#include "process/environment.hpp"

#include <charconv>
#include <string_view>
#include <system_error>

namespace tranter::supervise {
namespace {

constexpr std::string_view our_number_variable = "TRANTER_INSTANCE";

/// What is no whole number stays as it is.
void increment(std::vector<std::string>& environment, std::string_view name, std::uint32_t by) {
    for (std::string& one : environment) {
        if (one.size() <= name.size() || !one.starts_with(name) || one[name.size()] != '=')
            continue;
        std::int64_t number = 0;
        const char* const end = one.data() + one.size();
        const auto parsed = std::from_chars(one.data() + name.size() + 1, end, number);
        if (parsed.ec != std::errc{} || parsed.ptr != end) return;
        if (__builtin_add_overflow(number, std::int64_t{by}, &number)) return;
        one.replace(name.size() + 1, std::string::npos, std::to_string(number));
    }
}

}  // namespace

std::vector<std::string> environment_of(
    const App& app,
    std::uint32_t number,
    std::uint32_t key,
    const std::optional<process::Identity>& identity
) {
    std::vector<std::string> out;
    out.reserve(app.environment.size() + 4);
    for (const auto& [name, value] : app.environment)
        process::set_variable(out, name, value);
    if (!app.increment_variable.empty()) increment(out, app.increment_variable, number);
    if (identity && !identity->home.empty()) process::set_variable(out, "HOME", identity->home);
    if (identity && !identity->name.empty()) {
        process::set_variable(out, "USER", identity->name);
        process::set_variable(out, "LOGNAME", identity->name);
    }
    process::set_variable(out, our_number_variable, std::to_string(number));
    if (!app.number_variable.empty() && app.number_variable != our_number_variable) {
        process::set_variable(out, app.number_variable, std::to_string(number));
        process::set_variable(out, "pm_id", std::to_string(key));
        process::set_variable(out, "name", app.name);
    }
    return out;
}

}  // namespace tranter::supervise

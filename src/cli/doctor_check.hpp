#pragma once

#include "cli/server_config.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What `tranter doctor` looks at. Each check is a function of what it is to look at, and may take
/// as long as it likes: whoever calls it ends it.
namespace tranter::cli {

enum class Severity : std::uint8_t { ok, warning, error };

struct Finding {
    Severity severity = Severity::ok;
    std::string text{};  // what was seen, with the value and what would be right
    std::string fix{};   // a command, or what to change; empty: nothing is to be done

    static Finding fine(std::string text) { return {.text = std::move(text)}; }
    static Finding warning(std::string text, std::string fix) {
        return {Severity::warning, std::move(text), std::move(fix)};
    }
    static Finding error(std::string text, std::string fix) {
        return {Severity::error, std::move(text), std::move(fix)};
    }
};

struct Patient {
    std::string config_file{};  // empty: none
    ServerConfig config{};      // what the file says, or the defaults
    std::string config_error{};
    std::vector<std::string> notices{};  // of the reader
    std::string provider{};              // where the jobs are
    std::string server{};                // http://HOST:PORT of a server; empty: jobs are elsewhere
    std::string home{};                  // of `tranter up`
};

struct DoctorCheck {
    std::string_view name;
    std::string_view doc;  // a page in the documentation
    std::vector<Finding> (*run)(const Patient& patient);
};

// By file.
std::vector<Finding> check_config(const Patient& patient);
std::vector<Finding> check_limits(const Patient& patient);
std::vector<Finding> check_zones(const Patient& patient);
std::vector<Finding> check_data(const Patient& patient);
std::vector<Finding> check_home(const Patient& patient);
std::vector<Finding> check_ports(const Patient& patient);
std::vector<Finding> check_server(const Patient& patient);
std::vector<Finding> check_clock(const Patient& patient);
std::vector<Finding> check_database(const Patient& patient);
std::vector<Finding> check_store(const Patient& patient);
std::vector<Finding> check_queues(const Patient& patient);
std::vector<Finding> check_dead_letters(const Patient& patient);
std::vector<Finding> check_schedules(const Patient& patient);

/// In the order in which they are shown.
std::span<const DoctorCheck> doctor_checks();

}  // namespace tranter::cli

#include "cli/doctor_command.hpp"

#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon_home.hpp"
#include "cli/doctor_runner.hpp"
#include "cli/exit_code.hpp"
#include "cli/job_session.hpp"
#include "cli/json.hpp"
#include "cli/known_secrets.hpp"
#include "cli/stdout_output.hpp"
#include "http/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::cli {
namespace {

constexpr Duration check_patience = std::chrono::seconds(10);
constexpr Duration check_patience_max = std::chrono::minutes(5);

constexpr std::array all_doctor_checks{
    DoctorCheck{"config", "docs/configuration.md", check_config},
    DoctorCheck{"limits", "docs/limits.md", check_limits},
    DoctorCheck{"time zones", "docs/schedules.md", check_zones},
    DoctorCheck{"data", "docs/durability.md", check_data},
    DoctorCheck{"home", "docs/configuration.md", check_home},
    DoctorCheck{"ports", "docs/configuration.md", check_ports},
    DoctorCheck{"server", "docs/monitoring.md", check_server},
    DoctorCheck{"clock", "docs/monitoring.md", check_clock},
    DoctorCheck{"database", "docs/postgres.md", check_database},
    DoctorCheck{"store", "docs/choosing-a-provider.md", check_store},
    DoctorCheck{"queues", "docs/workers.md", check_queues},
    DoctorCheck{"dead letters", "docs/dead-letters.md", check_dead_letters},
    DoctorCheck{"schedules", "docs/schedules.md", check_schedules},
};

std::string_view severity_name(Severity severity) {
    switch (severity) {
        case Severity::ok:
            return "ok";
        case Severity::warning:
            return "warning";
        case Severity::error:
            break;
    }
    return "error";
}

/// A file that cannot be read is a finding.
void read_config(Patient& patient) {
    const std::vector<std::string> environment = environment_variables();
    if (!patient.config_file.empty()) {
        auto loaded = load_config(patient.config_file, process_environment());
        if (!loaded) {
            patient.config_error = one_line(loaded.error().message());
            return;
        }
        patient.config = std::move(loaded->config);
        patient.notices = std::move(loaded->notices);
    }
    if (const auto applied = apply_environment(patient.config, environment); !applied) {
        patient.config_error = one_line(applied.error().message());
    }
    hide_secrets(patient.config, environment);
}

Result<> choose_stores(Patient& patient, const Arguments& arguments) {
    patient.provider =
        patient.config.provider.empty() ? std::string(default_provider) : patient.config.provider;
    if (patient.config.provider.empty() && patient.config.admin_enabled &&
        patient.config.admin.port != 0) {
        patient.provider = "http://" + format_endpoint(patient.config.admin);
    }
    if (const auto url = arguments.find("url")) patient.provider = *url;
    while (patient.provider.ends_with('/') && patient.provider.starts_with("http"))
        patient.provider.pop_back();
    if (!patient.provider.starts_with("http:") && !patient.provider.starts_with("https:"))
        return {};
    if (auto good = http::check_url(patient.provider); !good) {
        return fail(Errc::invalid_argument, "--url: " + good.error().message());
    }
    patient.server = patient.provider;
    return {};
}

Json finding_record(const DoctorCheck& check, const Finding& finding) {
    const bool is_fine = finding.severity == Severity::ok;
    Json record;
    record.set("check", check.name)
        .set("severity", severity_name(finding.severity))
        .set("finding", finding.text)
        .set("fix", finding.fix.empty() ? Json() : Json(finding.fix))
        .set("doc", is_fine ? Json() : Json(check.doc));
    return record;
}

ExitCode exit_code_of(Severity worst) {
    switch (worst) {
        case Severity::ok:
            return ExitCode::ok;
        case Severity::warning:
            return ExitCode::warned;
        case Severity::error:
            break;
    }
    return ExitCode::failed;
}

Result<int> run_doctor(const Arguments& arguments) {
    const auto timeout = arguments.duration("timeout");
    if (!timeout) return std::unexpected(timeout.error());
    const Duration limit = timeout->value_or(check_patience);
    if (limit <= Duration::zero() || limit > check_patience_max) {
        return fail(Errc::invalid_argument, "--timeout: it must be above 0s and up to 5m");
    }
    Patient patient{.config_file = arguments.text("config")};
    read_config(patient);
    if (const auto home = own_home()) patient.home = home->directory;
    if (auto chosen = choose_stores(patient, arguments); !chosen) {
        return std::unexpected(std::move(chosen.error()));
    }
    const auto checks = doctor_checks();
    const auto all = run_checks(checks, patient, limit);

    Output output(stdout_options(arguments));
    output.begin(
        {{"check", "CHECK"},
         {"severity", "SEVERITY"},
         {"finding", "FINDING"},
         {"fix", "FIX"},
         {"doc", "DOC"}}
    );
    Severity worst = Severity::ok;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        for (const Finding& finding : all[i]) {
            worst = std::max(worst, finding.severity);
            output.row(finding_record(checks[i], finding));
        }
    }
    output.end();
    return static_cast<int>(exit_code_of(worst));
}

}  // namespace

std::span<const DoctorCheck> doctor_checks() {
    return all_doctor_checks;
}

Command doctor_command() {
    return {
        .name = "doctor",
        .summary = "look for what is wrong, or soon will be",
        .description =
            "Looks at the configuration, the machine (open files, time zones, directories, ports), "
            "the server\nand its clock, and at what waits: queues without workers, dead jobs, "
            "overdue schedules. Each\nfinding says what to do. Changes nothing. Exits with 0 when "
            "all is well, 9 when something should\nbe looked at, and 1 when something is wrong.",
        .options =
            {{.name = "config",
              .value = "FILE",
              .help = "the tranter.toml of the server and the workers (default: none)",
              .completes = Completes::files},
             {.name = "url",
              .value = "URL",
              .help = "where the jobs are: http://HOST:PORT of a server, file:DIR, sqs:URL or "
                      "postgres://HOST/DATABASE (default: `provider` or server.admin of the file)",
              .environment = "TRANTER_URL"},
             {.name = "timeout",
              .value = "DURATION",
              .help = "how long checks may take, which run at the same time (default: 10s)"},
             output_option()},
        .examples =
            {{"everything about this machine's server", "tranter doctor --config tranter.toml"},
             {"what is wrong, for a script",
              "tranter doctor -o json | jq -r '.[] | select(.severity == \"error\").finding'"}},
        .run = run_doctor,
    };
}

}  // namespace tranter::cli

#pragma once

#include "cli/args.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

#include <tranter/provider.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

/// Everything a command over a store of jobs works with, made from its arguments: the store, where
/// to print and how, where to show progress. Lives on one thread for the time of one command.
class JobSession {
  public:
    struct Options {
        Output::Options output{};
        bool relative_times = false;  // "5m ago"; otherwise RFC 3339
    };

    /// What happens when `file:` names a directory without a store.
    enum class NoStore : std::uint8_t {
        is_an_error,  // the path is misspelt, where a command only looks or changes what is there
        is_made,      // and said, so that a misspelt path is seen
    };
    /// `invalid_argument` for a URL that is none, `not_found` when there is no store, `unavailable`
    /// for one that cannot be opened.
    static Result<std::unique_ptr<JobSession>> open(const Arguments& arguments, NoStore no_store);

    // Neither copyable nor movable: output refers to progress.
    JobSession(std::shared_ptr<Provider> opened, Options options)
        : store_(std::move(opened)),
          relative_times_(options.relative_times),
          provider(*store_),
          output(with_progress(options.output)) {}
    JobSession(const JobSession&) = delete;
    JobSession& operator=(const JobSession&) = delete;

    bool relative_times() const { return relative_times_; }
    /// For a client, which keeps the store open by itself.
    const std::shared_ptr<Provider>& shared_provider() const { return store_; }

  private:
    std::shared_ptr<Provider> store_;
    bool relative_times_;

    Output::Options with_progress(Output::Options options) {
        options.progress = &progress;
        return options;
    }

  public:
    Progress progress{};
    Provider& provider;
    Output output;
};

/// The URL of the store: --provider or $TRANTER_URL, `provider` in the file of --config, or the
/// server of this machine.
[[nodiscard]] Result<std::string> choose_provider(const Arguments& arguments);

/// Runs a command in a session of its own.
template <
    Result<int> (*run)(JobSession&, const Arguments&),
    JobSession::NoStore no_store = JobSession::NoStore::is_an_error>
Result<int> in_job_session(const Arguments& arguments) {
    const auto session = JobSession::open(arguments, no_store);
    if (!session) return std::unexpected(session.error());
    return run(**session, arguments);
}

/// Where jobs are when nobody says.
inline constexpr std::string_view default_provider = "http://127.0.0.1:9325";
/// --provider, or TRANTER_URL.
Option provider_option();

/// --store, or TRANTER_SCHEDULER_STORE: see ProviderOptions::schedule_store. Of the commands that
/// make, find or change jobs; JobSession::open() reads it.
Option later_store_option();

/// The options that every command over a store of jobs has, behind its own.
std::vector<Option> with_provider_options(std::vector<Option> own);

}  // namespace tranter::cli

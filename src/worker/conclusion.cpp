#include "worker/conclusion.hpp"

#include "base/encoding.hpp"
#include "base/log_text.hpp"
#include "jobs/value_path.hpp"

#include <fmt/format.h>

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>
#include <utility>
#include <variant>

namespace tranter::worker {

namespace {

constexpr std::size_t text_bytes_max = 4096;
constexpr Milliseconds rest_max = std::chrono::days(3650);

std::string readable_name(const std::type_info* type) {
    if (type == nullptr) return "unknown";
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free
    );
    return status == 0 ? std::string(name.get()) : std::string(type->name());
}

std::size_t badness(const AttemptOutcome& outcome) {
    // In the order of the variant: completed, failed, released, snoozed, dead, stopped.
    constexpr std::array<std::size_t, std::variant_size_v<AttemptOutcome>> of_each{
        0, 4, 1, 3, 5, 2};
    return of_each[outcome.index()];
}

std::string results_of(const std::vector<AttemptOutcome>& runs) {
    std::string out = "[";
    for (const AttemptOutcome& run : runs) {
        if (out.size() > 1) out += ',';
        const auto* completed = std::get_if<Completed>(&run);
        out += completed == nullptr || completed->result.empty() ? "null" : completed->result;
    }
    return out + "]";
}

AttemptOutcome checked_result(std::string result) {
    if (result.size() <= result_bytes_max) return Completed{.result = std::move(result)};
    return Dead{
        .type = "result",
        .reason = fmt::format(
            "the results of all runs cannot be kept: they are {} bytes, limit is {}",
            result.size(),
            result_bytes_max
        )};
}

AttemptOutcome rest_or_end(
    const ReceivedJob& job, const HandlerOptions& options, Failed failed, std::uint64_t random
) {
    failed.type = presentable(failed.type);
    failed.text = presentable(failed.text);
    if (options.retry) {
        const std::uint32_t allowed = job.options.retry.max_attempts;
        if (job.attempt >= allowed && allowed < options.retry->max_attempts) {
            failed.text += fmt::format(
                " (the job allows {} attempts, its handler would take {})",
                allowed,
                options.retry->max_attempts
            );
        }
        const auto rest = options.retry->next_delay(job.attempt, random);
        if (!rest) return Dead{.type = std::move(failed.type), .reason = std::move(failed.text)};
        if (!failed.retry_after) failed.retry_after = rest;
    }
    if (failed.retry_after) {
        failed.retry_after = std::clamp(*failed.retry_after, Milliseconds(), rest_max);
    }
    return failed;
}

}  // namespace

std::string presentable(std::string_view text) {
    if (text.size() <= text_bytes_max && is_valid_utf8(text)) return std::string(text);
    const std::string cut = jobs::shortened(text, text_bytes_max);
    return is_valid_utf8(cut) ? cut : one_line(cut);
}

Failed failure_of_current_exception() {
    Failed failed{.type = readable_name(abi::__cxa_current_exception_type())};
    try {
        throw;
    } catch (const std::exception& error) {
        failed.text = error.what();
    } catch (const std::string& text) {
        failed.text = text;
    } catch (const char* text) {
        failed.text = text;
    } catch (...) {
        failed.text = "an exception that is no std::exception";
    }
    return failed;
}

bool is_settled(const AttemptOutcome& outcome) {
    const auto* completed = std::get_if<Completed>(&outcome);
    return completed != nullptr && completed->is_settled;
}

AttemptOutcome combine(std::vector<AttemptOutcome> runs, const JobOptions& options) {
    if (runs.size() == 1) return std::move(runs.front());
    const auto count = static_cast<std::uint32_t>(runs.size());
    const auto completed = std::ranges::count_if(runs, [](const AttemptOutcome& run) {
        return std::holds_alternative<Completed>(run);
    });
    if (completed >= options.success.needed_of(count)) return checked_result(results_of(runs));
    const auto worst = std::ranges::max_element(runs, {}, badness);
    const std::string prefix = fmt::format("run {} of {}: ", worst - runs.begin() + 1, count);
    if (auto* failed = std::get_if<Failed>(&*worst)) failed->text.insert(0, prefix);
    if (auto* dead = std::get_if<Dead>(&*worst)) dead->reason.insert(0, prefix);
    return std::move(*worst);
}

AttemptOutcome conclude(
    const ReceivedJob& job,
    const HandlerOptions& options,
    StopReason reason,
    AttemptOutcome outcome,
    std::uint64_t random
) {
    const bool failed = std::holds_alternative<Failed>(outcome);
    const bool stopped = std::holds_alternative<Stopped>(outcome);
    if (reason == StopReason::shutdown && (failed || stopped)) return Released{};
    if (reason == StopReason::cancelled && !std::holds_alternative<Completed>(outcome)) {
        return Stopped{};
    }
    if (failed) return rest_or_end(job, options, std::get<Failed>(std::move(outcome)), random);
    if (auto* dead = std::get_if<Dead>(&outcome)) {
        // What it is called wherever a handler says it without a type of its own.
        dead->type = dead->type.empty() ? "dead" : presentable(dead->type);
        dead->reason = presentable(dead->reason);
    }
    if (auto* snoozed = std::get_if<Snoozed>(&outcome)) {
        snoozed->after = std::clamp(snoozed->after, Milliseconds(), rest_max);
    }
    return outcome;
}

}  // namespace tranter::worker

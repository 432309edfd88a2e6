#include "jobs/job_note.hpp"

#include "base/encoding.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tranter::jobs {
namespace {

constexpr std::size_t failure_type_bytes_max = 200;
constexpr std::size_t failure_text_bytes_max = 2'000;

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

void make_storable(std::string& text, std::size_t bytes_max) {
    if (!is_valid_utf8(text)) {
        std::ranges::replace_if(
            text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?'
        );
    }
    std::ranges::replace(text, '\0', '?');
    if (text.size() <= bytes_max) return;
    std::size_t end = bytes_max;
    while (end > 0 && continues_character(text[end]))
        --end;
    text.resize(end);
    text += "...";
}

void JobNote::put(const Step& step) {
    const auto found = std::ranges::find(steps, step.name, &Step::name);
    if (found == steps.end()) {
        steps.push_back(step);
    } else {
        found->result = step.result;
    }
}

std::size_t JobNote::step_bytes() const {
    std::size_t bytes = 0;
    for (const Step& step : steps)
        bytes += step.name.size() + step.result.size();
    return bytes;
}

void JobNote::add(AttemptFailure failure) {
    make_storable(failure.type, failure_type_bytes_max);
    make_storable(failure.text, failure_text_bytes_max);
    failures.push_back(std::move(failure));
    if (failures.size() > failures_max) failures.erase(failures.begin());
}

bool JobNote::add_lost_leases(std::uint32_t attempt, TimePoint at) {
    // A job that was retried by hand counts from 1 again.
    const bool same_life = !failures.empty() && failures.back().attempt < attempt;
    std::uint32_t first = same_life ? failures.back().attempt + 1 : 1;
    if (attempt > failures_max) {
        first = std::max(first, attempt - static_cast<std::uint32_t>(failures_max));
    }
    bool some = false;
    for (; first < attempt; ++first) {
        some = true;
        add(
            {.attempt = first,
             .at = at,
             .type = "lease_expired",
             .text = "the lease ended before the attempt did"}
        );
    }
    return some;
}

std::string reason_of_death(
    std::uint32_t attempt, std::uint32_t max_attempts, const Failed& failed
) {
    return fmt::format(
        "attempt {} of {} failed: {}",
        attempt,
        max_attempts,
        failed.text.empty() ? failed.type : failed.text
    );
}

std::string format_note(const JobNote& note) {
    if (note.steps.empty() && note.failures.empty()) return {};
    auto text = to_json(note);
    return text ? std::move(*text) : std::string();
}

JobNote parse_note(std::string_view text) {
    if (text.empty()) return {};
    auto note = from_json<JobNote>(text);
    return note ? std::move(*note) : JobNote{};
}

}  // namespace tranter::jobs

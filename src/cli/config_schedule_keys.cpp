#include "cli/config_key_table.hpp"
#include "cli/config_keys.hpp"
#include "cli/json.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 3> misfire_names{"run_once", "run_all", "skip"};
constexpr std::array<std::string_view, 5> overlap_names{
    "allow", "skip", "buffer_one", "buffer_all", "cancel_other"};
constexpr std::array<std::string_view, 3> anchor_names{"epoch", "registration", "after_completion"};
constexpr std::array<std::string_view, 3> gap_names{"run_after", "skip", "shift"};
constexpr std::array<std::string_view, 3> twice_names{"first", "last", "both"};

Json json_of(const ConfigNode& node) {
    if (const auto* flag = std::get_if<bool>(&node.value)) return Json(*flag);
    if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return Json(*integer);
    if (const auto* number = std::get_if<double>(&node.value)) return Json(*number);
    if (const auto* text = std::get_if<std::string>(&node.value)) return Json(*text);
    if (const auto* array = std::get_if<ConfigNode::Array>(&node.value)) {
        Json out(Json::Array{});
        for (const ConfigNode& element : *array)
            out.push(json_of(element));
        return out;
    }
    if (const auto* object = std::get_if<ConfigNode::Object>(&node.value)) {
        Json out(Json::Object{});
        for (const ConfigMember& member : *object)
            out.set(member.key, json_of(member.node));
        return out;
    }
    return {};
}

/// Of what came from TOML, so that there is no null.
std::string toml_of(const Json& json) {
    if (json.is_object()) {
        std::string out = "{";
        for (const JsonMember& member : json.members()) {
            fmt::format_to(
                std::back_inserter(out),
                "{} {} = {}",
                out.size() > 1 ? "," : "",
                toml_key(member.name),
                toml_of(member.value)
            );
        }
        return out + " }";
    }
    if (json.is_text()) return toml_text(json.text());
    const std::string text = json.dump();
    if (!text.starts_with('[')) return text;
    std::string out = "[";
    for (const Json& item : json.items())
        out += (out.size() > 1 ? ", " : "") + toml_of(item);
    return out + "]";
}

/// Any value of TOML but a date, kept as JSON.
struct PayloadCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, std::string& value) {
        if (std::holds_alternative<std::monostate>(node.value)) {
            return fail(Errc::invalid_argument, "is a date, write it as text");
        }
        value = json_of(node).dump();
        return {};
    }
    static std::string write(const std::string& value) {
        const auto json = Json::parse(value);
        return json ? toml_of(*json) : "null";
    }
    static std::string describe() { return "any value"; }
};

template <class Codec, auto... members>
constexpr ScheduleKey schedule_key(std::string_view path, std::string_view meaning) {
    return make_key<ScheduleConfig, Codec, members...>(path, meaning);
}

constexpr ScheduleKey all_schedule_keys[] = {
    schedule_key<TextCodec, &ScheduleConfig::cron>(
        "cron", "when: five fields, six with seconds, seven with years, or `@daily` and the like"
    ),
    schedule_key<TextCodec, &ScheduleConfig::every>(
        "every", "when: an interval such as `30m` or `2 hours`, instead of `cron`"
    ),
    schedule_key<TextCodec, &ScheduleConfig::timezone>(
        "timezone", "such as `Europe/Berlin`; empty is UTC"
    ),
    schedule_key<NameCodec<gap_names>, &ScheduleConfig::dst_gap>(
        "dst_gap", "a time of day that clocks jump over"
    ),
    schedule_key<NameCodec<twice_names>, &ScheduleConfig::dst_overlap>(
        "dst_overlap", "a time of day that clocks show twice"
    ),
    schedule_key<TextCodec, &ScheduleConfig::queue>("queue", "where the jobs go"),
    schedule_key<TextCodec, &ScheduleConfig::type>("type", "of the jobs; required"),
    schedule_key<PayloadCodec, &ScheduleConfig::payload>("payload", "of the jobs"),
    schedule_key<IntegerCodec<0, 9>, &ScheduleConfig::priority>("priority", "0 (first) to 9"),
    schedule_key<TextCodec, &ScheduleConfig::group>("group", "tenant or user"),
    schedule_key<TextsCodec, &ScheduleConfig::tags>("tags", "words or `name=value`"),
    schedule_key<DurationCodec<0, 30 * day>, &ScheduleConfig::timeout>(
        "timeout", "of an attempt; 0s is none"
    ),
    schedule_key<DurationCodec<0, 3650 * day>, &ScheduleConfig::ttl>(
        "ttl", "a job that has not begun by then is cancelled; 0s is never"
    ),
    schedule_key<IntegerCodec<0, count_max>, &ScheduleConfig::retry, &RetryConfig::max_attempts>(
        "retry.max_attempts", "attempts in all; 0 leaves all of `retry` as for other jobs"
    ),
    schedule_key<DurationCodec<0, 30 * day>, &ScheduleConfig::retry, &RetryConfig::base>(
        "retry.base", "the rest after the first failed attempt"
    ),
    schedule_key<FactorCodec, &ScheduleConfig::retry, &RetryConfig::factor>(
        "retry.factor", "each rest is so many times the one before"
    ),
    schedule_key<DurationCodec<0, 30 * day>, &ScheduleConfig::retry, &RetryConfig::max>(
        "retry.max", "the longest rest"
    ),
    schedule_key<IntegerCodec<0, 100>, &ScheduleConfig::retry, &RetryConfig::jitter_percent>(
        "retry.jitter_percent", "up to this share of a rest is taken off at random"
    ),
    schedule_key<NameCodec<misfire_names>, &ScheduleConfig::misfire>(
        "misfire.policy", "slots that passed while no scheduler ran"
    ),
    schedule_key<DurationCodec<10, 3650 * day>, &ScheduleConfig::misfire_window>(
        "misfire.window", "older slots never run"
    ),
    schedule_key<IntegerCodec<1, 10'000>, &ScheduleConfig::misfire_cap>(
        "misfire.cap", "of `run_all`: the newest so many"
    ),
    schedule_key<NameCodec<overlap_names>, &ScheduleConfig::overlap>(
        "overlap", "a slot whose earlier job is not finished"
    ),
    schedule_key<NameCodec<anchor_names>, &ScheduleConfig::anchor>(
        "anchor",
        "from when an interval counts: `epoch` (1970, or its `starting`), `registration` (of the "
        "schedule) or `after_completion` (of the job before)"
    ),
    schedule_key<DurationCodec<0, 30 * day>, &ScheduleConfig::jitter>(
        "jitter", "each slot up to so much later"
    ),
    schedule_key<TextCodec, &ScheduleConfig::start_at>(
        "start_at", "no slot before this time, like `2027-01-31T08:00:00Z`"
    ),
    schedule_key<TextCodec, &ScheduleConfig::end_at>("end_at", "no slot after this time"),
    schedule_key<IntegerCodec<0, count_max>, &ScheduleConfig::max_runs>(
        "max_runs", "so many slots; 0 is no limit"
    ),
};

}  // namespace

std::span<const ScheduleKey> schedule_keys() {
    return all_schedule_keys;
}

}  // namespace tranter::cli

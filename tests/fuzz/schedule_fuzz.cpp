// Any bytes as a schedule, a rule of a time zone and a file of one. What can be read fires strictly
// later and strictly earlier, and both directions agree.
#include "require.hpp"
#include "schedule/cadence.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace tranter::schedule;

void check_cadence(std::string_view text) {
    static ZoneDirectory zones;
    constexpr UtcMillis start{std::chrono::seconds(1'790'000'000)};
    const auto cadence = Cadence::parse(text, {.zone = "America/New_York"}, zones);
    if (!cadence) {
        require(!cadence.error().message().empty(), "refused without a reason", text);
        return;
    }
    require(!cadence->in_words().empty(), "no words", text);
    UtcMillis at = start;
    for (int i = 0; i < 3; ++i) {
        const auto next = cadence->next(at);
        if (!next) break;
        require(*next > at, "not later", text);
        const auto back = cadence->previous(*next);
        require(!back || *back <= at, "a firing was passed over", text);
        at = *next;
    }
    const auto before = cadence->previous(start);
    require(!before || *before < start, "not earlier", text);
}

void check_zone(std::string_view bytes) {
    const auto zone = TimeZone::parse("fuzzed", bytes);
    if (!zone) return;
    UtcSeconds at{std::chrono::seconds(-2'000'000'000)};
    for (int i = 0; i < 300 && at < end_of_time; ++i) {
        const ZonePeriod period = zone->period_at(at);
        require(period.begin <= at && at < period.end, "a time outside its period", bytes);
        at = period.end;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.starts_with("TZif")) {
        check_zone(bytes);
        return 0;
    }
    if (const auto rule = PosixRule::parse(bytes)) {
        const UtcSeconds at{std::chrono::seconds(1'790'000'000)};
        const ZonePeriod period = rule->period_at(at);
        require(period.begin <= at && at < period.end, "a time outside its period", bytes);
    }
    check_cadence(bytes);
    return 0;
}

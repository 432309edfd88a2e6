#include "postgres_jobs/list_place.hpp"

#include "base/uuid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::postgres_jobs {
namespace {

constexpr std::string_view no_key = "-";
/// A moment that the database has a name for, in the year 287170.
constexpr std::int64_t micros_max = 9'000'000'000'000'000'000;

std::string format_key(const std::optional<EndKey>& key) {
    return key ? fmt::format("{}/{}", key->micros, key->id) : "-/-";
}

/// Cuts a text at its slashes.
class Parts {
  public:
    explicit Parts(std::string_view text) : rest_(text) {}

    std::string_view next() {
        const std::string_view part = rest_.substr(0, rest_.find('/'));
        rest_.remove_prefix(std::min(part.size() + 1, rest_.size()));
        return part;
    }
    bool number(std::int64_t& value, std::int64_t most) {
        const std::string_view text = next();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{} && end == text.data() + text.size() && value >= 0 &&
               value <= most;
    }
    bool id(std::string& value) {
        const auto uuid = parse_uuid(next());
        if (uuid) value = format_uuid(*uuid);
        return uuid.has_value();
    }
    bool key(std::optional<EndKey>& value) {
        if (rest_.starts_with("-/")) {
            next();
            return next() == no_key;
        }
        EndKey key;
        if (!number(key.micros, micros_max) || !id(key.id)) return false;
        value = std::move(key);
        return true;
    }
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

bool read_place(Parts& parts, ListPlace& place) {
    const std::string_view part = parts.next();
    if (part == "live") {
        place.queue = parts.next();
        return parts.at_end() || parts.id(place.id);
    }
    if (part == "letters") {
        place.part = ListPart::letters;
        return parts.id(place.id);
    }
    place.part = ListPart::ended;
    return part == "ended" &&
           parts.number(place.period, std::numeric_limits<std::int32_t>::max()) &&
           parts.key(place.ended) && parts.key(place.dead);
}

}  // namespace

std::string format_place(const ListPlace& place) {
    switch (place.part) {
        case ListPart::live:
            return fmt::format("live/{}/{}", place.queue, place.id);
        case ListPart::letters:
            return fmt::format("letters/{}", place.id);
        case ListPart::ended:
            break;
    }
    return fmt::format(
        "ended/{}/{}/{}", place.period, format_key(place.ended), format_key(place.dead)
    );
}

Result<ListPlace> parse_place(std::string_view text) {
    ListPlace place;
    if (text.empty()) return place;
    Parts parts(text);
    if (read_place(parts, place) && parts.at_end()) return place;
    return fail(Errc::invalid_argument, "the cursor is none that a list has given");
}

}  // namespace tranter::postgres_jobs

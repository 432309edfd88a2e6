#include "log/format.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <charconv>
#include <cstring>

namespace tranter::log {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers on disk are little-endian");

constexpr std::string_view identity_magic = "TRANTERS";
constexpr std::string_view header_magic = "TRANTERL";
constexpr std::size_t magic_bytes = 8;
constexpr std::size_t identity_bytes = 48;
constexpr std::string_view segment_suffix = ".seg";
constexpr std::size_t segment_digits = 10;

template <class Number>
void put(std::string& out, Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

template <class Number>
Number get(std::string_view bytes, std::size_t at) {
    Number value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::uint64_t hash(std::string_view bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint32_t body_bytes_of(std::string_view frame) {
    return get<std::uint32_t>(frame, 0);
}

}  // namespace

std::string encode_identity(const StoreIdentity& identity) {
    std::string out(identity_magic);
    put(out, format_version);
    put(out, std::uint32_t{0});
    put(out, identity.id);
    out.append(reinterpret_cast<const char*>(identity.secret.data()), identity.secret.size());
    put(out, hash(out, 0));
    return out;
}

std::optional<StoreIdentity> decode_identity(std::string_view bytes, std::uint32_t& version) {
    version = 0;
    if (bytes.size() < magic_bytes + sizeof version) return std::nullopt;
    if (!bytes.starts_with(identity_magic)) return std::nullopt;
    version = get<std::uint32_t>(bytes, magic_bytes);
    if (version != format_version || bytes.size() != identity_bytes) return std::nullopt;
    const std::size_t hashed = identity_bytes - sizeof(std::uint64_t);
    if (get<std::uint64_t>(bytes, hashed) != hash(bytes.substr(0, hashed), 0)) return std::nullopt;
    StoreIdentity identity{.id = get<std::uint64_t>(bytes, 16)};
    std::memcpy(identity.secret.data(), bytes.data() + 24, identity.secret.size());
    return identity;
}

std::string encode_header(const SegmentHeader& header) {
    std::string out(header_magic);
    put(out, header.version);
    put(out, static_cast<std::uint32_t>(segment_header_bytes));
    put(out, header.store);
    put(out, header.number);
    put(out, header.previous_end);
    put(out, std::uint32_t{header.repaired});
    out.resize(segment_header_bytes - sizeof(std::uint64_t), '\0');
    put(out, hash(out, 0));
    return out;
}

std::optional<SegmentHeader> decode_header(std::string_view bytes) {
    if (bytes.size() < segment_header_bytes) return std::nullopt;
    if (!bytes.starts_with(header_magic)) return std::nullopt;
    const std::size_t hashed = segment_header_bytes - sizeof(std::uint64_t);
    if (get<std::uint64_t>(bytes, hashed) != hash(bytes.substr(0, hashed), 0)) return std::nullopt;
    return SegmentHeader{
        .version = get<std::uint32_t>(bytes, 8),
        .store = get<std::uint64_t>(bytes, 16),
        .number = get<std::uint32_t>(bytes, 24),
        .previous_end = get<std::uint32_t>(bytes, 28),
        .repaired = get<std::uint32_t>(bytes, 32) != 0};
}

std::string segment_name(SegmentNumber number) {
    std::string digits = std::to_string(number);
    std::string name(segment_digits - digits.size(), '0');
    name += digits;
    name += segment_suffix;
    return name;
}

std::optional<SegmentNumber> parse_segment_name(std::string_view name) {
    if (name.size() != segment_digits + segment_suffix.size()) return std::nullopt;
    if (!name.ends_with(segment_suffix)) return std::nullopt;
    SegmentNumber number = 0;
    const char* end = name.data() + segment_digits;
    const auto [stop, failure] = std::from_chars(name.data(), end, number);
    if (failure != std::errc{} || stop != end || number == 0) return std::nullopt;
    return number;
}

void append_frame(std::string& out, RecordType type, std::string_view body) {
    const std::size_t start = out.size();
    put(out, static_cast<std::uint32_t>(body.size()));
    put(out, type);
    put(out, std::uint16_t{0});
    put(out, std::uint64_t{0});
    out += body;
    out.resize(start + frame_bytes(body.size()), '\0');
}

std::uint64_t frame_checksum(std::uint64_t store, Position at, std::string_view frame) {
    // One hash over the body, seeded by place, length and type: the two parts are not contiguous.
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15U;
    const std::uint64_t head = get<std::uint64_t>(frame, 0);
    const std::uint64_t seed = (store ^ (at * spread)) + (head ^ (head >> 29U)) * spread;
    return hash(body_of(frame), seed);
}

void seal_frames(std::uint64_t store, Position at, std::string& bytes, std::size_t start) {
    while (start < bytes.size()) {
        const std::string_view frame = std::string_view(bytes).substr(start);
        const std::uint64_t checksum = frame_checksum(store, at, frame);
        std::memcpy(bytes.data() + start + 8, &checksum, sizeof checksum);
        const std::size_t size = frame_bytes(body_bytes_of(frame));
        at += size;
        start += size;
    }
}

RecordType type_of(std::string_view bytes) {
    return get<RecordType>(bytes, 4);
}

std::string_view body_of(std::string_view bytes) {
    return bytes.substr(frame_header_bytes, body_bytes_of(bytes));
}

std::size_t claimed_bytes(std::string_view bytes) {
    if (bytes.size() < frame_header_bytes) return 0;
    const std::uint32_t body = body_bytes_of(bytes);
    const bool possible = type_of(bytes) != 0 && get<std::uint16_t>(bytes, 6) == 0;
    return possible && body <= body_bytes_max ? frame_bytes(body) : 0;
}

std::optional<Frame> read_frame(std::uint64_t store, Position at, std::string_view bytes) {
    const std::size_t claimed = claimed_bytes(bytes);
    if (claimed == 0 || claimed > bytes.size()) return std::nullopt;
    if (get<std::uint64_t>(bytes, 8) != frame_checksum(store, at, bytes)) return std::nullopt;
    return Frame{.type = type_of(bytes), .body = body_of(bytes), .bytes = claimed};
}

void append_batch_frame(std::string& out, const BatchBody& batch) {
    std::string body;
    put(body, batch.commit);
    put(body, batch.bytes);
    put(body, batch.synced);
    append_frame(out, batch_type, body);
}

BatchBody decode_batch(std::string_view body) {
    if (body.size() != batch_body_bytes) return {};
    return {
        .commit = get<std::uint64_t>(body, 0),
        .bytes = get<std::uint32_t>(body, 8),
        .synced = get<std::uint32_t>(body, 12)};
}

}  // namespace tranter::log

// The first byte says what the rest is: `r` a whole segment file, `h` what follows a right header,
// `f` frames with right checksums whatever they hold, and anything else records for a log whose
// file is then damaged. Oracle: what is read is what stands there; of damaged records the intact
// ones before the damage, and when salvaging some of the others, none invented and none changed.
#include "choices.hpp"
#include "log/format.hpp"
#include "log/log.hpp"
#include "log/scan.hpp"
#include "virtual_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace log = tranter::log;
using tranter::sim::ByteChoices;
using tranter::store_sim::VirtualDisk;

constexpr std::uint64_t store = 0x5EED;

void require(bool what) {
    if (!what) std::abort();
}

struct Record {
    log::Position at = 0;
    log::RecordType type = 0;
    std::string body;
    bool operator==(const Record&) const = default;
};

class Collector final : public log::RecordVisitor {
  public:
    void record(log::Position at, log::RecordType type, std::string_view body) override {
        records.push_back({.at = at, .type = type, .body = std::string(body)});
    }
    std::vector<Record> records;
};

class Bytes final : public log::File {
  public:
    explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
    void write(std::uint64_t, std::string_view) override { std::abort(); }
    void sync() override { std::abort(); }
    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        if (offset >= bytes_.size()) return 0;
        return bytes_.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
    }
    std::uint64_t size() const override { return bytes_.size(); }
    void truncate(std::uint64_t) override { std::abort(); }
    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

/// Reads a file in all four ways; each must agree with the bytes it read.
std::vector<Record> scan(const std::string& content, std::uint64_t id, log::SegmentNumber number) {
    const Bytes file(content);
    std::vector<Record> plain;
    for (const bool newest : {false, true}) {
        for (const bool salvage : {true, false}) {
            Collector found;
            const log::SegmentScan result =
                log::scan_segment(file, id, number, {.salvage = salvage, .newest = newest}, found);
            require(result.records == found.records.size());
            require(result.end <= content.size());
            require(salvage || result.damage.size() <= 1);
            for (const log::Damage& damage : result.damage) {
                require(!damage.what.empty() && damage.offset <= content.size());
                require(damage.file == log::segment_name(number));
            }
            log::Position last = 0;
            for (const Record& record : found.records) {
                require(record.at > last);
                last = record.at;
                const auto frame = log::read_frame(
                    id, record.at, std::string_view(content).substr(log::offset_of(record.at))
                );
                require(frame && frame->type == record.type && frame->body == record.body);
            }
            plain = std::move(found.records);
        }
    }
    return plain;
}

std::string framed(std::string_view rest) {
    ByteChoices choices({reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size()});
    std::string frames;
    while (choices.more()) {
        const auto type = static_cast<log::RecordType>(choices.below(4));
        if (type == log::batch_type) {
            log::append_batch_frame(
                frames,
                {.commit = choices.below(256),
                 .bytes = static_cast<std::uint32_t>(choices.below(256) * log::frame_alignment)}
            );
        } else {
            log::append_frame(frames, type, std::string(choices.below(40), 'x'));
        }
    }
    std::string content = log::encode_header({.store = store, .number = 1});
    log::seal_frames(store, log::make_position(1, log::segment_header_bytes), frames);
    return content + frames;
}

/// Only a disk can write a log, so this one does.
class WrittenLog {
  public:
    explicit WrittenLog(ByteChoices& choices) : choices_(choices) {
        disk_.decide_by(choices_);
        Collector none;
        log::Log log(
            disk_, {.grow_bytes = 1 + static_cast<std::uint32_t>(choices.below(600))}, none
        );
        const auto count = choices.below(12);
        for (std::uint64_t i = 0; i < count; ++i) {
            Record record{
                .type = static_cast<log::RecordType>(16 + choices.below(3)),
                .body = std::string(choices.below(50), static_cast<char>('a' + i))};
            record.at = log.append(record.type, record.body);
            records.push_back(std::move(record));
            if (choices.percent(40)) log.sync();
        }
        log.sync();
        if (choices.percent(50)) log.rest();
        id = log.identity().id;
    }
    std::string content() const { return disk_.content(log::segment_name(1)); }

    std::uint64_t id = 0;
    std::vector<Record> records;

  private:
    ByteChoices& choices_;
    VirtualDisk disk_;
};

void damage_a_log(std::span<const std::uint8_t> input) {
    ByteChoices choices(input);
    const WrittenLog written(choices);
    std::string content = written.content();
    require(scan(content, written.id, 1) == written.records);

    const auto at = static_cast<std::size_t>(choices.below(content.size()));
    const auto until = std::min(content.size(), at + 1 + choices.below(24));
    const std::string before = content;
    switch (choices.below(3)) {
        case 0:
            content.resize(at);
            break;
        case 1:
            content.replace(at, until - at, content, choices.below(content.size()), until - at);
            break;
        default:
            for (std::size_t i = at; i < until; ++i)
                content[i] = static_cast<char>(choices.below(256));
            break;
    }
    const auto found = scan(content, written.id, 1);
    require(found.size() <= written.records.size());
    require(std::equal(found.begin(), found.end(), written.records.begin()));
    if (at < log::segment_header_bytes) return;
    // Nothing that ends before the first changed byte may be missing.
    const auto [changed, same] =
        std::mismatch(before.begin(), before.end(), content.begin(), content.end());
    const auto first = static_cast<std::size_t>(changed - before.begin());
    const auto untouched = std::ranges::count_if(written.records, [&](const Record& record) {
        return log::offset_of(record.at) + log::frame_bytes(record.body.size()) <= first;
    });
    require(std::ssize(found) >= untouched);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'r':
            scan(std::string(rest), store, 1);
            break;
        case 'h':
            scan(log::encode_header({.store = store, .number = 1}) + std::string(rest), store, 1);
            break;
        case 'f':
            scan(framed(rest), store, 1);
            break;
        default:
            damage_a_log({data + 1, size - 1});
            break;
    }
    return 0;
}

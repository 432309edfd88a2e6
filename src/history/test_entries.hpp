#pragma once

#include "base/time.hpp"
#include "base/uuid.hpp"
#include "history/entry.hpp"
#include "history/store.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// Time that tests set.
class TestClock final : public Clock {
  public:
    Instant now() const override { return now_.load(); }
    void advance(Duration by) { now_ = now_.load() + by; }

  private:
    std::atomic<Instant> now_{Instant(std::chrono::hours(24 * 365 * 50))};
};

/// A folder that goes with the test.
class TestFolder {
  public:
    TestFolder()
        : path_(std::filesystem::temp_directory_path() / fmt::format("history-{}", name())) {
        std::filesystem::create_directories(path_);
    }
    ~TestFolder() { std::filesystem::remove_all(path_); }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::string file() const { return path_ / "history.db"; }
    const std::filesystem::path& path() const { return path_; }
    /// Names in it that contain `part`.
    std::vector<std::string> files_with(std::string_view part) const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            std::string name = entry.path().filename();
            if (name.find(part) != std::string::npos) names.push_back(std::move(name));
        }
        return names;
    }

  private:
    static std::string name() { return fmt::format("{}-{}", ::getpid(), format_uuid(make_uuid())); }

    std::filesystem::path path_;
};

/// A UUID that is the same whenever the number is.
inline std::string test_id(std::uint64_t number) {
    return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

inline JobEntry test_entry(std::uint64_t number, Instant finished) {
    JobEntry entry;
    entry.id = test_id(number);
    entry.queue = "mail";
    entry.type = "mail:send";
    entry.payload = fmt::format(R"({{"number":{}}})", number);
    entry.finished = finished;
    entry.created = finished - std::chrono::seconds(1);
    return entry;
}

/// Until there is nothing left to do.
inline void maintain_all(HistoryStore& store) {
    while (true) {
        const auto more = store.maintain();
        if (!more || !*more) return;
    }
}

inline std::vector<std::string> ids_of(const Page& page) {
    std::vector<std::string> ids;
    for (const JobEntry& entry : page.entries)
        ids.push_back(entry.id);
    return ids;
}

}  // namespace tranter::history

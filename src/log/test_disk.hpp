#pragma once

#include "log/disk.hpp"
#include "log/log.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tranter::log {

/// Of records that tests append.
inline constexpr RecordType some_type = 20;

/// A directory in memory whose calls can be made to fail. The log's threads may use it; the test
/// looks at it while none does.
class TestDisk final : public Disk {
  public:
    struct Data {
        std::string bytes;
        std::string synced;
        int syncs = 0;
    };

    /// The next calls of that kind fail: 0 is the next one, -1 none.
    int fail_write = -1;
    int fail_sync = -1;
    bool full = false;  // writes that extend a file find no space
    std::uint64_t free = 1U << 30U;
    int directory_syncs = 0;
    std::map<std::string, std::shared_ptr<Data>> files;

    /// What a power loss leaves when every unsynced byte is lost.
    void lose_unsynced() {
        for (auto& [name, data] : files)
            data->bytes = data->synced;
    }

    std::unique_ptr<File> create(const std::string& name) override {
        {
            const std::lock_guard lock(mutex_);
            if (files.contains(name)) throw DiskError("cannot create " + name + ": exists", false);
            files[name] = std::make_shared<Data>();
        }
        return open(name);
    }
    std::unique_ptr<File> open(const std::string& name) override {
        const std::lock_guard lock(mutex_);
        const auto found = files.find(name);
        if (found == files.end()) throw DiskError("cannot open " + name + ": missing", false);
        return std::make_unique<TestFile>(*this, name, found->second);
    }
    bool exists(const std::string& name) const override {
        const std::lock_guard lock(mutex_);
        return files.contains(name);
    }
    std::vector<std::string> list() const override {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> names;
        for (const auto& [name, data] : files)
            names.push_back(name);
        return names;
    }
    void rename(const std::string& from, const std::string& to) override {
        const std::lock_guard lock(mutex_);
        files[to] = files.at(from);
        files.erase(from);
    }
    void remove(const std::string& name) override {
        const std::lock_guard lock(mutex_);
        files.erase(name);
    }
    void sync_directory() override {
        const std::lock_guard lock(mutex_);
        ++directory_syncs;
    }
    std::uint64_t free_bytes() const override { return free; }
    std::string path_of(const std::string& name) const override { return "test/" + name; }

  private:
    class TestFile final : public File {
      public:
        TestFile(TestDisk& disk, std::string name, std::shared_ptr<Data> data)
            : disk_(disk), name_(std::move(name)), data_(std::move(data)) {}

        void write(std::uint64_t offset, std::string_view bytes) override {
            const std::lock_guard lock(disk_.mutex_);
            if (disk_.fail_write >= 0 && disk_.fail_write-- == 0) {
                throw DiskError("cannot write " + name_ + ": input/output error", false);
            }
            std::string& live = data_->bytes;
            if (disk_.full && offset + bytes.size() > live.size()) {
                throw DiskError("cannot write " + name_ + ": no space left on device", true);
            }
            if (live.size() < offset + bytes.size()) live.resize(offset + bytes.size());
            live.replace(offset, bytes.size(), bytes);
        }
        void sync() override {
            const std::lock_guard lock(disk_.mutex_);
            if (disk_.fail_sync >= 0 && disk_.fail_sync-- == 0) {
                throw DiskError("cannot sync " + name_ + ": input/output error", false);
            }
            ++data_->syncs;
            data_->synced = data_->bytes;
        }
        std::size_t read(std::uint64_t offset, std::span<char> into) const override {
            const std::lock_guard lock(disk_.mutex_);
            if (offset >= data_->bytes.size()) return 0;
            return data_->bytes.copy(into.data(), into.size(), offset);
        }
        std::uint64_t size() const override {
            const std::lock_guard lock(disk_.mutex_);
            return data_->bytes.size();
        }
        void truncate(std::uint64_t size) override {
            const std::lock_guard lock(disk_.mutex_);
            data_->bytes.resize(size);
        }

      private:
        TestDisk& disk_;
        std::string name_;
        std::shared_ptr<Data> data_;
    };

    mutable std::mutex mutex_;
};

/// Keeps what it is shown.
struct Collected final : RecordVisitor {
    struct Record {
        Position at = 0;
        RecordType type = 0;
        std::string body;
    };
    std::vector<Record> records;
    void record(Position at, RecordType type, std::string_view body) override {
        records.push_back({.at = at, .type = type, .body = std::string(body)});
    }
    std::vector<std::string> bodies() const {
        std::vector<std::string> all;
        for (const Record& record : records)
            all.push_back(record.body);
        return all;
    }
};

}  // namespace tranter::log

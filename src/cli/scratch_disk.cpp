#include "cli/scratch_disk.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tranter::cli {
namespace {

class ScratchFile final : public log::File {
  public:
    explicit ScratchFile(std::shared_ptr<std::string> bytes) : bytes_(std::move(bytes)) {}

    void write(std::uint64_t offset, std::string_view bytes) override {
        if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
        std::ranges::copy(bytes, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
    }
    void sync() override {}
    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        if (offset >= bytes_->size()) return 0;
        return bytes_->copy(into.data(), into.size(), offset);
    }
    std::uint64_t size() const override { return bytes_->size(); }
    void truncate(std::uint64_t size) override { bytes_->resize(size); }

  private:
    std::shared_ptr<std::string> bytes_;  // shared with the disk
};

class ReadOnlyFile final : public log::File {
  public:
    ReadOnlyFile(std::unique_ptr<log::File> file, std::string path)
        : file_(std::move(file)), path_(std::move(path)) {}

    void write(std::uint64_t, std::string_view) override { refuse(); }
    void sync() override {}
    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        return file_->read(offset, into);
    }
    std::uint64_t size() const override { return file_->size(); }
    void truncate(std::uint64_t) override { refuse(); }

  private:
    [[noreturn]] void refuse() const {
        throw log::DiskError("cannot write " + path_ + ": it is only looked at", false);
    }

    std::unique_ptr<log::File> file_;
    const std::string path_;
};

}  // namespace

std::unique_ptr<log::File> ScratchDisk::create(const std::string& name) {
    if (exists(name)) {
        throw log::DiskError("cannot create " + path_of(name) + ": it exists", false);
    }
    auto bytes = std::make_shared<std::string>();
    made_[name] = bytes;
    return std::make_unique<ScratchFile>(std::move(bytes));
}

std::unique_ptr<log::File> ScratchDisk::open(const std::string& name) {
    if (const auto made = made_.find(name); made != made_.end()) {
        return std::make_unique<ScratchFile>(made->second);
    }
    if (removed_.contains(name)) {
        throw log::DiskError("cannot open " + path_of(name) + ": it was removed", false);
    }
    return std::make_unique<ReadOnlyFile>(below_.open(name), path_of(name));
}

bool ScratchDisk::exists(const std::string& name) const {
    return made_.contains(name) || (!removed_.contains(name) && below_.exists(name));
}

std::vector<std::string> ScratchDisk::list() const {
    std::set<std::string> names;
    for (std::string& name : below_.list())
        names.insert(std::move(name));
    for (const std::string& name : removed_)
        names.erase(name);
    for (const auto& [name, bytes] : made_)
        names.insert(name);
    return {names.begin(), names.end()};
}

void ScratchDisk::rename(const std::string& from, const std::string& to) {
    const auto made = made_.find(from);
    if (made == made_.end()) {
        throw log::DiskError("cannot rename " + path_of(from) + ": it is only looked at", false);
    }
    made_[to] = made->second;
    made_.erase(from);
}

void ScratchDisk::remove(const std::string& name) {
    if (!exists(name)) {
        throw log::DiskError("cannot remove " + path_of(name) + ": it does not exist", false);
    }
    made_.erase(name);
    removed_.insert(name);
}

std::uint64_t ScratchDisk::free_bytes() const {
    return std::numeric_limits<std::uint64_t>::max() / 2;
}

}  // namespace tranter::cli

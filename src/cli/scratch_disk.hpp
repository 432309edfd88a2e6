#pragma once

#include "log/disk.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tranter::cli {

/// A directory that can be opened as if to be written to, and stays as it is: what is made,
/// renamed and removed here is so in memory only. For looking at a store with the code that runs
/// it. For one thread; files of the directory itself can only be read.
class ScratchDisk final : public log::Disk {
  public:
    /// The directory outlives it.
    explicit ScratchDisk(log::Disk& below) : below_(below) {}

    std::unique_ptr<log::File> create(const std::string& name) override;
    std::unique_ptr<log::File> open(const std::string& name) override;
    bool exists(const std::string& name) const override;
    std::vector<std::string> list() const override;
    /// Only of a file that was made here.
    void rename(const std::string& from, const std::string& to) override;
    void remove(const std::string& name) override;
    void sync_directory() override {}
    std::uint64_t free_bytes() const override;
    std::string path_of(const std::string& name) const override { return below_.path_of(name); }

  private:
    log::Disk& below_;
    std::map<std::string, std::shared_ptr<std::string>> made_{};  // shared with open files
    std::set<std::string> removed_{};                             // of those below
};

}  // namespace tranter::cli

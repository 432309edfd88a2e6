#include "log/scan.hpp"
#include "log/test_disk.hpp"

#include <gtest/gtest.h>

namespace tranter::log {
namespace {

/// A segment whose owner cut the zeros at its end after somebody had asked for its size.
class ShrunkFile final : public File {
  public:
    explicit ShrunkFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

    void write(std::uint64_t, std::string_view) override {}
    void sync() override {}
    std::size_t read(std::uint64_t offset, std::span<char> into) const override {
        return file_->read(offset, into);
    }
    std::uint64_t size() const override { return file_->size() + 4096; }
    void truncate(std::uint64_t) override {}

  private:
    std::unique_ptr<File> file_;
};

TEST(ScanShrinkingTest, ASegmentThatIsCutWhileItIsReadEndsThere) {
    TestDisk disk;
    Collected nothing;
    Log log(disk, {.grow_bytes = 1}, nothing);
    log.append(99, "a record");
    log.sync();
    const ShrunkFile file(disk.open(segment_name(1)));

    Collected found;
    const SegmentScan scan = scan_segment(file, log.identity().id, 1, {.newest = true}, found);

    EXPECT_EQ(found.bodies(), std::vector<std::string>{"a record"});
    EXPECT_TRUE(scan.damage.empty());
}

}  // namespace
}  // namespace tranter::log

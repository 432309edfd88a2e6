#include "cli/progress.hpp"

#include "base/error.hpp"
#include "cli/terminal.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <array>

namespace tranter::cli {
namespace {

class ProgressTest : public testing::Test {
  public:
    ProgressTest() {
        if (::pipe(ends_.data()) != 0) throw SystemError("no pipe");
    }
    ~ProgressTest() override {
        ::close(ends_[0]);
        close_writer();
    }
    ProgressTest(const ProgressTest&) = delete;
    ProgressTest& operator=(const ProgressTest&) = delete;

  protected:
    int writer() const { return ends_[1]; }
    void close_writer() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

    /// Blocks until the text was drawn.
    void wait_for(std::string_view text) {
        std::array<char, 256> chunk;
        while (seen_.find(text) == std::string::npos) {
            const ssize_t got = ::read(ends_[0], chunk.data(), chunk.size());
            ASSERT_GT(got, 0) << seen_;
            seen_.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

    std::string rest() {
        close_writer();
        return read_all(ends_[0], "the pipe");
    }

  private:
    std::array<int, 2> ends_{-1, -1};
    std::string seen_{};
};

TEST_F(ProgressTest, DrawsWhatIsDoneAndErasesItAtTheEnd) {
    Progress progress({.fd = writer(), .enabled = true, .quiet = Duration::zero()});
    progress.start("sending", 50);
    wait_for("\rsending: 0 of 50, ");
    progress.update(20);
    wait_for("\rsending: 20 of 50, ");
    progress.stop();

    EXPECT_TRUE(rest().ends_with("\r\x1b[K"));
}

TEST_F(ProgressTest, EscapesWhatItIsToldToShow) {
    Progress progress({.fd = writer(), .enabled = true, .quiet = Duration::zero()});
    progress.start("to \x1b]0;x");
    wait_for("\rto \\x1b]0;x, 0 s");
}

TEST_F(ProgressTest, SaysNothingOfWhatIsDoneWithinTheQuietTime) {
    {
        Progress progress({.fd = writer(), .enabled = true, .quiet = std::chrono::hours(1)});
        progress.start("sending");
        progress.update(1);
        progress.stop();
    }
    EXPECT_EQ(rest(), "");
}

TEST_F(ProgressTest, SaysNothingWithoutATerminal) {
    {
        Progress progress({.fd = writer(), .enabled = false, .quiet = Duration::zero()});
        progress.start("sending");
        progress.hide();
        progress.stop();
    }
    EXPECT_EQ(rest(), "");
}

}  // namespace
}  // namespace tranter::cli

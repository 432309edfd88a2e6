#include "cli/exit_code.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace tranter::cli {
namespace {

TEST(ExitCodeTest, EveryFailureHasOneAndNoneIsZero) {
    EXPECT_EQ(exit_codes.size(), static_cast<std::size_t>(Errc::internal) + 1);
    for (const auto& [errc, exit] : exit_codes) {
        EXPECT_NE(exit, ExitCode::ok);
        EXPECT_EQ(exit_code(errc), exit);
    }
}

}  // namespace
}  // namespace tranter::cli

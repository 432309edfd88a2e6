#include "cli/serve_options.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

Result<ServeFlags> read(std::vector<std::string> words) {
    const Command command{.name = "serve", .summary = "serve", .options = serve_options()};
    const auto invocation = parse_command_line(command, std::move(words));
    if (!invocation) return std::unexpected(invocation.error());
    return read_serve_flags(invocation->arguments);
}

TEST(ServeOptionsTest, NothingGivenIsNothingSaid) {
    const ServeFlags flags = read({}).value();

    EXPECT_FALSE(flags.config_file || flags.sqs || flags.admin || flags.limits);
    EXPECT_FALSE(flags.data || flags.durability || flags.repair.has_value());
    EXPECT_FALSE(flags.auto_create.has_value() || flags.insecure.has_value());
    EXPECT_FALSE(flags.threads || flags.log_format || flags.log_level || flags.ready_fd);
}

TEST(ServeOptionsTest, PassesOnWhatIsGiven) {
    const ServeFlags flags = read({"--config",
                                   "t.toml",
                                   "--sqs",
                                   "[::1]:0",
                                   "--admin=127.0.0.1:9325",
                                   "--data",
                                   "var",
                                   "--durability",
                                   "os",
                                   "--repair",
                                   "--limits",
                                   "relaxed",
                                   "--auto-create",
                                   "--insecure=false",
                                   "--threads",
                                   "2",
                                   "--log-format",
                                   "logfmt",
                                   "--log-level",
                                   "debug",
                                   "--ready-fd",
                                   "3"})
                                 .value();

    EXPECT_EQ(flags.config_file, "t.toml");
    EXPECT_EQ(flags.sqs, "[::1]:0");
    EXPECT_EQ(flags.admin, "127.0.0.1:9325");
    EXPECT_EQ(flags.data, "var");
    EXPECT_EQ(flags.durability, "os");
    EXPECT_EQ(flags.repair, true);
    EXPECT_EQ(flags.limits, "relaxed");
    EXPECT_EQ(flags.auto_create, true);
    EXPECT_EQ(flags.insecure, false);
    EXPECT_EQ(flags.threads, 2);
    EXPECT_EQ(flags.log_format, "logfmt");
    EXPECT_EQ(flags.log_level, "debug");
    EXPECT_EQ(flags.ready_fd, 3);
}

TEST(ServeOptionsTest, RefusesWhatCannotBeMeant) {
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--sqs", "http"},
             {"--sqs", "127.0.0.1:http"},
             {"--admin", "127.0.0.1:70000"},
             {"--durability", "fsync"},
             {"--limits", "none"},
             {"--threads", "0"},
             {"--threads", "-1"},
             {"--ready-fd", "x"},
             {"--log-level", "loud"},
             {"--port", "http"},
             {"extra"},
         }) {
        const auto flags = read(words);
        ASSERT_FALSE(flags) << words.front();
        EXPECT_EQ(flags.error().code(), Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace tranter::cli

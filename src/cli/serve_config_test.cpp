#include "cli/serve_config.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

std::string refusal(const ServeFlags& flags) {
    const auto loaded = load_serve_config(flags);
    return loaded ? "accepted" : loaded.error().message();
}

TEST(ServeConfigTest, ADataDirectoryIsSyncedUnlessToldOtherwise) {
    const ServerConfig config = load_serve_config({.data = "var"}).value().config;

    EXPECT_EQ(config.data, "var");
    EXPECT_EQ(config.durability, DurabilityLevel::sync);
    EXPECT_TRUE(keeps_data(config));
}

TEST(ServeConfigTest, WithoutADirectoryOrWithDurabilityNoneNothingIsKept) {
    EXPECT_FALSE(keeps_data(load_serve_config({}).value().config));
    const ServerConfig off =
        load_serve_config({.data = "var", .durability = "none"}).value().config;
    EXPECT_FALSE(keeps_data(off));
}

TEST(ServeConfigTest, FlagsThatCannotDoWhatTheySayAreRefused) {
    EXPECT_EQ(
        refusal({.durability = "sync"}),
        "--durability is sync, which needs a directory, add --data DIR"
    );
    EXPECT_EQ(
        refusal({.durability = "os"}), "--durability is os, which needs a directory, add --data DIR"
    );
    EXPECT_EQ(refusal({.durability = "none"}), "accepted");
    EXPECT_EQ(refusal({.data = ""}), "--data is empty, name a directory");
    EXPECT_EQ(refusal({.repair = true}), "--repair needs a data directory, add --data DIR");
    EXPECT_EQ(
        refusal({.data = "var", .durability = "none", .repair = true}),
        "--repair needs a data directory, add --data DIR"
    );
    EXPECT_EQ(refusal({.repair = false}), "accepted");
}

TEST(ServeConfigTest, AConfiguredPromiseNeedsADirectory) {
    ServerConfig config;
    config.durability = DurabilityLevel::os;

    EXPECT_EQ(
        check_durability(config).error().message(),
        "server.durability: is os, which needs a directory to write to, set server.data or --data"
    );
    config.data = "var";
    EXPECT_TRUE(check_durability(config));
}

}  // namespace
}  // namespace tranter::cli

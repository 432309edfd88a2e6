#include "cli/config_keys.hpp"
#include "cli/toml_config.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

/// docs/configuration.md is written by people, its tables by these rows: a key without its row, or
/// with another type or default, fails here and prints the row that belongs there.
namespace tranter::cli {
namespace {

std::string reference_page() {
    const std::filesystem::path path =
        std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "docs" / "configuration.md";
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class Config>
std::string row_of(const ConfigKey<Config>& key) {
    return fmt::format(
        "| `{}` | {} | `{}` | {} |\n", key.path, key.describe(), key.write(Config{}), key.meaning
    );
}

TEST(ConfigReferenceTest, EveryKeyHasItsRow) {
    const std::string text = reference_page();
    ASSERT_FALSE(text.empty());

    for (const ServerKey& key : server_keys()) {
        EXPECT_NE(text.find(row_of(key)), std::string::npos) << row_of(key);
    }
    for (const QueueKey& key : queue_keys()) {
        EXPECT_NE(text.find(row_of(key)), std::string::npos) << row_of(key);
    }
    for (const HandlerKey& key : handler_keys()) {
        EXPECT_NE(text.find(row_of(key)), std::string::npos) << row_of(key);
    }
    for (const ScheduleKey& key : schedule_keys()) {
        EXPECT_NE(text.find(row_of(key)), std::string::npos) << row_of(key);
    }
    for (const AppKey& key : app_keys()) {
        EXPECT_NE(text.find(row_of(key)), std::string::npos) << row_of(key);
    }
}

TEST(ConfigReferenceTest, EveryRowIsAKey) {
    std::multiset<std::string> paths;
    for (const ServerKey& key : server_keys())
        paths.insert(std::string(key.path));
    for (const QueueKey& key : queue_keys())
        paths.insert(std::string(key.path));
    for (const HandlerKey& key : handler_keys())
        paths.insert(std::string(key.path));
    for (const ScheduleKey& key : schedule_keys())
        paths.insert(std::string(key.path));
    for (const AppKey& key : app_keys())
        paths.insert(std::string(key.path));
    const std::string text = reference_page();

    std::size_t rows = 0;
    constexpr std::string_view start = "\n| `";
    for (std::size_t at = text.find(start); at != std::string::npos;
         at = text.find(start, at + 1)) {
        const std::size_t name = at + start.size();
        const std::string path = text.substr(name, text.find('`', name) - name);
        EXPECT_TRUE(paths.contains(path)) << path;
        ++rows;
    }
    EXPECT_EQ(rows, paths.size());
}

TEST(ConfigReferenceTest, ItsExamplesAreAccepted) {
    const std::string text = reference_page();
    const auto env = [](const std::string& name) {
        return name == "WEBHOOK_SECRET" ? "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
                                        : "a-secret-from-the-environment";
    };

    std::size_t examples = 0;
    constexpr std::string_view fence = "```toml\n";
    for (std::size_t at = text.find(fence); at != std::string::npos;
         at = text.find(fence, at + 1)) {
        const std::size_t start = at + fence.size();
        const std::string example = text.substr(start, text.find("```", start) - start);
        const Result<ServerConfig> config = parse_toml_config(example, {}, env);
        EXPECT_TRUE(config) << config.error().message() << '\n' << example;
        ++examples;
    }
    EXPECT_GE(examples, 3U);
}

TEST(ConfigReferenceTest, EveryVariableFollowsFromItsKey) {
    std::set<std::string> names;
    for (const ServerKey& key : server_keys()) {
        EXPECT_TRUE(names.insert(environment_name(key)).second) << key.path;
    }
    EXPECT_TRUE(names.contains("TRANTER_SQS"));
    EXPECT_TRUE(names.contains("TRANTER_CORS_ORIGINS"));
    EXPECT_TRUE(names.contains("TRANTER_LOG_LEVEL"));
}

}  // namespace
}  // namespace tranter::cli

#include "cli/config_command.hpp"

#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tranter::cli {
namespace {

class ConfigCommandTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
        const std::string path = (directory / name).string();
        std::ofstream(path, std::ios::binary) << text;
        chmod(path.c_str(), mode);
        return path;
    }

    int check(const std::string& file, bool insecure = false) {
        out.str("");
        err.str("");
        return config_command::check(file, insecure, environment, out, err);
    }

    std::filesystem::path directory;
    std::vector<std::string> environment;
    std::ostringstream out;
    std::ostringstream err;
};

TEST_F(ConfigCommandTest, CheckSaysOkAndCountsQueues) {
    const std::string file = write("tranter.toml", "[queues.a]\n[queues.b]\n");

    EXPECT_EQ(check(file), 0);
    EXPECT_EQ(out.str(), file + ": ok, 2 queues\n");
    EXPECT_EQ(err.str(), "");
}

TEST_F(ConfigCommandTest, CheckCountsHandlersAndSchedules) {
    const std::string file = write(
        "tranter.toml",
        "[handlers.a]\nexec = [\"true\"]\n[schedules.b]\nevery = \"1h\"\ntype = \"a\"\n"
        "[schedules.c]\ncron = \"@daily\"\ntype = \"a\"\n"
    );

    EXPECT_EQ(check(file), 0);
    EXPECT_EQ(out.str(), file + ": ok, 0 queues, 1 handler, 2 schedules\n");
}

TEST_F(ConfigCommandTest, CheckAnswersTwoWithOneLine) {
    const std::string file = write("tranter.toml", "[server]\nthreads = -1\n");

    EXPECT_EQ(check(file), 2);
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(err.str(), file + ":2: server.threads: is -1, allowed is 0 to 1024\n");
}

TEST_F(ConfigCommandTest, CheckLooksAtTheEnvironmentAndAtExposure) {
    const std::string file = write("tranter.toml", "[server]\nsqs = \"0.0.0.0:9324\"\n");

    EXPECT_EQ(check(file), 2);
    EXPECT_NE(err.str().find("--insecure"), std::string::npos);
    EXPECT_EQ(check(file, true), 0);
    environment = {"TRANTER_SQS=127.0.0.1:9324"};
    EXPECT_EQ(check(file), 0);
    environment = {"TRANTER_SQS=nowhere"};
    EXPECT_EQ(check(file), 2);
}

TEST_F(ConfigCommandTest, CheckReadsElasticmqConfByItsExtension) {
    const std::string file = write("elasticmq.conf", "queues { a { odd = 1 } }");

    EXPECT_EQ(check(file), 0);
    EXPECT_NE(
        err.str().find("note: keys that have no meaning here: queues.a.odd\n"), std::string::npos
    );
}

TEST_F(ConfigCommandTest, ConvertPrintsTomlThatReadsBackTheSame) {
    write("shared.conf", "aws.region = eu-west-1");
    const std::string file = write(
        "elasticmq.conf", R"(include "shared.conf"
        queues { jobs { fifo = true, odd = 1 }, plain { delay = 5s, defaultVisibilityTimeout = 30s, tags { "a b" = c } } })"
    );

    ASSERT_EQ(config_command::convert(file, out, err), 0);
    const Result<ServerConfig> again = parse_toml_config(out.str(), {}, process_environment());

    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(*again, load_config(file, process_environment())->config);
    EXPECT_EQ(again->region, "eu-west-1");
    EXPECT_NE(
        out.str().find("# keys that have no meaning here: queues.jobs.odd\n"), std::string::npos
    );
    EXPECT_NE(out.str().find("[queues.\"jobs.fifo\"]\n"), std::string::npos);
    EXPECT_NE(out.str().find("visibility_timeout = \"30s\"\n"), std::string::npos);
    EXPECT_EQ(err.str(), "");
}

TEST_F(ConfigCommandTest, ConvertAnswersTwoWithOneLine) {
    EXPECT_EQ(config_command::convert(write("e.conf", "queues {"), out, err), 2);
    EXPECT_EQ(out.str(), "");
    EXPECT_NE(
        err.str().find("e.conf:1:9: the file ends inside an object, write }\n"), std::string::npos
    );
}

TEST_F(ConfigCommandTest, FilesThatAreNoConfigurationAreRefused) {
    EXPECT_EQ(check((directory / "missing.toml").string()), 2);
    EXPECT_NE(
        err.str().find("missing.toml: does not exist, name an existing file\n"), std::string::npos
    );
    EXPECT_EQ(check(directory.string()), 2);
    EXPECT_EQ(check(write("utf16.toml", std::string("\xFF\xFE[\0]\0", 6))), 2);
    EXPECT_NE(err.str().find("is UTF-16, save it as UTF-8"), std::string::npos);
    EXPECT_EQ(check(write("latin.toml", "# a\n# \xE9\n")), 2);
    EXPECT_NE(err.str().find("latin.toml:2: is not UTF-8"), std::string::npos);
    EXPECT_EQ(check(write("zero.conf", std::string("a = 1\0", 6))), 2);
    EXPECT_EQ(check(write("bom.toml", "\xEF\xBB\xBF[server]\n")), 0);
}

TEST_F(ConfigCommandTest, AFileWithoutEndIsRefusedAfterItsFirstMebibyte) {
    EXPECT_EQ(check("/dev/zero"), 2);
    EXPECT_EQ(err.str(), "/dev/zero: is larger than 1MiB, which no configuration is\n");
    const std::string sparse = write("sparse.toml", "");
    std::filesystem::resize_file(sparse, std::uintmax_t{1} << 30);
    EXPECT_EQ(check(sparse), 2);
}

TEST_F(ConfigCommandTest, SecretsNeedAPrivateFile) {
    const std::string text = "[admin]\ntoken = \"0123456789abcdef\"\n";

    EXPECT_EQ(check(write("private.toml", text, 0600)), 0);
    EXPECT_EQ(check(write("public.toml", text, 0644)), 2);
    EXPECT_EQ(err.str().find("0123456789abcdef"), std::string::npos);
    // root:service 0640 is how a package lets one account read the file.
    EXPECT_EQ(check(write("group.toml", text, 0640)), geteuid() == 0 ? 0 : 2);
    environment = {"TOKEN=0123456789abcdef"};
    EXPECT_EQ(check(write("reference.toml", "[admin]\ntoken = \"${TOKEN}\"\n", 0644)), 0);
}

}  // namespace
}  // namespace tranter::cli

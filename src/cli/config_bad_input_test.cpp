#include "cli/config_file.hpp"
#include "cli/elasticmq_config.hpp"
#include "cli/hocon.hpp"
#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

/// Configurations that people and generators get wrong. The numbers are those of a corpus written
/// for JSON files; each is told here in the words of tranter.toml or elasticmq.conf. Files and
/// their permissions (CONF-022, -027, -028) are in config_command_test.cpp, data directories
/// (CONF-015, -017, -018) in tests/e2e/test_data.py.
namespace tranter::cli {
namespace {

enum class Syntax { toml, hocon };
enum class Expected { refused, accepted };

struct BadInput {
    const char* id;
    const char* what;
    Syntax syntax;
    const char* text;
    Expected expected;
    const char* says;  ///< part of the error
};

// NOLINTNEXTLINE(readability-identifier-naming): the name by which GoogleTest finds it
void PrintTo(const BadInput& input, std::ostream* out) {
    *out << input.id << ' ' << input.what;
}

constexpr BadInput bad_inputs[] = {
    // Every key is optional, so a file that says nothing is right.
    {"CONF_001", "empty file", Syntax::toml, "", Expected::accepted, ""},
    {"CONF_002", "truncated JSON", Syntax::toml, "{\"server\":{", Expected::refused, "t:1:"},
    {"CONF_002_hocon",
     "truncated JSON",
     Syntax::hocon,
     "{\"rest-sqs\":{",
     Expected::refused,
     "t:1:14: the file ends inside an object"},
    {"CONF_003",
     "wrong type",
     Syntax::toml,
     "[server]\nsqs = \"localhost:abc\"",
     Expected::refused,
     "t:2: server.sqs: \"localhost:abc\" has no port from 0 to 65535"},
    {"CONF_003_hocon",
     "wrong type",
     Syntax::hocon,
     "rest-sqs.bind-port = abc",
     Expected::refused,
     "rest-sqs.bind-port: is \"abc\""},
    {"CONF_004", "port 0", Syntax::toml, "[server]\nsqs = \"127.0.0.1:0\"", Expected::accepted, ""},
    {"CONF_004_hocon", "port 0", Syntax::hocon, "rest-sqs.bind-port = 0", Expected::accepted, ""},
    {"CONF_005",
     "port 65536",
     Syntax::toml,
     "[server]\nsqs = \"127.0.0.1:65536\"",
     Expected::refused,
     "server.sqs: \"127.0.0.1:65536\" has no port"},
    {"CONF_006",
     "port -1",
     Syntax::toml,
     "[server]\nsqs = \"127.0.0.1:-1\"",
     Expected::refused,
     "server.sqs: \"127.0.0.1:-1\" has no port"},
    {"CONF_006_hocon",
     "port -1",
     Syntax::hocon,
     "rest-sqs.bind-port = -1",
     Expected::refused,
     "is -1, allowed is 0 to 65535"},
    {"CONF_008",
     "duplicate queue name",
     Syntax::toml,
     "[queues.a]\n[queues.a]\n",
     Expected::refused,
     "t:2:"},
    // In HOCON two objects of one name are one object in two parts; only the suffix can collide.
    {"CONF_008_hocon",
     "duplicate queue name",
     Syntax::hocon,
     "queues { a { fifo = true }, \"a.fifo\" { } }",
     Expected::refused,
     "is configured twice"},
    {"CONF_009",
     "queue name bad",
     Syntax::toml,
     "[queues.\"../x\"]\n",
     Expected::refused,
     "t:1: queues.\"../x\": \"../x\" is not a queue name"},
    {"CONF_009_hocon",
     "queue name bad",
     Syntax::hocon,
     "queues { \"../x\" { } }",
     Expected::refused,
     "is not a queue name"},
    {"CONF_010",
     "DLQ missing",
     Syntax::toml,
     "[queues.a]\ndead_letter = { queue = \"nope\", max_receives = 3 }",
     Expected::refused,
     "t:2: queues.a.dead_letter.queue: names the queue \"nope\""},
    {"CONF_010_hocon",
     "DLQ missing",
     Syntax::hocon,
     "queues { a { deadLettersQueue { name = nope, maxReceiveCount = 3 } } }",
     Expected::refused,
     "queues.a.deadLettersQueue.name: names the queue \"nope\""},
    {"CONF_011",
     "DLQ cycle",
     Syntax::toml,
     "[queues.a]\ndead_letter = { queue = \"b\", max_receives = 3 }\n"
     "[queues.b]\ndead_letter = { queue = \"a\", max_receives = 3 }\n",
     Expected::refused,
     "goes in a circle: a -> b -> a"},
    {"CONF_011_hocon",
     "DLQ cycle",
     Syntax::hocon,
     "queues { a { deadLettersQueue { name = b, maxReceiveCount = 3 } }, "
     "b { deadLettersQueue { name = a, maxReceiveCount = 3 } } }",
     Expected::refused,
     "goes in a circle: a -> b -> a"},
    {"CONF_013",
     "duration negative",
     Syntax::toml,
     "[queues.a]\nvisibility_timeout = \"-30s\"",
     Expected::refused,
     "t:2: queues.a.visibility_timeout: \"-30s\" is negative"},
    {"CONF_013_hocon",
     "duration negative",
     Syntax::hocon,
     "queues { a { defaultVisibilityTimeout = -30s } }",
     Expected::refused,
     "\"-30s\" is negative"},
    {"CONF_014",
     "duration overflow",
     Syntax::toml,
     "[queues.a]\nvisibility_timeout = \"99999999999999h\"",
     Expected::refused,
     "\"99999999999999h\" is too large"},
    {"CONF_014_hocon",
     "duration overflow",
     Syntax::hocon,
     "queues { a { defaultVisibilityTimeout = 99999999999999h } }",
     Expected::refused,
     "\"99999999999999h\" is too large"},
    {"CONF_019",
     "bind 0.0.0.0 without auth",
     Syntax::toml,
     "[server]\nsqs = \"0.0.0.0:9324\"\n[auth]\nmode = \"none\"",
     Expected::refused,
     "server.sqs: 0.0.0.0:9324 can be reached from other machines"},
    {"CONF_019_hocon",
     "bind 0.0.0.0 without auth",
     Syntax::hocon,
     "rest-sqs.bind-hostname = 0.0.0.0",
     Expected::refused,
     "can be reached from other machines"},
    {"CONF_020",
     "admin token empty",
     Syntax::toml,
     "[admin]\ntoken = \"\"",
     Expected::refused,
     "t:2: admin.token: is empty"},
    {"CONF_021",
     "admin token 4 chars",
     Syntax::toml,
     "[admin]\ntoken = \"1234\"",
     Expected::refused,
     "t:2: admin.token: has 4 characters, write at least 16"},
    {"CONF_023",
     "env reference unset",
     Syntax::toml,
     "[admin]\ntoken = \"${NOPE}\"",
     Expected::refused,
     "t:2: admin.token: the environment variable NOPE is not set"},
    {"CONF_023_hocon",
     "env reference unset",
     Syntax::hocon,
     "aws.region = ${NOPE}",
     Expected::refused,
     "${NOPE} is not set"},
    {"CONF_025",
     "include loop",
     Syntax::hocon,
     "include \"t\"",
     Expected::refused,
     "t includes itself"},
    {"CONF_026",
     "YAML billion laughs",
     Syntax::toml,
     "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
     Expected::refused,
     "t:1:"},
    {"CONF_026_hocon",
     "YAML billion laughs",
     Syntax::hocon,
     "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
     Expected::refused,
     "t:1:4: '&' cannot stand here"},
    {"CONF_030",
     "pid file symlink",
     Syntax::toml,
     "pidFile = \"/run/x.pid\"",
     Expected::refused,
     "t:1: pidFile: unknown key"},
    {"CONF_032",
     "concurrency 1e6",
     Syntax::toml,
     "[worker]\nconcurrency = 1000000",
     Expected::refused,
     "t:2: worker.concurrency: is 1000000"},
    {"CONF_033",
     "autoscaler min>max",
     Syntax::toml,
     "[scale]\nmin = 5\nmax = 2",
     Expected::refused,
     "t:1: scale: is not supported by this version"},
    {"CONF_034",
     "autoscaler target 0",
     Syntax::toml,
     "[scale]\ntarget_depth = 0",
     Expected::refused,
     "t:1: scale: is not supported by this version"},
    {"CONF_035",
     "step intervals overlap",
     Syntax::toml,
     "[[scale.steps]]\nlower = 0\nupper = 300\n[[scale.steps]]\nlower = 200\nupper = 400",
     Expected::refused,
     "scale: is not supported by this version"},
    // Providers come later; what counts today is that the password is not repeated.
    {"CONF_036",
     "redis URL with password",
     Syntax::toml,
     "provider = \"redis://:hunter2@127.0.0.1:6379\"",
     Expected::refused,
     "t:1: provider: is of a kind that is not known"},
    {"CONF_038",
     "HOCON with include classpath",
     Syntax::hocon,
     "include classpath(\"application.conf\")\n"
     "queues { a { defaultVisibilityTimeout = 10 seconds } }",
     Expected::accepted,
     ""},
    {"CONF_039",
     "HOCON substitution cycle",
     Syntax::hocon,
     "a = ${b}\nb = ${a}",
     Expected::refused,
     "${a} refers to itself"},
};

const char* no_environment(const std::string&) {
    return nullptr;
}

// The text as `serve` would take it, up to the moment where it would listen.
Result<void> start_with(const BadInput& input) {
    const Environment env = &no_environment;
    ServerConfig config;
    if (input.syntax == Syntax::toml) {
        Result<ServerConfig> read = parse_toml_config(input.text, {.name = "t"}, env);
        if (!read) return std::unexpected(read.error());
        config = std::move(*read);
    } else {
        Result<LoadedConfig> read =
            parse_elasticmq_config(input.text, "t", {.env = env, .read_include = {}});
        if (!read) return std::unexpected(read.error());
        config = std::move(read->config);
    }
    return check_exposure(config);
}

class ConfigBadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(ConfigBadInputTest, IsRefusedWithOneUsefulLineOrAccepted) {
    const BadInput& input = GetParam();

    const Result<void> started = start_with(input);

    if (input.expected == Expected::accepted) {
        EXPECT_TRUE(started) << started.error().message();
        return;
    }
    ASSERT_FALSE(started);
    const std::string& text = started.error().message();
    EXPECT_NE(text.find(input.says), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Corpus,
    ConfigBadInputTest,
    testing::ValuesIn(bad_inputs),
    [](const auto& each) { return std::string(each.param.id); }
);

}  // namespace
}  // namespace tranter::cli

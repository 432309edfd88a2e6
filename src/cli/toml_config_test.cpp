#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

const char* toml_variable(const std::string& name) {
    return name == "TOKEN" ? "token-from-environment" : nullptr;
}

Result<ServerConfig> parse_toml_text(std::string_view text, bool readable_by_others = false) {
    return parse_toml_config(
        text, {.name = "t.toml", .readable_by_others = readable_by_others}, &toml_variable
    );
}

std::string toml_error(std::string_view text) {
    const Result<ServerConfig> config = parse_toml_text(text);
    return config ? "accepted" : config.error().message();
}

const char* const every_server_key = R"(
[server]
sqs = "0.0.0.0:19324"
sqs_enabled = true
admin = "[::1]:19325"
admin_enabled = false
limits = "relaxed"
auto_create = true
data = "var/tranter"
durability = "os"
data_max = "10GiB"
memory_limit = "512MiB"
segment_size = "16MiB"
threads = 4
region = "eu-west-1"
account = "123456789012"
public_url = "https://sqs.example.org"
context_path = "/a/b"
insecure = true
max_body = "16MiB"
max_connections = 100
idle_timeout = "1m"
header_timeout = "5s"
body_timeout = "1500ms"
purge_cooldown = "60s"
delete_cooldown = "60s"
max_in_flight = 0
allowed_hosts = ["sqs.example.org"]

[server.cors]
origins = ["https://app.example.org", "*"]

[auth]
mode = "sigv4"
keys = { AKIAEXAMPLE = "s\"ecret", other = "${TOKEN}" }
regions = ["eu-west-1"]

[admin]
token = "${TOKEN}"

[log]
format = "logfmt"
level = "debug"

[queue_template]
visibility_timeout = "5s"
dead_letter = { queue = "dlq", max_receives = 2 }

[queues.orders]
visibility_timeout = "120s"
delay = "1m"
retention = "14d"
receive_wait = "20s"
max_message_size = "256KiB"
dead_letter = { queue = "dlq", max_receives = 3 }
groups = { max_in_flight = 1, max_queued = 5, fair = "round_robin" }
max_in_flight = 5
max_bytes = "1GiB"
job_type = "order.placed"
tags = { team = "shop", "odd key" = "a=b" }
copy_to = "audit"

[queues.dlq]
redrive_allow = ["orders"]

[queues.audit]
redrive_allow = "denyAll"

[queues."events.fifo"]
content_based_deduplication = true
deduplication_scope = "messageGroup"
fifo_throughput_limit = "perMessageGroupId"
)";

TEST(TomlConfigTest, AnEmptyFileIsTheDefaultConfiguration) {
    EXPECT_EQ(*parse_toml_text(""), ServerConfig{});
    EXPECT_EQ(*parse_toml_text("# nothing\n[server]\n"), ServerConfig{});
}

TEST(TomlConfigTest, ReadsEveryKeyOfTheServer) {
    Result<ServerConfig> read = parse_toml_text(every_server_key);
    // The template refers to a dead-letter queue that only allows orders.
    ASSERT_FALSE(read);
    std::string text = every_server_key;
    text.replace(text.find("[\"orders\"]"), std::strlen("[\"orders\"]"), "\"allowAll\"");
    read = parse_toml_text(text);
    ASSERT_TRUE(read) << read.error().message();
    const ServerConfig& config = *read;

    EXPECT_EQ(config.sqs, (Endpoint{.host = "0.0.0.0", .port = 19324}));
    EXPECT_EQ(config.admin, (Endpoint{.host = "::1", .port = 19325}));
    EXPECT_FALSE(config.admin_enabled);
    EXPECT_EQ(config.limits, LimitsMode::relaxed);
    EXPECT_TRUE(config.auto_create);
    EXPECT_EQ(config.data, "var/tranter");
    EXPECT_EQ(config.durability, DurabilityLevel::os);
    EXPECT_EQ(config.data_max, std::uint64_t{10} << 30U);
    EXPECT_EQ(config.memory_limit, 512U << 20U);
    EXPECT_EQ(config.segment_size, 16U << 20U);
    EXPECT_EQ(config.threads, 4U);
    EXPECT_EQ(config.region, "eu-west-1");
    EXPECT_EQ(config.account, "123456789012");
    EXPECT_EQ(config.public_url, "https://sqs.example.org");
    EXPECT_EQ(config.context_path, "/a/b");
    EXPECT_TRUE(config.insecure);
    EXPECT_EQ(config.max_body, 16777216U);
    EXPECT_EQ(config.max_connections, 100U);
    EXPECT_EQ(config.idle_timeout, 60s);
    EXPECT_EQ(config.body_timeout, 1500ms);
    EXPECT_EQ(config.max_in_flight, 0);
    EXPECT_EQ(config.cors_origins.size(), 2U);
    EXPECT_EQ(config.auth.mode, AuthMode::sigv4);
    EXPECT_EQ(config.auth.keys.at("AKIAEXAMPLE"), "s\"ecret");
    EXPECT_EQ(config.auth.keys.at("other"), "token-from-environment");
    EXPECT_EQ(config.admin_token, "token-from-environment");
    EXPECT_EQ(config.log.format, LogFormat::logfmt);
    EXPECT_EQ(config.log.level, LogLevel::debug);
    EXPECT_EQ(config.queues.back().max_bytes, 1U << 30U);
    EXPECT_EQ(config.queues.back().job_type, "order.placed");
    EXPECT_EQ(config.auto_create_template.dead_letter.max_receives, 2U);
    EXPECT_EQ(*parse_toml_text(write_toml_config(config)), config);
}

TEST(TomlConfigTest, ReadsQueuesAndPutsThoseTheyNeedFirst) {
    const Result<ServerConfig> config = parse_toml_text(R"(
        [queues.a]
        dead_letter = { queue = "b", max_receives = 3 }
        delay = "1m"
        [queues.b]
        copy_to = "z"
        [queues.z]
        tags = { "odd key" = "a=b" }
        [queues."m.fifo"]
        fifo = true
        content_based_deduplication = true
    )");
    ASSERT_TRUE(config) << config.error().message();

    std::vector<std::string> names;
    for (const QueueConfig& queue : config->queues)
        names.push_back(queue.name);
    EXPECT_EQ(names, (std::vector<std::string>{"m.fifo", "z", "b", "a"}));
    EXPECT_TRUE(config->queues[0].fifo);
    EXPECT_TRUE(config->queues[0].content_based_deduplication);
    EXPECT_EQ(config->queues[1].tags.at("odd key"), "a=b");
    EXPECT_EQ(config->queues[3].delay, 60s);
    EXPECT_EQ(config->queues[3].dead_letter, (DeadLetterConfig{"b", 3}));
    EXPECT_EQ(*parse_toml_text(write_toml_config(*config)), *config);
}

TEST(TomlConfigTest, UnknownKeysAreErrorsWithASuggestion) {
    EXPECT_EQ(
        toml_error("[server]\nthreds = 2\n"),
        "t.toml:2: server.threds: unknown key (did you mean threads?), see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\nvisibilty_timeout = \"1s\"\n"),
        "t.toml:2: queues.a.visibilty_timeout: unknown key (did you mean visibility_timeout?), "
        "see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("[sever]\nsqs = \"a:1\"\n"),
        "t.toml:1: sever: unknown key (did you mean server?), see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("[schedule.a]\ncron = \"@daily\"\n"),
        "t.toml:1: schedule: unknown key (did you mean schedules?), see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("[schedule]\nlease = \"20s\"\n"),
        "t.toml:1: schedule: unknown key (did you mean scheduler?), see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("level = \"info\"\n"),
        "t.toml:1: level: unknown key (did you mean log.level?), see docs/configuration.md"
    );
    EXPECT_EQ(
        toml_error("\"server.sqs\" = \"localhost:1\"\n"),
        "t.toml:1: \"server.sqs\": unknown key, see docs/configuration.md"
    );
}

TEST(TomlConfigTest, ABareNumberSaysWhichUnitWasProbablyMeant) {
    EXPECT_EQ(
        toml_error("[queues.a]\ndelay = 30\n"),
        "t.toml:2: queues.a.delay: is 30, a number without a unit, probably \"30s\" was meant"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\nmax_message_size = 262144\n"),
        "t.toml:2: queues.a.max_message_size: is 262144, a number without a unit, probably "
        "\"262144B\" was meant"
    );
}

TEST(TomlConfigTest, RangesAndTypesAreChecked) {
    EXPECT_EQ(
        toml_error("[queues.a]\ndelay = \"16m\"\n"),
        "t.toml:2: queues.a.delay: is \"16m\", allowed is 0s to 15m"
    );
    EXPECT_EQ(
        toml_error("[server]\nthreads = \"4\"\n"),
        "t.toml:2: server.threads: is text, write a whole number from 0 to 1024"
    );
    EXPECT_EQ(
        toml_error("[server]\nlimits = \"strickt\"\n"),
        "t.toml:2: server.limits: is \"strickt\" (did you mean strict?), use one of `strict`, "
        "`relaxed`"
    );
    EXPECT_EQ(
        toml_error("[server]\ndurability = \"fsync\"\n"),
        "t.toml:2: server.durability: is \"fsync\" (did you mean sync?), use one of `none`, `os`, "
        "`sync`"
    );
    EXPECT_EQ(
        toml_error("[server]\nsegment_size = \"2GiB\"\n"),
        "t.toml:2: server.segment_size: is \"2GiB\", allowed is 1MiB to 1GiB"
    );
    EXPECT_EQ(toml_error("server = 1\n"), "t.toml:1: server: is a number, write a table [server]");
    EXPECT_EQ(
        toml_error("queues = [1]\n"),
        "t.toml:1: queues: is a list, write a table [queues.NAME] for each queue"
    );
}

TEST(TomlConfigTest, KeysOfLaterVersionsSaySo) {
    EXPECT_EQ(
        toml_error("[scale.api]\nmax = 3\n"),
        "t.toml:1: scale: is not supported by this version, remove it"
    );
}

TEST(TomlConfigTest, HandlersAndTheWorkerAreRead) {
    const auto config = parse_toml_text(
        "provider = \"http://127.0.0.1:9325\"\n"
        "[worker]\n"
        "queues = [\"mail\", \"other\"]\n"
        "concurrency = 5\n"
        "[handlers.\"workspace:create\"]\n"
        "exec = [\"./provision.sh\"]\n"
        "timeout = \"10m\"\n"
        "retry = { max_attempts = 5, base = \"2s\", max = \"1h\", factor = 1.5 }\n"
        "runs = 10\n"
        "max_parallel_runs = 10\n"
        "limits = { memory = \"64MiB\" }\n"
    );
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(config->provider, "http://127.0.0.1:9325");
    EXPECT_EQ(config->worker.queues, (std::vector<WorkerQueue>{"mail", "other"}));
    ASSERT_EQ(config->handlers.size(), 1U);
    const HandlerConfig& handler = config->handlers.front();
    EXPECT_EQ(handler.type, "workspace:create");
    EXPECT_EQ(handler.exec, std::vector<std::string>{"./provision.sh"});
    EXPECT_EQ(handler.timeout, std::chrono::minutes(10));
    EXPECT_EQ(handler.retry.max_attempts, 5U);
    EXPECT_EQ(handler.retry.factor, 1.5);
    EXPECT_EQ(handler.runs, 10U);
    EXPECT_EQ(handler.limits.memory, 64U << 20U);
    EXPECT_EQ(parse_toml_text(write_toml_config(*config)), *config);
}

TEST(TomlConfigTest, QueuesOfAWorkerHaveWeightsAndLimits) {
    const auto config = parse_toml_text(
        "[worker]\n"
        "queues = [\"mail\", { name = \"reports\", weight = 3, concurrency = 2 }]\n"
        "queue_order = \"strict\"\n"
        "[handlers.vote]\nexec = [\"a\"]\nruns = 5\nsuccess = \"at_least(3)\"\nconcurrency = 4\n"
    );
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(config->worker.queues, (std::vector<WorkerQueue>{"mail", {"reports", 3, 2}}));
    EXPECT_EQ(config->worker.queue_order, QueueOrder::strict);
    EXPECT_EQ(config->handlers.front().success, "at_least(3)");
    EXPECT_EQ(config->handlers.front().concurrency, 4U);
    EXPECT_EQ(parse_toml_text(write_toml_config(*config)), *config);
}

TEST(TomlConfigTest, QueuesOfAWorkerThatMakeNoSenseAreRefused) {
    const auto problem = [](const std::string& queues) {
        return toml_error("[worker]\nqueues = " + queues + "\n");
    };
    EXPECT_EQ(
        problem("\"mail\""),
        "t.toml:2: worker.queues: is text, write a list like [\"mail\", \"reports\"]"
    );
    EXPECT_EQ(
        problem("[\"mail\", 3]"),
        "t.toml:2: worker.queues: element 2 is a number, write a name or { name = \"mail\", weight "
        "= 3, concurrency = 2 }"
    );
    EXPECT_EQ(
        problem("[{ name = \"mail\", weigth = 3 }]"),
        "t.toml:2: worker.queues: element 1 has a key weigth (did you mean weight?), known are "
        "name, weight and concurrency"
    );
    EXPECT_EQ(
        problem("[{ weight = 3 }]"),
        "t.toml:2: worker.queues: element 1 has no name, write name = \"mail\""
    );
    EXPECT_EQ(
        problem("[{ name = \"mail\", weight = 0 }]"),
        "t.toml:2: worker.queues: element 1 weight is 0, allowed is 1 to 1000"
    );
}

TEST(TomlConfigTest, HandlersThatCannotWorkAreRefused) {
    const auto problem = [](const std::string& keys) {
        return toml_error("[handlers.mail]\n" + keys + "\n");
    };
    EXPECT_EQ(
        problem("timeout = \"1m\""),
        "t.toml:1: handlers.mail: has no handler, write exec = [\"PROGRAM\"], child = "
        "[\"PROGRAM\"] or http = \"URL\""
    );
    EXPECT_EQ(
        problem("exec = [\"a\"]\nhttp = \"http://x/\""),
        "t.toml:1: handlers.mail: has more than one of exec, child and http, keep one"
    );
    EXPECT_EQ(
        problem("exec = [\"a\"]\nprocesses = 2"),
        "t.toml:3: handlers.mail.processes: is only for child handlers, remove it"
    );
    EXPECT_EQ(
        problem("http = \"ftp://x/\""),
        "t.toml:2: handlers.mail.http: URL has scheme 'ftp', use http:// or https://"
    );
    EXPECT_EQ(
        problem("exec = [\"a\"]\nmax_parallel_runs = 2"),
        "t.toml:3: handlers.mail.max_parallel_runs: has no effect without runs, add it or remove "
        "this"
    );
    EXPECT_EQ(
        problem("exec = [\"a\"]\nsuccess = \"most\""),
        "t.toml:3: handlers.mail.success: is \"most\", expected all, any or at_least(K) with 1 to "
        "1000 runs"
    );
    EXPECT_EQ(
        problem("exec = [\"a\"]\nruns = 2\nsuccess = \"at_least(3)\""),
        "t.toml:4: handlers.mail.success: is at_least(3), which needs more than runs = 2"
    );
    EXPECT_EQ(
        toml_error("[worker]\nqueues = [\"a\", \"a\"]\n"),
        "t.toml:2: worker.queues: names a twice, remove one"
    );
    EXPECT_EQ(
        toml_error("[handlers.\"__system\"]\nexec = [\"a\"]\n"),
        "t.toml:1: handlers.__system: is no type of jobs, write 1 to 128 letters, digits and _ - . "
        ": / or \"*\" for all others"
    );
}

TEST(TomlConfigTest, SecretsMayNotStandInAFileThatOthersCanRead) {
    const std::string text = "[admin]\ntoken = \"0123456789abcdef\"\n";

    EXPECT_TRUE(parse_toml_text(text));
    const Result<ServerConfig> refused = parse_toml_text(text, true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().message(),
        "t.toml:2: admin.token: is a secret in a file that other users can read, chmod 600 it or "
        "write \"${NAME}\" to take it from the environment"
    );
    EXPECT_TRUE(parse_toml_text("[admin]\ntoken = \"${TOKEN}\"\n", true));
}

TEST(TomlConfigTest, ReferencesToUnsetVariablesAreErrors) {
    EXPECT_EQ(
        toml_error("[auth]\nmode = \"sigv4\"\n[auth.keys]\nid = \"${NOPE}\"\n"),
        "t.toml:4: auth.keys.id: the environment variable NOPE is not set"
    );
    EXPECT_EQ(
        toml_error("[admin]\ntoken = \"${NOPE\"\n"),
        "t.toml:2: admin.token: is no reference, write \"${NAME}\""
    );
}

TEST(TomlConfigTest, ErrorsNeverShowSecrets) {
    for (const char* text :
         {"[admin]\ntoken = \"hunter2\"\n",
          "[admin]\ntoken = [\"hunter2\"]\n",
          "[auth]\nkeys = { id = \"hunter2\" }\n",
          "[auth]\nkeys = \"hunter2\"\n",
          "[auth]\nmode = \"sigv4\"\nkeys = { id = \"hunter2\", \"a b\" = \"hunter2\" }\n"}) {
        EXPECT_EQ(toml_error(text).find("hunter2"), std::string::npos) << text;
    }
}

TEST(TomlConfigTest, SyntaxErrorsNameLineAndColumn) {
    EXPECT_EQ(toml_error("[server]\nsqs = \n").substr(0, 9), "t.toml:2:");
    EXPECT_EQ(toml_error("[queues.a]\n[queues.a]\n").substr(0, 9), "t.toml:2:");
    for (const char* text : {"[server]\nsqs = \n", "\"a\nb\" = 1", "x = \"\xE2\x80\xAE\nq\""}) {
        EXPECT_EQ(toml_error(text).find('\n'), std::string::npos) << text;
    }
}

TEST(TomlConfigTest, DeeplyDottedKeysAreRefusedQuickly) {
    std::string text = "a";
    for (int i = 0; i < 200'000; ++i)
        text += ".a";

    EXPECT_EQ(toml_error(text + " = 1\n"), "t.toml: has more than 200 dots in one key or value");
}

TEST(TomlConfigTest, RulesAboutQueuesNameTheLine) {
    EXPECT_EQ(
        toml_error("[queues.a]\ndead_letter = { queue = \"b\", max_receives = 3 }\n"
                   "[queues.\"b.fifo\"]\n"),
        "t.toml:2: queues.a.dead_letter.queue: names the queue \"b\", which is not configured, add "
        "it to queues"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\ndead_letter = { queue = \"b.fifo\", max_receives = 3 }\n"
                   "[queues.\"b.fifo\"]\n"),
        "t.toml:2: queues.a.dead_letter.queue: is \"b.fifo\", a FIFO queue, the dead-letter queue "
        "of a standard queue must be of its kind"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\nfifo = true\n"),
        "t.toml:2: queues.a.fifo: is true, but the name does not end in .fifo; name it a.fifo"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\ncontent_based_deduplication = true\n"),
        "t.toml:2: queues.a.content_based_deduplication: is only for FIFO queues, set fifo = true "
        "or remove it"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\ndead_letter.queue = \"a\"\n"),
        "t.toml:2: queues.a.dead_letter: has no max_receives, add dead_letter.max_receives from 1 "
        "to 1000"
    );
    EXPECT_EQ(
        toml_error("[queues.a]\ncopy_to = \"b\"\n[queues.b]\nmove_to = \"c\"\n[queues.c]\n"
                   "dead_letter = { queue = \"b\", max_receives = 1 }\n"),
        "t.toml:6: queues.c.dead_letter.queue: goes in a circle: b -> c -> b"
    );
}

TEST(TomlConfigTest, RulesAboutTheServerNameTheLine) {
    EXPECT_EQ(
        toml_error("[server]\nsqs = \"localhost:1\"\nadmin = \"localhost:1\"\n"),
        "t.toml:3: server.admin: is localhost:1, which is server.sqs already"
    );
    EXPECT_EQ(
        toml_error("[auth]\nmode = \"sigv4\"\n"),
        "t.toml:1: auth.keys: has no key, auth.mode = \"sigv4\" needs at least one"
    );
    EXPECT_EQ(
        toml_error("[auth]\nkeys = { id = \"secret\" }\n"),
        "t.toml:2: auth.keys: would not be used, set auth.mode = \"sigv4\" or remove the keys"
    );
    EXPECT_NE(toml_error("[server]\npublic_url = \"http://h/path\"\n"), "accepted");
    EXPECT_NE(toml_error("[server]\ncontext_path = \"sqs\"\n"), "accepted");
    EXPECT_NE(toml_error("[server]\ncontext_path = \"/../x\"\n"), "accepted");
    EXPECT_NE(toml_error("[server]\nallowed_hosts = [\"http://x\"]\n"), "accepted");
    EXPECT_NE(toml_error("[server.cors]\norigins = [\"example.org\"]\n"), "accepted");
    EXPECT_NE(toml_error("[server]\nregion = \"a b\"\n"), "accepted");
}

}  // namespace
}  // namespace tranter::cli

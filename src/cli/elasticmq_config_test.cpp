#include "cli/elasticmq_config.hpp"

#include "cli/toml_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;

const char* elasticmq_variable(const std::string& name) {
    if (name == "SQS_PORT") return "19324";
    return nullptr;
}

Result<LoadedConfig> parse_elasticmq(std::string_view text) {
    return parse_elasticmq_config(
        text, "elasticmq.conf", {.env = &elasticmq_variable, .read_include = {}}
    );
}

std::string elasticmq_error(std::string_view text) {
    const Result<LoadedConfig> loaded = parse_elasticmq(text);
    return loaded ? "accepted" : loaded.error().message();
}

// Fails the test when converting to TOML changes anything.
ServerConfig accept(std::string_view text) {
    const Result<LoadedConfig> loaded = parse_elasticmq(text);
    if (!loaded) {
        ADD_FAILURE() << loaded.error().message();
        return {};
    }
    const std::string toml = write_toml_config(loaded->config);
    const Result<ServerConfig> again = parse_toml_config(toml, {}, &elasticmq_variable);
    if (!again) {
        ADD_FAILURE() << again.error().message() << '\n' << toml;
    } else {
        EXPECT_EQ(*again, loaded->config) << toml;
        for (std::size_t i = 0; i < again->queues.size() && i < loaded->config.queues.size(); ++i) {
            const auto& written = loaded->config.queues[i].written.paths;
            EXPECT_TRUE(std::ranges::includes(again->queues[i].written.paths, written)) << toml;
        }
    }
    return loaded->config;
}

std::vector<std::string> notices_of(std::string_view text) {
    const Result<LoadedConfig> loaded = parse_elasticmq(text);
    return loaded ? loaded->notices : std::vector<std::string>{loaded.error().message()};
}

const QueueConfig& queue_of(const ServerConfig& config, std::string_view name) {
    static const QueueConfig missing;
    for (const QueueConfig& queue : config.queues) {
        if (queue.name == name) return queue;
    }
    ADD_FAILURE() << name << " does not exist";
    return missing;
}

// The shape of the file that most projects start from.
const char* const usual_file = R"(include classpath("application.conf")

// What is the outside visible address
node-address {
  protocol = http
  host = "*"
  port = 9324
  context-path = ""
}

rest-sqs {
  enabled = true
  bind-port = 9324
  bind-hostname = "0.0.0.0"
  # Possible values: relaxed, strict
  sqs-limits = strict
}

rest-stats {
  enabled = true
  bind-port = 9325
  bind-hostname = "0.0.0.0"
}

generate-node-address = false

queues {
  orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 5 seconds
    receiveMessageWait = 0 seconds
    deadLettersQueue {
      name = "orders-dead-letters"
      maxReceiveCount = 3 // from 1 to 1000
    }
    fifo = false
    contentBasedDeduplication = false
    copyTo = "audit"
    moveTo = "redirect"
    tags {
      team = "shop"
      priority = 1
    }
  }
  orders-dead-letters { }
  audit { }
  redirect { }
}

messages-storage { enabled = false }
aws {
  region = us-west-2
  accountId = 000000000000
}
akka.http.server.parsing.illegal-header-warnings = off
pekko { http { server { request-timeout = 21 s } } }
)";

TEST(ElasticmqConfigTest, ReadsTheUsualFileWithoutNotices) {
    const ServerConfig config = accept(usual_file);

    EXPECT_EQ(config.sqs, (Endpoint{.host = "0.0.0.0", .port = 9324}));
    EXPECT_TRUE(config.sqs.host_explicit);
    EXPECT_EQ(config.admin, (Endpoint{.host = "0.0.0.0", .port = 9325}));
    EXPECT_EQ(config.public_url, "");
    EXPECT_EQ(config.limits, LimitsMode::strict);
    EXPECT_EQ(config.region, "us-west-2");
    EXPECT_EQ(config.account, "000000000000");
    ASSERT_EQ(config.queues.size(), 4U);
    const QueueConfig& orders = config.queues.back();
    EXPECT_EQ(orders.name, "orders");
    EXPECT_EQ(orders.visibility_timeout, 10s);
    EXPECT_EQ(orders.delay, 5s);
    EXPECT_EQ(orders.dead_letter, (DeadLetterConfig{"orders-dead-letters", 3}));
    EXPECT_EQ(orders.copy_to, "audit");
    EXPECT_EQ(orders.move_to, "redirect");
    EXPECT_EQ(orders.tags.at("priority"), "1");
    EXPECT_EQ(notices_of(usual_file), std::vector<std::string>{});
}

TEST(ElasticmqConfigTest, AnEmptyFileHasElasticMqsDefaultsOnLoopback) {
    const ServerConfig config = accept("");

    EXPECT_EQ(config.region, "elasticmq");
    EXPECT_EQ(config.account, "000000000000");
    EXPECT_EQ(config.sqs, (Endpoint{.host = "127.0.0.1", .port = 9324}));
    EXPECT_FALSE(config.sqs.host_explicit);
    EXPECT_EQ(config.public_url, "");
    ASSERT_EQ(notices_of("").size(), 1U);
    EXPECT_NE(notices_of("")[0].find("bind-hostname is not set"), std::string::npos);
}

TEST(ElasticmqConfigTest, ABareNumberIsMillisecondsAndSecondsAreWhole) {
    const ServerConfig config = accept(R"(
        queues {
            a { defaultVisibilityTimeout = 10000, delay = 1999, receiveMessageWait = 0.5s }
            b { defaultVisibilityTimeout = "2 minutes", delay = 1m, receiveMessageWait = 20 s }
        })");

    EXPECT_EQ(queue_of(config, "a").visibility_timeout, 10s);
    EXPECT_EQ(queue_of(config, "a").delay, 1s);
    EXPECT_EQ(queue_of(config, "a").receive_wait, 0s);
    EXPECT_EQ(queue_of(config, "b").visibility_timeout, 120s);
    EXPECT_EQ(queue_of(config, "b").delay, 60s);
    EXPECT_EQ(queue_of(config, "b").receive_wait, 20s);
}

TEST(ElasticmqConfigTest, FifoAppendsTheSuffixAlsoInReferences) {
    const ServerConfig config = accept(R"(
        queues {
            jobs { fifo = true, contentBasedDeduplication = true,
                   deadLettersQueue { name = jobs-dlq, maxReceiveCount = "5" } }
            jobs-dlq { fifo = true }
            "events.fifo" { fifo = true }
            "implied.fifo" { }
        })");

    EXPECT_TRUE(queue_of(config, "jobs.fifo").content_based_deduplication);
    EXPECT_EQ(queue_of(config, "jobs.fifo").dead_letter, (DeadLetterConfig{"jobs-dlq.fifo", 5}));
    EXPECT_TRUE(queue_of(config, "events.fifo").fifo);
    EXPECT_TRUE(queue_of(config, "implied.fifo").fifo);
}

TEST(ElasticmqConfigTest, NodeAddressBecomesTheBaseOfQueueUrls) {
    EXPECT_EQ(
        accept("node-address { host = sqs.local, port = 80, protocol = https }").public_url,
        "https://sqs.local:80"
    );
    EXPECT_EQ(accept("node-address.host = localhost").public_url, "http://localhost:9324");
    EXPECT_EQ(accept("node-address.host = \"*\"").public_url, "");
    EXPECT_EQ(accept("node-address.port = 1\ngenerate-node-address = true").public_url, "");
    const ServerConfig config = accept("node-address { host = \"*\", context-path = \"a/b/\" }");
    EXPECT_EQ(config.context_path, "/a/b");
}

TEST(ElasticmqConfigTest, TheEnvironmentAndTemplatesFillIn) {
    const ServerConfig config = accept(R"(
        rest-sqs.bind-port = 9324
        rest-sqs.bind-port = ${?SQS_PORT}
        aws.region = ${?AWS_REGION}
        default { defaultVisibilityTimeout = 60s, tags { team = a } }
        queues.one = ${default}
        queues { two = ${default} { delay = 1s } }
    )");

    EXPECT_EQ(config.sqs.port, 19324);
    EXPECT_EQ(config.region, "elasticmq");
    EXPECT_EQ(queue_of(config, "one").visibility_timeout, 60s);
    EXPECT_EQ(queue_of(config, "two").visibility_timeout, 60s);
    EXPECT_EQ(queue_of(config, "two").delay, 1s);
}

TEST(ElasticmqConfigTest, ReadsTheTemplateOfAutoCreatedQueues) {
    const ServerConfig config = accept(R"(
        auto-create-queues {
            enabled = true
            template { defaultVisibilityTimeout = 5s
                       deadLettersQueue { name = dlq, maxReceiveCount = 2 } }
        }
        queues { dlq {} })");

    EXPECT_TRUE(config.auto_create);
    EXPECT_EQ(config.auto_create_template.visibility_timeout, 5s);
    EXPECT_EQ(config.auto_create_template.dead_letter, (DeadLetterConfig{"dlq", 2}));
}

TEST(ElasticmqConfigTest, OddValuesThatElasticMqTakesAreAccepted) {
    EXPECT_EQ(accept("rest-sqs.sqs-limits = Relaxed").limits, LimitsMode::relaxed);
    EXPECT_EQ(accept("aws.accountId = \"\"").account, "queue");
    EXPECT_EQ(accept("elasticmq.debug = on").log.level, LogLevel::debug);
    EXPECT_FALSE(accept("rest-stats.enabled = false").admin_enabled);
    EXPECT_EQ(accept("rest-sqs.bind-port = 9325").admin.port, 0);
    EXPECT_EQ(accept("queues { a { delay = 1h } }").queues[0].delay, 15min);
    EXPECT_EQ(accept("queues { a { created = 1, lastModified = 2 } }").queues.size(), 1U);
    EXPECT_EQ(accept("queues { a = null }").queues.size(), 0U);
    EXPECT_FALSE(accept("queues { a { contentBasedDeduplication = true } }")
                     .queues[0]
                     .content_based_deduplication);
}

TEST(ElasticmqConfigTest, KeysWithoutMeaningAreListedInOneNotice) {
    const std::vector<std::string> notices = notices_of(R"(
        rest-sqs.bind-hostname = localhost
        rest-sqs.workers = 4
        queues { a { maxReceiveCount = 3, frobnicate = 1 } }
        custom { x = 1, y = 2 }
        other = 5
    )");

    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(
        notices[0],
        "keys that have no meaning here: custom, other, queues.a.frobnicate, "
        "queues.a.maxReceiveCount, rest-sqs.workers"
    );
}

TEST(ElasticmqConfigTest, AMisspeltKeyIsIgnoredAsElasticMqDoesButNamed) {
    const std::vector<std::string> notices = notices_of(R"(
        rest-sqs { bind-hostname = localhost, bind-prot = 1 }
        queues { a { deadLetterQueue { name = b, maxReceiveCount = 5 } } }
    )");

    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(
        notices[0],
        "keys that have no meaning here: queues.a.deadLetterQueue (did you mean "
        "deadLettersQueue?), rest-sqs.bind-prot (did you mean rest-sqs.bind-port?)"
    );
}

TEST(ElasticmqConfigTest, StorageIsAcceptedWithANotice) {
    const std::vector<std::string> notices = notices_of(R"(
        rest-sqs.bind-hostname = localhost
        queues-storage { enabled = true, path = "/data/queues.conf" }
        messages-storage { enabled = true, uri = "jdbc:h2:/data/x", password = "hunter2" }
    )");

    EXPECT_EQ(
        notices,
        (std::vector<std::string>{
            "messages-storage: queues and messages are kept with --data DIR only",
            "queues-storage: queues are kept with --data DIR only"})
    );
}

TEST(ElasticmqConfigTest, ErrorsNameLineColumnAndTheFilesOwnKey) {
    EXPECT_EQ(
        elasticmq_error(
            "queues {\n  a {\n    deadLettersQueue { name = b, maxReceiveCount = 3 } } }"
        ),
        "elasticmq.conf:3:24: queues.a.deadLettersQueue.name: names the queue \"b\", which is not "
        "configured, add it to queues"
    );
    EXPECT_EQ(
        elasticmq_error("queues { a { deadLettersQueue { name = a } } }"),
        "elasticmq.conf:1:14: queues.a.deadLettersQueue: needs both name and maxReceiveCount"
    );
    EXPECT_EQ(
        elasticmq_error("rest-sqs.bind-port = 65536"),
        "elasticmq.conf:1:1: rest-sqs.bind-port: is 65536, allowed is 0 to 65535"
    );
    EXPECT_EQ(
        elasticmq_error("queues { a { delay = 5 secnds } }"),
        "elasticmq.conf:1:14: queues.a.delay: \"5 secnds\" has the unknown unit \"secnds\" (did "
        "you mean seconds?), write a duration like \"30s\""
    );
    EXPECT_EQ(
        elasticmq_error("queues { \"a/b\" {} }").substr(0, 48),
        "elasticmq.conf:1:10: queues.\"a/b\": \"a/b\" is not "
    );
    EXPECT_EQ(
        elasticmq_error("queues { a { copyTo = b }, b { moveTo = a } }"),
        "elasticmq.conf:1:32: queues.b.moveTo: goes in a circle: a -> b -> a"
    );
    EXPECT_EQ(
        elasticmq_error("queues { a { fifo = true }, \"a.fifo\" {} }"),
        "elasticmq.conf:1:29: queues.\"a.fifo\": is configured twice, remove one of them"
    );
    EXPECT_EQ(elasticmq_error("queues = 5"), "elasticmq.conf:1:1: queues: is text, write { }");
    EXPECT_EQ(
        elasticmq_error("rest-sqs.sqs-limits = none"),
        "elasticmq.conf:1:1: rest-sqs.sqs-limits: is \"none\", use one of strict, relaxed"
    );
}

}  // namespace
}  // namespace tranter::cli

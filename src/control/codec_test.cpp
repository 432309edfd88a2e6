#include "control/codec.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace tranter::control {
namespace {

using supervise::App;

/// Nothing is as it would be by itself.
App elaborate_app() {
    App app;
    app.name = "web \"quoted\"";
    app.space = "shop";
    app.type = supervise::AppType::oneshot;
    app.command = {"/bin/sh", "-c", "echo \xff\n"};  // not UTF-8
    app.directory = "/srv/\xc3\xa4";
    app.environment = {{"A", "1"}, {"B", ""}, {"BYTES", std::string("\x80\x01", 2)}};
    app.inherits_environment = false;
    app.hidden_variables = {"SECRET"};
    app.instances = 4;
    app.starts_by_itself = false;
    app.depends_on = {
        {.app = "db",
         .condition = supervise::Dependency::Condition::completed_successfully,
         .restarts_with_it = true}};
    app.restart.when = supervise::RestartWhen::on_failure;
    app.restart.stop_exit_codes = {0, 3};
    app.restart.factor = 1.5;
    app.restart.window = {};
    app.readiness.probe = {
        .kind = supervise::Probe::Kind::exec, .target = "x", .command = {"a", "b"}};
    app.liveness.kind = supervise::Probe::Kind::http;
    app.stop.signal = SIGINT;
    app.logs.bytes_max = ~std::uint64_t{0};
    app.limits.umask = 022;
    app.limits.cpus = 0.25;
    app.limits.nice = -5;
    app.watch_delay = std::chrono::milliseconds(1);
    return app;
}

TEST(ControlCodecTest, AppsComeBackAsTheyWere) {
    const std::vector<App> apps{elaborate_app(), App{.name = "plain", .command = {"true"}}};

    const auto read = read_apps(write_apps(apps));

    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, apps);
}

TEST(ControlCodecTest, RequestsComeBackAsTheyWere) {
    Request request;
    request.id = 7;
    request.call = "order";
    request.targets = {"a", "b"};
    request.after = 12;
    request.file = "/srv/Procfile";
    request.apps = {elaborate_app()};
    request.order = {
        .kind = Order::Kind::scale,
        .targets = {"web"},
        .count = "-1",
        .waits = false,
        .limit = std::chrono::seconds(3)};

    const std::string line = write_request(request);
    const auto read = read_request(line);

    EXPECT_EQ(line.find('\n'), line.size() - 1);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->id, 7U);
    EXPECT_EQ(read->call, "order");
    EXPECT_EQ(read->targets, request.targets);
    EXPECT_EQ(read->after, 12U);
    EXPECT_EQ(read->file, request.file);
    EXPECT_EQ(read->apps, request.apps);
    EXPECT_EQ(read->order.kind, Order::Kind::scale);
    EXPECT_EQ(read->order.targets, request.order.targets);
    EXPECT_EQ(read->order.count, "-1");
    EXPECT_FALSE(read->order.waits);
    EXPECT_EQ(read->order.limit, request.order.limit);
}

TEST(ControlCodecTest, ViewsComeBackAsTheyWere) {
    supervise::InstanceView view;
    view.key = 3;
    view.id = {.app = "web", .number = 2};
    view.own_number = 1;
    view.state = supervise::State::completed;
    view.pid = 4711;
    view.started_at = Instant(Duration(1'700'000'000'000'001));
    view.last_ending = supervise::Ending{.code = 0, .signal = SIGKILL};
    view.use = {.memory_bytes = 5, .cpu_micros = 6, .processes = 7};
    view.cpu_share = 0.125;
    view.note = "stuck";

    const auto read = read_answer<std::vector<supervise::InstanceView>>(
        write_answer(1, std::vector<supervise::InstanceView>{view})
    );

    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->size(), 1U);
    const supervise::InstanceView& back = read->front();
    EXPECT_EQ(back.key, 3U);
    EXPECT_EQ(back.id, view.id);
    EXPECT_EQ(back.own_number, 1U);
    EXPECT_EQ(back.state, view.state);
    EXPECT_EQ(back.pid, view.pid);
    EXPECT_EQ(back.started_at, view.started_at);
    EXPECT_EQ(back.last_ending, view.last_ending);
    EXPECT_EQ(back.use, view.use);
    EXPECT_EQ(back.cpu_share, view.cpu_share);
    EXPECT_EQ(back.note, view.note);
}

TEST(ControlCodecTest, EveryStateHasANameOfItsOwn) {
    for (int i = 0; i < 10; ++i) {
        supervise::InstanceView view;
        view.state = static_cast<supervise::State>(i);
        const auto read = read_answer<std::vector<supervise::InstanceView>>(
            write_answer(1, std::vector<supervise::InstanceView>{view})
        );
        ASSERT_TRUE(read) << read.error().message();
        EXPECT_EQ(read->front().state, view.state);
    }
}

TEST(ControlCodecTest, AFailureOfTheDaemonIsTheFailureOfTheCall) {
    const auto read = read_answer<void>(write_failure(1, Error(Errc::not_found, "no \"x\"")));

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), Errc::not_found);
    EXPECT_EQ(read.error().message(), "no \"x\"");
}

TEST(ControlCodecTest, WhatIsFollowedIsToldApart) {
    const supervise::OutputLine line{
        .id = {.app = "a", .number = 1},
        .is_errors = true,
        .at = Instant(Duration(5)),
        .text = "\xff"};
    const auto output = read_followed(write_line(1, line));
    ASSERT_TRUE(output);
    const auto* const back = std::get_if<supervise::OutputLine>(&*output);
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(back->text, "\xff");
    EXPECT_TRUE(back->is_errors);

    supervise::Event event;
    event.number = 9;
    event.to = supervise::State::errored;
    const auto told = read_followed(write_event(1, event));
    ASSERT_TRUE(told);
    const auto* const heard = std::get_if<supervise::Event>(&*told);
    ASSERT_NE(heard, nullptr);
    EXPECT_EQ(heard->number, 9U);
    EXPECT_EQ(heard->to, supervise::State::errored);

    const auto unknown = read_followed(R"({"id":1,"news":{}})");
    ASSERT_TRUE(unknown);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(*unknown));
}

TEST(ControlCodecTest, SaysWhereARequestIsWrong) {
    const auto why = [](std::string_view line) {
        const auto read = read_request(line);
        return read ? std::string("nothing") : read.error().message();
    };
    const std::string begin = "a request is not understood: ";

    EXPECT_EQ(why("GET / HTTP/1.1\r"), begin + "it is no JSON");
    EXPECT_EQ(why(""), begin + "it is no JSON");
    EXPECT_EQ(why("[]"), begin + "it is no object");
    EXPECT_EQ(why(R"({"id":-1})"), begin + "id is no whole number in its range");
    EXPECT_EQ(why(R"({"call":7})"), begin + "call is no text");
    EXPECT_EQ(why(R"({"order":{"kind":"explode"}})"), begin + "order.kind is not known: explode");
    EXPECT_EQ(
        why(R"({"apps":[{"restart":{"max":4294967296}}]})"),
        begin + "apps.restart.max is out of range: 4294967296"
    );
    EXPECT_EQ(why(R"({"id":1,"later":true})"), "nothing");
}

TEST(ControlCodecTest, ADumpThatIsDamagedIsRefused) {
    for (const char* text : {"", "{", "{}", R"({"apps":{}})", R"({"apps":[7]})"}) {
        const auto read = read_apps(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code(), Errc::corrupted) << text;
    }
}

}  // namespace
}  // namespace tranter::control

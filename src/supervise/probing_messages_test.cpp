#include "supervise/notify_socket.hpp"
#include "supervise/test_probing.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Kinds of probes to which the program says something by itself: notify, ipc, descriptor, log_line.
namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

/// What stands before scripts that say something by sd_notify(3).
constexpr const char* say_in_python =
    "import os, socket, sys, time\n"
    "place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "place.connect(os.environ['NOTIFY_SOCKET'].replace('@', chr(0)))\n"
    "say = lambda text: place.send(text)\n";

class NotifyTest : public ProbingTest {
  public:
    NotifyTest() { app.readiness.probe.kind = Probe::Kind::notify; }
    void start_python(const std::string& script) {
        start(std::vector<std::string>{"python3", "-c", say_in_python + script});
    }
};

TEST_F(NotifyTest, BelievesTheProgramThatItIsReady) {
    start_python("say(b'STATUS=warm\\nREADY=1\\n'); time.sleep(1000)");
    probing->watch_readiness();

    run_until_ready();
    run_what_is_there();

    EXPECT_EQ(ready, 1);
    EXPECT_EQ(status, "warm");
}

TEST_F(NotifyTest, RemembersWhatWasSaidBeforeAnybodyAsked) {
    start_python("say(b'READY=1'); say(b'STATUS=said'); time.sleep(1000)");
    run_until([&] { return status == "said"; });
    EXPECT_EQ(ready, 0);

    probing->watch_readiness();
    EXPECT_EQ(ready, 0);  // nobody is called back from his own call

    run_until_ready();
}

TEST_F(NotifyTest, PassesOnThatItNeedsMoreTime) {
    start_python("say(b'EXTEND_TIMEOUT_USEC=90000000'); time.sleep(1000)");

    run_until([&] { return asked_for.has_value(); });

    EXPECT_EQ(asked_for, 90s);
}

TEST(NotificationTest, ReadsHowMuchMoreTimeIsNeeded) {
    const auto read = [](std::string_view message) {
        NotifySocket::News news;
        take_notification(message, news);
        return news.more_time;
    };
    EXPECT_EQ(read("STATUS=EXTEND_TIMEOUT_USEC=1\nEXTEND_TIMEOUT_USEC=1500"), 1500us);
    EXPECT_EQ(read("EXTEND_TIMEOUT_USEC=0"), 0us);
    for (const char* most :
         {"86400000000", "86400000001", "18446744073709551615", "999999999999999999999999"})
        EXPECT_EQ(read(std::string("EXTEND_TIMEOUT_USEC=") + most), 24h) << most;
    for (const char* wrong :
         {"", "-1", "+1", " 1", "1s", "1 ", "infinity", "99999999999999999999x"})
        EXPECT_EQ(read(std::string("EXTEND_TIMEOUT_USEC=") + wrong), std::nullopt) << wrong;
}

TEST_F(NotifyTest, BelievesADescendantThatHasLostItsParent) {
    start_python(
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        while os.getppid() == os.getpgrp(): time.sleep(0.01)\n"
        "        say(b'READY=1')\n"
        "        time.sleep(1000)\n"
        "    os._exit(0)\n"
        "os.wait(); time.sleep(1000)\n"
    );
    probing->watch_readiness();

    run_until_ready();
}

TEST_F(NotifyTest, DoesNotBelieveStrangers) {
    start_python(
        "print(os.environ['NOTIFY_SOCKET'], flush=True); sys.stdin.read();"
        "say(b'STATUS=mine'); time.sleep(1000)"
    );
    probing->watch_readiness();
    const std::string path = read_line();
    const Descriptor stranger(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());

    const std::string lie = "READY=1\nSTATUS=lie";
    ASSERT_EQ(
        ::sendto(
            stranger.get(),
            lie.data(),
            lie.size(),
            0,
            reinterpret_cast<sockaddr*>(&address),
            sizeof address
        ),
        static_cast<ssize_t>(lie.size())
    );

    run_until([&] { return status == "mine"; });
    EXPECT_EQ(ready, 0);
}

TEST_F(NotifyTest, OutlivesWhateverIsSaid) {
    start_python(
        "import random\n"
        "random.seed(7)\n"
        "for i in range(2000):\n"
        "    text = bytes(random.randrange(256) for _ in range(random.randrange(60)))\n"
        "    say(random.choice([b'', b'READY=', b'STATUS=', b'READY=1x', b'\\n\\n=']) + text)\n"
        "say(b'READY=1\\n' + b'x' * 5000)\n"
        "say(b'STATUS=\\x1b[31m' + b'y' * 3000)\n"
        "time.sleep(1000)\n"
    );
    probing->watch_readiness();

    run_until([&] { return status.starts_with("\\u001b[31myyy"); });

    EXPECT_EQ(ready, 0);
    EXPECT_LT(status.size(), 1100U);
}

TEST_F(NotifyTest, ClosesDescriptorsThatAreSentToItForWhichSystemdNotifyWaits) {
    start_python(
        "ours, its = os.pipe()\n"
        "say(b'READY=1')\n"
        "socket.send_fds(place, [b'BARRIER=1'], [its])\n"
        "os.close(its)\n"
        "os.read(ours, 1)\n"
        "say(b'STATUS=done')\n"
        "time.sleep(1000)\n"
    );
    probing->watch_readiness();

    run_until([&] { return status == "done"; });

    EXPECT_EQ(ready, 1);
}

TEST_F(NotifyTest, WorksWhereASocketHasNoPlaceInTheFileSystem) {
    app.limits.group = std::to_string(::getegid());
    start_python(
        "print(os.environ['NOTIFY_SOCKET'][0], flush=True); say(b'READY=1');"
        "time.sleep(1000)"
    );
    probing->watch_readiness();

    EXPECT_EQ(read_line(), "@");
    run_until_ready();
}

TEST_F(NotifyTest, HandsOnNothingThatOthersHaveSaidToUs) {
    environment = {
        "NOTIFY_SOCKET=/run/ours",
        "WATCHDOG_USEC=1",
        "LISTEN_FDS=2",
        "NODE_CHANNEL_FD=9",
        "KEPT=1"};
    app.readiness.probe.kind = Probe::Kind::log_line;
    start(
        "echo ${NOTIFY_SOCKET-none} ${WATCHDOG_USEC-none} ${LISTEN_FDS-none} "
        "${NODE_CHANNEL_FD-none} $KEPT"
    );

    EXPECT_EQ(read_line(), "none none none none 1");
}

/// Time that passes when a test says so.
class StoppedClock final : public Clock {
  public:
    Instant now() const override { return time; }
    Instant time = Instant(1h);
};

class WatchdogTest : public NotifyTest {
  public:
    WatchdogTest() {
        app.readiness.probe.kind = Probe::Kind::none;
        app.liveness = {.kind = Probe::Kind::notify, .period = 10s, .failures_max = 3};
        loop.emplace(stopped);
    }
    void pass(Duration time) {
        stopped.time += time;
        run_what_is_there();
    }
    StoppedClock stopped;
};

TEST_F(WatchdogTest, MissesAWordThatDoesNotComeForTooLong) {
    start_python(
        "assert os.environ['WATCHDOG_USEC'] == '10000000'\n"
        "say(b'STATUS=first')\n"
        "os.read(0, 1)\n"
        "time.sleep(1000)\n"
    );
    probing->watch_liveness();
    run_until([&] { return status == "first"; });

    pass(30s - 1ms);
    EXPECT_TRUE(failures.empty());
    pass(1ms);

    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0], "it did not say WATCHDOG=1 for 30s");
}

TEST_F(WatchdogTest, GoesOnWithEachWord) {
    start_python(
        "say(b'STATUS=0')\n"
        "os.kill(os.getpid(), 19)\n"
        "say(b'WATCHDOG=1\\nSTATUS=1')\n"
        "os.kill(os.getpid(), 19)\n"
        "say(b'STOPPING=1\\nSTATUS=2')\n"
        "time.sleep(1000)\n"
    );
    probing->watch_liveness();
    run_until([&] { return status == "0"; });
    pass(29s);
    keeper->tell(Keeper::Order::signal_leader, SIGCONT);
    run_until([&] {
        // It may not have stopped yet when it was told to go on.
        keeper->tell(Keeper::Order::signal_leader, SIGCONT);
        return status == "1" || status == "2";
    });
    EXPECT_TRUE(failures.empty());
    pass(29s);
    EXPECT_TRUE(failures.empty());
    run_until([&] {
        keeper->tell(Keeper::Order::signal_leader, SIGCONT);
        return status == "2";
    });

    pass(1000s);
    EXPECT_TRUE(failures.empty());  // it has said that it is about to end
}

TEST_F(WatchdogTest, BelievesTheProgramThatItIsNotWell) {
    start_python("say(b'WATCHDOG=trigger'); time.sleep(1000)");
    probing->watch_liveness();

    run_until_failed();

    EXPECT_EQ(failures[0], "it said that it is not well");
}

TEST_F(WatchdogTest, ReadsWhatIsWaitingBeforeItMissesAnything) {
    // More than the loop takes notice of before it looks at the time.
    std::vector<process::Pipe> others;
    for (int i = 0; i < 100; ++i) {
        auto pipe = process::Pipe::make();
        ASSERT_TRUE(pipe);
        ASSERT_EQ(::write(pipe->write.get(), "x", 1), 1);
        loop->watch(pipe->read.get(), [] {});
        others.push_back(std::move(*pipe));
    }
    start_python("say(b'WATCHDOG=1'); print('said', flush=True); time.sleep(1000)");
    probing->watch_liveness();
    ASSERT_EQ(read_line(), "said");

    pass(1000s);

    EXPECT_TRUE(failures.empty());
    for (const process::Pipe& pipe : others)
        loop->unwatch(pipe.read.get());
}

class ChannelTest : public ProbingTest {
  public:
    ChannelTest() { app.readiness.probe.kind = Probe::Kind::ipc; }
};

TEST_F(ChannelTest, IsThatOfNode) {
    if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node";
    start(std::vector<std::string>{
        "node",
        "-e",
        "process.send({some: 'object'}); process.send('ready'); process.send('x'.repeat(300000));"
        "process.on('message', m => { console.log(m); process.exit(m === 'shutdown' ? 7 : 8); })"});
    probing->watch_readiness();

    run_until_ready();
    EXPECT_TRUE(probing->send_shutdown());
    std::optional<Keeper::Report> report;
    run_until([&] {
        report = keeper->read();
        return report.has_value();
    });

    EXPECT_EQ(report->ending, (Ending{.code = 7}));
    EXPECT_EQ(ready, 1);
    EXPECT_EQ(read_line(), "shutdown");
}

TEST_F(ChannelTest, IsThereForEveryAppOfNode) {
    app.readiness.probe.kind = Probe::Kind::log_line;
    app.command = {"/usr/local/bin/node", "app.js"};
    ASSERT_EQ(trouble(), "");
    process::SpawnOptions program;
    probing->prepare(program);
    EXPECT_EQ(program.descriptors.size(), 1U);

    app.command = {"nodemon"};
    ASSERT_EQ(trouble(), "");
    process::SpawnOptions other;
    probing->prepare(other);
    EXPECT_TRUE(other.descriptors.empty());
    EXPECT_FALSE(probing->send_shutdown());
}

TEST_F(ChannelTest, DropsWhateverElseIsSaid) {
    start(
        "printf '\\n\\n{\"cmd\":\"NODE_HANDLE\"}\\n\"ready\\n ready\\n\"ready\"x\\n\"READY\"\\n' "
        ">&3;"
        "head -c 1000000 /dev/zero >&3; printf '\"ready\"\\n' >&3; echo dropped;"
        "printf '\"ready\"\\n' >&3; sleep 1000"
    );
    probing->watch_readiness();

    // The million bytes are a line that is read to its end.
    run_until_ready();

    EXPECT_EQ(read_line(), "dropped");
}

TEST_F(ChannelTest, MayBeClosed) {
    start("exec 3>&-; echo closed; sleep 1000");
    probing->watch_readiness();
    ASSERT_EQ(read_line(), "closed");

    run_until([&] { return !probing->send_shutdown(); });

    EXPECT_EQ(ready, 0);
}

class DescriptorTest : public ProbingTest {
  public:
    DescriptorTest() {
        app.readiness.probe.kind = Probe::Kind::descriptor;
        app.readiness.probe.target = "4";
    }
};

TEST_F(DescriptorTest, WaitsForANewline) {
    start(
        "printf 'not yet' >&4; echo said; read _; head -c 200000 /dev/zero >&4; echo >&4;"
        "head -c 200000 /dev/zero >&4; echo more >&4; echo over; sleep 1000"
    );
    probing->watch_readiness();

    run_until_ready();
    EXPECT_EQ(read_line(), "said");
    run_until([&] {
        pollfd said{.fd = output.get(), .events = POLLIN, .revents = 0};
        return ::poll(&said, 1, 0) == 1;
    });

    EXPECT_EQ(read_line(), "over");
    EXPECT_EQ(ready, 1);
}

TEST_F(DescriptorTest, StandsBesideTheChannelOfNode) {
    app.readiness.probe.target = "3";
    app.stop.by_message = true;
    start("echo $NODE_CHANNEL_FD; echo >&3; read line <&4; echo \"$line\"; sleep 1000");
    probing->watch_readiness();

    run_until_ready();

    EXPECT_EQ(read_line(), "4");
    EXPECT_TRUE(probing->send_shutdown());
    EXPECT_EQ(read_line(), "\"shutdown\"");
}

TEST_F(DescriptorTest, HasToBeANumber) {
    for (const char* wrong : {"", "2", "x", "3x", "100", "-4", "99999999999"}) {
        app.readiness.probe.target = wrong;
        EXPECT_NE(trouble(), "") << wrong;
    }
}

class LogLineTest : public ProbingTest {
  public:
    LogLineTest() {
        app.readiness.probe.kind = Probe::Kind::log_line;
        app.readiness.probe.target = "listening on \\d+{number}$";
    }
};

TEST_F(LogLineTest, MatchesAnExpressionWithTheNumberOfTheInstance) {
    ASSERT_EQ(trouble(), "");
    probing->watch_readiness();

    probing->see_line("listening on 8002");
    probing->see_line(std::string(5000, 'x') + "listening on 8003");
    run_what_is_there();
    EXPECT_EQ(ready, 0);
    probing->see_line("now listening on 8003");
    probing->see_line("now listening on 8003");
    run_what_is_there();

    EXPECT_EQ(ready, 1);
}

TEST_F(LogLineTest, MayMatchBeforeAnybodyAsks) {
    ASSERT_EQ(trouble(), "");
    probing->see_line("listening on 8003");

    probing->watch_readiness();
    run_what_is_there();

    EXPECT_EQ(ready, 1);
}

TEST_F(LogLineTest, HasToBeAnExpression) {
    app.readiness.probe.target = "(";
    EXPECT_EQ(trouble(), "regular expression '(', character 2: a ( has no ) after it");
}

TEST_F(LogLineTest, DoesNotTellWhetherAnAppIsStillWell) {
    app.liveness.kind = Probe::Kind::log_line;
    EXPECT_EQ(
        trouble(),
        "kind log_line cannot tell whether an app is still well; notify, tcp, http and exec can"
    );
}

}  // namespace
}  // namespace tranter::supervise

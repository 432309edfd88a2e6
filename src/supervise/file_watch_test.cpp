#include "supervise/file_watch.hpp"

#include "base/descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The kernel tells a change before the call that made it returns, so nothing is waited for but the
/// quiet time, which passes when a test says so.
class FileWatchTest : public ::testing::Test {
  public:
    class Time final : public Clock {
      public:
        Instant now() const override { return now_; }
        Instant now_ = Instant(1h);
    };

    FileWatchTest() {
        if (::mkdtemp(root.data()) == nullptr) ADD_FAILURE() << "no folder can be made";
    }
    ~FileWatchTest() override {
        watch.reset();
        std::filesystem::remove_all(root);
    }

    std::string in(const std::string& name) const { return root + "/" + name; }
    void write(const std::string& name) const { std::ofstream(in(name)) << "content"; }
    void make_folder(const std::string& name) const {
        std::filesystem::create_directories(in(name));
    }
    void move(const std::string& from, const std::string& to) const {
        std::filesystem::rename(in(from), in(to));
    }

    void start(std::vector<std::string> paths, std::vector<std::string> ignored = {}) {
        auto made = FileWatch::make(
            {.loop = loop,
             .paths = std::move(paths),
             .ignored = std::move(ignored),
             .quiet = 200ms,
             .changed =
                 [this](const std::string& path) {
                     told.push_back(path);
                 }}
        );
        ASSERT_TRUE(made) << made.error().message();
        watch = std::move(*made);
    }
    std::string trouble(std::vector<std::string> paths, std::vector<std::string> ignored = {}) {
        const auto made =
            FileWatch::make({.loop = loop, .paths = std::move(paths), .ignored = std::move(ignored)}
            );
        return made ? "" : made.error().message();
    }
    void pass(Duration time) {
        clock.now_ += time;
        // What is in the queue may take several rounds.
        for (int i = 0; i < 100; ++i)
            loop.run_once(clock.now_);
    }
    /// What was told after some quiet.
    std::vector<std::string> changes() {
        pass({});
        pass(200ms);
        return std::exchange(told, {});
    }

    Time clock;
    EventLoop loop = EventLoop(clock);
    std::string root = "/tmp/tranter-watch-XXXXXX";
    std::unique_ptr<FileWatch> watch;
    std::vector<std::string> told;
};

TEST_F(FileWatchTest, TellsWhatHappensToFilesAtAnyDepth) {
    make_folder("a/b");
    write("a/b/old");
    start({root});

    write("new");
    EXPECT_THAT(changes(), ElementsAre(in("new")));
    write("a/b/old");
    EXPECT_THAT(changes(), ElementsAre(in("a/b/old")));
    move("a/b/old", "a/moved");
    EXPECT_THAT(changes(), ElementsAre(in("a/b/old")));
    std::filesystem::remove(in("a/moved"));
    EXPECT_THAT(changes(), ElementsAre(in("a/moved")));
    EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(FileWatchTest, TellsOnceWhatChangesTogether) {
    start({root});

    write("first");
    pass(0ms);
    pass(199ms);
    write("second");
    pass(0ms);
    pass(199ms);
    EXPECT_THAT(told, IsEmpty());
    pass(1ms);

    EXPECT_THAT(std::exchange(told, {}), ElementsAre(in("first")));
    EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(FileWatchTest, FollowsNewDirectoriesAndLosesThoseThatGo) {
    start({root});
    make_folder("new/deep");
    EXPECT_THAT(changes(), ElementsAre(in("new")));
    write("new/deep/file");
    EXPECT_THAT(changes(), ElementsAre(in("new/deep/file")));

    move("new", "other");
    changes();
    write("other/deep/file");
    EXPECT_THAT(changes(), ElementsAre(in("other/deep/file")));

    std::string outside = "/tmp/tranter-outside-XXXXXX";
    ASSERT_NE(::mkdtemp(outside.data()), nullptr);
    std::filesystem::rename(in("other"), outside + "/other");
    EXPECT_THAT(changes(), ElementsAre(in("other")));
    std::ofstream(outside + "/other/deep/file") << "x";
    EXPECT_THAT(changes(), IsEmpty());
    std::filesystem::rename(outside + "/other", in("back"));
    changes();
    write("back/deep/file");
    EXPECT_THAT(changes(), ElementsAre(in("back/deep/file")));
    std::filesystem::remove_all(outside);
}

TEST_F(FileWatchTest, LeavesOutWhatDoesNotCount) {
    for (const char* folder : {"node_modules", ".git", "logs/old", "src/gen", "src/lib", "tmp1"})
        make_folder(folder);
    start({root}, {"*.log", "logs/**", root + "/src/gen", "re:^tmp\\d$", "./src/lib/*.map"});

    for (const char* quiet :
         {"node_modules/x",
          ".git/x",
          ".env",
          "server.log",
          "src/lib/a.log",
          "logs/old/x",
          "src/gen/x",
          "tmp1/x",
          "src/lib/a.map"})
        write(quiet);
    make_folder("tmp2");
    write("tmp2/x");
    EXPECT_THAT(changes(), IsEmpty());

    for (const std::string loud : {"src/lib/a.js", "tmp12", "logs1", "src/a.map"}) {
        write(loud);
        EXPECT_THAT(changes(), ElementsAre(in(loud)));
    }
}

TEST_F(FileWatchTest, TakesNoNoticeOfALogThatIsKeptOpen) {
    write("app.out");
    const Descriptor log(::open(in("app.out").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    start({root});

    ASSERT_EQ(::write(log.get(), "line\n", 5), 5);

    EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(FileWatchTest, WatchesSingleFilesHoweverTheyAreWritten) {
    make_folder(".hidden");
    write(".hidden/config");
    write(".hidden/other");
    start({in(".hidden/config"), root + "/.hidden/../.hidden/config"});

    write(".hidden/other");
    EXPECT_THAT(changes(), IsEmpty());
    write(".hidden/config");
    EXPECT_THAT(changes(), ElementsAre(in(".hidden/config")));
    // As editors do.
    write(".hidden/config.new");
    move(".hidden/config.new", ".hidden/config");
    EXPECT_THAT(changes(), ElementsAre(in(".hidden/config")));
    write(".hidden/config");
    EXPECT_THAT(changes(), ElementsAre(in(".hidden/config")));
}

TEST_F(FileWatchTest, FindsARootThatWasReplacedAgain) {
    make_folder("src/deep");
    start({in("src")});

    std::filesystem::remove_all(in("src"));
    EXPECT_THAT(changes().size(), 1U);
    make_folder("src/deep");
    EXPECT_THAT(changes(), ElementsAre(in("src")));
    write("src/deep/file");
    EXPECT_THAT(changes(), ElementsAre(in("src/deep/file")));

    make_folder("release/deep");
    EXPECT_THAT(changes(), IsEmpty());
    std::filesystem::remove_all(in("src"));
    changes();
    std::filesystem::create_directory_symlink(in("release"), in("src"));
    EXPECT_THAT(changes(), ElementsAre(in("src")));
    write("release/deep/file");
    EXPECT_THAT(changes(), ElementsAre(in("src/deep/file")));
}

TEST_F(FileWatchTest, DoesNotFollowLinksBelow) {
    make_folder("src");
    make_folder("elsewhere");
    std::filesystem::create_directory_symlink(in("elsewhere"), in("src/link"));
    std::filesystem::create_directory_symlink(in("src"), in("src/circle"));
    start({in("src")});

    write("elsewhere/file");

    EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(FileWatchTest, TakesALostMemoryForAChangeAndLooksAgain) {
    write("one");
    write("two");
    start({root});
    std::size_t limit = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
    ASSERT_GT(limit, 0U);
    if (limit > 100'000) GTEST_SKIP() << "the queue of the kernel is very long";

    // Equal events that follow each other are one.
    for (std::size_t i = 0; i < limit; i += 2) {
        const Descriptor one(::open(in("one").c_str(), O_WRONLY | O_CLOEXEC));
        const Descriptor two(::open(in("two").c_str(), O_WRONLY | O_CLOEXEC));
    }
    make_folder("unseen");
    for (std::size_t i = 0; i < limit / 100; ++i)
        pass(0ms);
    EXPECT_EQ(changes().size(), 1U);
    write("unseen/file");

    EXPECT_THAT(changes(), ElementsAre(in("unseen/file")));
}

TEST_F(FileWatchTest, SaysWhatCannotBeWatched) {
    EXPECT_EQ(trouble({in("nothing")}), "there is no file '" + in("nothing") + "' to watch");
    EXPECT_THAT(trouble({root}, {"re:("}), HasSubstr("regular expression"));
    EXPECT_EQ(trouble({root}), "");
}

TEST_F(FileWatchTest, SaysThatThereAreNoDescriptors) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit few = before;
    {
        const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        few.rlim_cur = static_cast<rlim_t>(next.get());
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const std::string text = trouble({root});
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

    EXPECT_EQ(text, "files cannot be watched: Too many open files");
}

TEST_F(FileWatchTest, MayBeEndedByWhomItTells) {
    auto made =
        FileWatch::make({.loop = loop, .paths = {root}, .changed = [this](const auto& path) {
                             watch.reset();
                             told.push_back(path);
                         }});
    ASSERT_TRUE(made);
    watch = std::move(*made);

    write("file");
    EXPECT_THAT(changes(), ElementsAre(in("file")));
    write("file");
    EXPECT_THAT(changes(), IsEmpty());
}

}  // namespace
}  // namespace tranter::supervise

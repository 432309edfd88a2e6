#include "supervise/own_files.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <string>

namespace tranter::supervise {
namespace {

App logging_app() {
    App out{.name = "api"};
    out.logs.output = "/srv/app/logs/{number}/out-{number}.log";
    out.logs.errors = "/srv/app/./errors.log";
    out.pid_file = "/srv/app/api-{number}.pid";
    return out;
}

bool has(const OwnFiles& files, const std::string& path, bool is_folder = false) {
    return files.has(path, is_folder, {"/srv/app"});
}

TEST(OwnFilesTest, KnowsLogsPidFilesAndWhatWasRotated) {
    OwnFiles files({});
    files.put(logging_app());

    for (const char* path :
         {"/srv/app/logs/0/out-0.log",
          "/srv/app/logs/12/out-12.log.3",
          "/srv/app/logs/0/out-0.log.1.gz",
          "/srv/app/errors.log",
          "/srv/app/errors.log.10",
          "/srv/app/api-0.pid"})
        EXPECT_TRUE(has(files, path)) << path;
    for (const char* path :
         {"/srv/app/logs/a/out-0.log",
          "/srv/app/logs/0/out-.log",
          "/srv/app/errors.log.old",
          "/srv/app/errors.log.",
          "/srv/app/errors.log.1.gz.new",
          "/srv/app/errors.logs",
          "/srv/app/api-0.pid.1",
          "/srv/app/main.js",
          "/other/errors.log"})
        EXPECT_FALSE(has(files, path)) << path;
    files.remove("api");
    EXPECT_FALSE(has(files, "/srv/app/errors.log"));
}

TEST(OwnFilesTest, KnowsFoldersThatAreThereForThem) {
    OwnFiles files({});
    files.put(logging_app());

    EXPECT_TRUE(has(files, "/srv/app/logs", true));
    EXPECT_TRUE(has(files, "/srv/app/logs/7", true));
    EXPECT_FALSE(has(files, "/srv/app/logs/old", true));
    EXPECT_FALSE(has(files, "/srv/app/src", true));
    EXPECT_FALSE(has(files, "/srv/app/logs", false));
}

TEST(OwnFilesTest, APlaceCountsUnlessSomebodyWatchesIt) {
    const OwnFiles files({"/srv/home", "/srv/home/logs", "/srv/home/state.json"});

    EXPECT_TRUE(files.has("/srv/home/data/x", false, {"/srv"}));
    EXPECT_TRUE(files.has("/srv/home", true, {"/srv"}));
    EXPECT_FALSE(files.has("/srv/homes", false, {"/srv"}));
    EXPECT_FALSE(files.has("/srv/home/data/x", false, {"/srv/home"}));
    EXPECT_FALSE(files.has("/srv/home/data/x", false, {"/srv", "/srv/home/data"}));
    EXPECT_TRUE(files.has("/srv/home/logs/x", false, {"/srv/home"}));
    EXPECT_TRUE(files.has("/srv/home/state.json", false, {"/srv/home"}));
}

TEST(OwnFilesTest, KnowsThemByTheirPathWithoutLinks) {
    std::string folder = "/tmp/tranter-own-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    std::filesystem::create_directory(folder + "/real");
    std::filesystem::create_directory_symlink(folder + "/real", folder + "/link");
    App app{.name = "api"};
    app.logs.output = folder + "/link/logs/out.log";
    OwnFiles files({});
    files.put(app);

    EXPECT_TRUE(has(files, folder + "/real/logs/out.log"));
    EXPECT_TRUE(has(files, folder + "/link/logs/out.log"));

    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tranter::supervise

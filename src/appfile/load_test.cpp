#include "appfile/test_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tranter::appfile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LoadTest : public FolderTest {
  public:
    LoadTest() { put("run.sh", "x\n"); }

    std::vector<std::string> names_of(const std::string& file, const std::string& text) {
        const auto loaded = load_file(file, text);
        std::vector<std::string> names;
        if (!loaded) return {"error: " + loaded.error().message()};
        for (const supervise::App& app : loaded->apps)
            names.push_back(app.name);
        remarks = loaded->remarks;
        return names;
    }
};

TEST_F(LoadTest, TellsFilesByTheirNames) {
    for (const char* name :
         {"ecosystem.config.js",
          "a.config.cjs",
          "x/b.config.mjs",
          "apps.json",
          "ecosystem.config.json",
          "p.yml",
          "p.yaml",
          "Procfile",
          "/srv/Procfile.dev"})
        EXPECT_TRUE(is_app_file(name)) << name;
    for (const char* name : {"tranter.toml", "app.js", "run.sh", "web", "json", ""})
        EXPECT_FALSE(is_app_file(name)) << name;
}

/// Trying all numbers again for each would take minutes.
TEST_F(LoadTest, NamesThousandsOfAppsOfOneName) {
    std::string text = "[{script: 'run.sh', name: 'run-3'},";
    for (int i = 0; i < 20'000; ++i)
        text += "{script: 'run.sh'},";

    const auto names = names_of("a.json", text + "]");

    ASSERT_EQ(names.size(), 20'001U);
    EXPECT_THAT(std::span(names).first(4), ElementsAre("run-3", "run", "run-2", "run-4"));
    EXPECT_EQ(names.back(), "run-20001");
}

TEST_F(LoadTest, ReadsEveryForm) {
    EXPECT_THAT(names_of("a.json", "/* c */ {apps: [{script: 'run.sh'}]}"), ElementsAre("run"));
    EXPECT_THAT(names_of("a.json", "[{script: 'run.sh', name: 'a'}]"), ElementsAre("a"));
    EXPECT_THAT(names_of("a.json", "{script: 'run.sh', name: 'b'}"), ElementsAre("b"));
    EXPECT_THAT(names_of("a.json", "{apps: {script: 'run.sh', name: 'c'}}"), ElementsAre("c"));
    EXPECT_THAT(names_of("a.json", "{pm2: [{script: 'run.sh', name: 'd'}]}"), ElementsAre("d"));
    EXPECT_THAT(names_of("a.yaml", "apps:\n  - script: run.sh\n    name: e\n"), ElementsAre("e"));
    EXPECT_THAT(
        names_of("a.config.js", "module.exports = {apps: [{script: 'run.sh', name: 'f'}]}"),
        ElementsAre("f")
    );
    EXPECT_THAT(
        names_of("a.config.mjs", "export default {apps: [{script: 'run.sh', name: 'g'}]}"),
        ElementsAre("g")
    );
    EXPECT_THAT(names_of("Procfile", "web: x\nworker: y\n"), ElementsAre("web", "worker"));
}

TEST_F(LoadTest, SaysWhereAFileIsWrong) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"{apps: [", "a.json:1:9: a value is missing in front of the end of the file"},
        {"{apps: []}", "a.json: has no apps, write apps: [...]"},
        {"{apps: ['x']}", "a.json: apps[0]: is 'x', write an object like { script: \"app.js\" }"},
        {"5", "a.json: app: is 5, write an object like { script: \"app.js\" }"},
        {"{apps: [\n{script: 'run.sh',\nport: 'x'}]}",
         "a.json:3: apps[0].port: is 'x', write a whole number from 0 to 65535"},
        {"\xff", "a.json: is not UTF-8 text, save it as that"},
    };
    for (const auto& [text, error] : cases) {
        const auto loaded = load_file("a.json", text);
        ASSERT_FALSE(loaded) << text;
        EXPECT_EQ(loaded.error().code(), Errc::invalid_argument);
        EXPECT_EQ(loaded.error().message(), folder + "/" + error);
    }

    options.path = folder + "/missing.json";
    EXPECT_EQ(load(options).error().code(), Errc::not_found);
    options.path = folder + "/run.sh";
    EXPECT_THAT(load(options).error().message(), HasSubstr("is no file of apps by its name"));
}

TEST_F(LoadTest, GivesEachAppANameOfItsOwn) {
    EXPECT_THAT(
        names_of("a.json", "[{script: 'run.sh'}, {script: 'run.sh'}, {script: 'run.sh'}]"),
        ElementsAre("run", "run-2", "run-3")
    );
    EXPECT_EQ(remarks.size(), 2U);
}

TEST_F(LoadTest, CompletesOnlyOnce) {
    supervise::App app{.name = "a"};
    app.environment = {{"A", "1"}};
    app.hidden_variables = {"KEY"};
    app.logs.errors = "/dev/null";

    complete(app, {"A=2", "B=3=4", "MY_KEY=5", "=x", "y"}, "/logs");
    const supervise::App once = app;
    complete(app, {"A=2", "B=9"}, "/logs");

    EXPECT_THAT(once.environment, ElementsAre(std::pair("A", "1"), std::pair("B", "3=4")));
    EXPECT_EQ(app.environment, once.environment);
    EXPECT_EQ(once.logs.output, "/logs/a-out.log");
    EXPECT_EQ(once.logs.errors, "");
}

TEST_F(LoadTest, ReadsProcfiles) {
    options.formation = {{"worker", 3}, {"clock", 0}};

    const auto loaded = load_file(
        "Procfile",
        "# comment\nweb: npm start --port $PORT\n\nworker:  ./run.sh 'a b' c\nclock: FOO=1 node "
        "c.js\n"
    );

    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto& apps = loaded->apps;
    ASSERT_EQ(apps.size(), 3U);
    EXPECT_THAT(apps[0].command, ElementsAre("bash", "-c", "npm start --port $PORT"));
    EXPECT_EQ(variable(apps[0], "PORT"), "5000");
    EXPECT_THAT(apps[1].command, ElementsAre("./run.sh", "a b", "c"));
    EXPECT_EQ(variable(apps[1], "PORT"), "5100");
    EXPECT_EQ(apps[1].increment_variable, "PORT");
    EXPECT_EQ(apps[1].instances, 3U);
    EXPECT_EQ(apps[1].directory, folder);
    EXPECT_THAT(apps[2].command, ElementsAre("bash", "-c", "FOO=1 node c.js"));
    EXPECT_FALSE(apps[2].starts_by_itself);
}

TEST_F(LoadTest, SaysWhereAProcfileIsWrong) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "Procfile: has no entries, write NAME: COMMAND"},
        {"web: a\nnothing\n", "Procfile:2: has no colon, write NAME: COMMAND"},
        {"a b: c", "Procfile:1: 'a b' is no name, use letters, digits, - and _"},
        {"web:", "Procfile:1: web has no command"},
        {"web: a\nweb: b", "Procfile:2: web stands here twice"},
    };
    for (const auto& [text, error] : cases)
        EXPECT_EQ(load_file("Procfile", text).error().message(), folder + "/" + error);
    options.formation = {{"wed", 2}};
    EXPECT_THAT(load_file("Procfile", "web: a").error().message(), HasSubstr("did you mean web?"));
}

}  // namespace
}  // namespace tranter::appfile

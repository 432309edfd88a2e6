#include "cli/job_session.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

class ChooseProviderTest : public testing::Test {
  public:
    ChooseProviderTest()
        : file_(
              std::filesystem::temp_directory_path() /
              ("tranter-provider-" + std::to_string(::getpid()) + ".toml")
          ) {}
    ~ChooseProviderTest() override { std::filesystem::remove(file_); }
    ChooseProviderTest(const ChooseProviderTest&) = delete;
    ChooseProviderTest& operator=(const ChooseProviderTest&) = delete;

  protected:
    using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

    static Result<std::string> choose(Values values) {
        return choose_provider(Arguments(std::move(values)));
    }

    std::string file_with(std::string_view text) const {
        std::ofstream(file_) << text;
        return file_.string();
    }

  private:
    std::filesystem::path file_;
};

TEST_F(ChooseProviderTest, IsTheServerOfThisMachineWhenNobodySays) {
    const std::string file = file_with("[server]\ndata = \"x\"\n");

    EXPECT_EQ(choose({}).value(), "http://127.0.0.1:9325");
    EXPECT_EQ(choose({{"config", {file}}}).value(), "http://127.0.0.1:9325");
}

TEST_F(ChooseProviderTest, IsWhatTheFileSaysUnlessItIsGiven) {
    const std::string file = file_with("provider = \"file:/var/lib/mail\"\n");

    EXPECT_EQ(choose({{"config", {file}}}).value(), "file:/var/lib/mail");
    EXPECT_EQ(choose({{"config", {file}}, {"provider", {"memory:"}}}).value(), "memory:");
}

TEST_F(ChooseProviderTest, AFileThatIsNoneIsUsage) {
    const std::string wrong = file_with("provider = 3\n");

    for (const std::string& file : {std::string("/nonexistent.toml"), wrong}) {
        const auto refused = choose({{"config", {file}}});
        ASSERT_FALSE(refused) << file;
        EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace tranter::cli

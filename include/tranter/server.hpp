#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tranter {

/// What an acknowledged change survives: `sync` a power loss, `os` the end of the process, `none`
/// nothing.
enum class Durability : std::uint8_t { none, os, sync };

struct EmbeddedServerOptions {
    std::string address = "127.0.0.1";  // an IP address; only loopback ones are accepted
    std::uint16_t port = 0;             // 0: any free port
    unsigned threads = 1;
    bool strict_limits = true;  // the limits of Amazon SQS apply
    bool auto_create = false;   // a queue is made when it is first used by name
    /// Where queues and messages are kept, for one process at a time; made when it does not exist.
    /// Empty, or with Durability::none: in memory.
    std::string data_directory{};
    Durability durability = Durability::sync;
};

/// An SQS endpoint inside this process, for tests and small programs, without authentication. Any
/// SDK talks to it at url(). Without a data directory it is empty at its start.
class EmbeddedServer {
  public:
    /// Listens and serves when it returns. Throws std::runtime_error that names the address or the
    /// data directory when that is impossible.
    explicit EmbeddedServer(const EmbeddedServerOptions& options = {});
    /// Ends long polls with an empty answer, waits a second for what is under way, makes durable
    /// what was not yet, and joins.
    ~EmbeddedServer();
    EmbeddedServer(const EmbeddedServer&) = delete;
    EmbeddedServer& operator=(const EmbeddedServer&) = delete;

    std::uint16_t port() const;
    /// "http://127.0.0.1:40213", what an SDK calls the endpoint.
    std::string url() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter

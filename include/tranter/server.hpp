#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tranter {

struct EmbeddedServerOptions {
    std::string address = "127.0.0.1";  // an IP address; only loopback ones are accepted
    std::uint16_t port = 0;             // 0: any free port
    unsigned threads = 1;
    bool strict_limits = true;  // the limits of Amazon SQS apply
    bool auto_create = false;   // a queue is made when it is first used by name
};

/// An SQS endpoint inside this process, for tests and small programs: empty at its start, in
/// memory, without authentication. Any SDK talks to it at url().
class EmbeddedServer {
  public:
    /// Listens and serves when it returns. Throws std::runtime_error that names the address when
    /// that is impossible.
    explicit EmbeddedServer(const EmbeddedServerOptions& options = {});
    /// Ends long polls with an empty answer, waits a second for what is under way, and joins.
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

#include "supervise/attempt.hpp"
#include "supervise/connecting.hpp"

#include <utility>
#include <vector>

namespace tranter::supervise {
namespace {

class TcpAttempt final : public Attempt {
  public:
    TcpAttempt(EventLoop& loop, std::vector<ProbeAddress> addresses, Done told)
        : done_(std::move(told)), connecting_(loop, std::move(addresses), [this](auto socket) {
              const Done done = std::move(done_);
              if (socket) {
                  done({});
              } else {
                  done(std::unexpected(socket.error()));
              }
          }) {}

  private:
    Done done_;
    Connecting connecting_;
};

}  // namespace

Result<Attempts> tcp_attempts(EventLoop& loop, const std::string& target) {
    auto addresses = probe_addresses(target);
    if (!addresses) return std::unexpected(addresses.error());
    return [&loop, addresses = std::move(*addresses)](Attempt::Done done) {
        return std::make_unique<TcpAttempt>(loop, addresses, std::move(done));
    };
}

}  // namespace tranter::supervise

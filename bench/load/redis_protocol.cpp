// Redis' own protocol: a list that senders push to. A batch is one LPUSH with several values.
// There is no delivery that could be lost and found again, so only sending can be compared.
#include "load/protocol.hpp"

#include <fmt/format.h>

#include <iterator>

namespace tranter::bench {
namespace {

using Length = std::expected<std::size_t, std::string>;

class RedisProtocol final : public Protocol {
  public:
    explicit RedisProtocol(const Options& options)
        : queue_(options.queue), body_(make_body(options.body_bytes)) {}

    void create(std::string& out) const override { out += "*1\r\n$4\r\nPING\r\n"; }

    void send(std::string& out, unsigned count, std::string_view stamp) const override {
        fmt::format_to(
            std::back_inserter(out),
            "*{}\r\n$5\r\nLPUSH\r\n${}\r\n{}\r\n",
            count + 2,
            queue_.size(),
            queue_
        );
        for (unsigned i = 0; i < count; ++i) {
            fmt::format_to(std::back_inserter(out), "${}\r\n", body_.size());
            out += stamp;
            out += std::string_view(body_).substr(stamp.size());
            out += "\r\n";
        }
    }

    void receive(std::string&, unsigned, unsigned) const override {}
    void remove(std::string&, std::span<const std::string_view>) const override {}

    Length read(Op op, unsigned count, std::string_view input, Answer& answer) const override {
        const auto line_end = input.find("\r\n");
        if (line_end == input.npos) return 0;
        const std::string_view line = input.substr(0, line_end);
        if (op == Op::create ? line != "+PONG" : !line.starts_with(':')) {
            return std::unexpected(fmt::format("unexpected answer: {}", line));
        }
        answer.messages = count;
        return line_end + 2;
    }

  private:
    std::string queue_;
    std::string body_;
};

}  // namespace

std::unique_ptr<Protocol> make_redis_protocol(const Options& options) {
    return std::make_unique<RedisProtocol>(options);
}

}  // namespace tranter::bench

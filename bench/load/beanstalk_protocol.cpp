// beanstalkd's text protocol, in its default tube. It has no batches: a batch of 10 is ten
// pipelined commands.
#include "load/protocol.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace tranter::bench {
namespace {

using Length = std::expected<std::size_t, std::string>;

class BeanstalkProtocol final : public Protocol {
  public:
    explicit BeanstalkProtocol(const Options& options)
        : body_(make_body(options.body_bytes)),
          // priority 0, no delay, a lease of 30 seconds as with SQS
          put_line_(fmt::format("put 0 0 30 {}\r\n", options.body_bytes)) {}

    void create(std::string& out) const override { out += "use default\r\n"; }

    void send(std::string& out, unsigned count, std::string_view stamp) const override {
        for (unsigned i = 0; i < count; ++i) {
            out += put_line_;
            out += stamp;
            out += std::string_view(body_).substr(stamp.size());
            out += "\r\n";
        }
    }

    void receive(std::string& out, unsigned max, unsigned wait_seconds) const override {
        for (unsigned i = 0; i < max; ++i) {
            fmt::format_to(std::back_inserter(out), "reserve-with-timeout {}\r\n", wait_seconds);
        }
    }

    void remove(std::string& out, std::span<const std::string_view> handles) const override {
        for (const std::string_view handle : handles) {
            fmt::format_to(std::back_inserter(out), "delete {}\r\n", handle);
        }
    }

    Length read(Op op, unsigned count, std::string_view input, Answer& answer) const override {
        std::size_t used = 0;
        const unsigned lines = op == Op::create ? 1 : count;
        for (unsigned i = 0; i < lines; ++i) {
            const Length length = read_one(op, input.substr(used), answer);
            if (!length || *length == 0) return length;
            used += *length;
        }
        return used;
    }

  private:
    static Length read_one(Op op, std::string_view input, Answer& answer) {
        const auto line_end = input.find("\r\n");
        if (line_end == input.npos) return 0;
        const std::string_view line = input.substr(0, line_end);
        if (op == Op::receive) {
            if (line == "TIMED_OUT" || line == "DEADLINE_SOON") return line_end + 2;
            return read_job(line, input, answer);
        }
        const bool done = op == Op::create ? line.starts_with("USING ")
                          : op == Op::send ? line.starts_with("INSERTED ")
                                           : line == "DELETED";
        if (!done) return std::unexpected(fmt::format("unexpected answer: {}", line));
        ++answer.messages;
        return line_end + 2;
    }

    /// `RESERVED <id> <bytes>`, then the body on its own line.
    static Length read_job(std::string_view line, std::string_view input, Answer& answer) {
        static constexpr std::string_view word = "RESERVED ";
        const auto space = line.rfind(' ');
        std::size_t bytes = 0;
        if (!line.starts_with(word) || space < word.size() ||
            std::from_chars(line.data() + space + 1, line.data() + line.size(), bytes).ec !=
                std::errc{}) {
            return std::unexpected(fmt::format("unexpected answer: {}", line));
        }
        const std::size_t total = line.size() + 2 + bytes + 2;
        if (input.size() < total) return 0;
        answer.handles.push_back(line.substr(word.size(), space - word.size()));
        answer.bodies.push_back(input.substr(line.size() + 2, bytes));
        ++answer.messages;
        return total;
    }

    std::string body_;
    std::string put_line_;
};

}  // namespace

std::unique_ptr<Protocol> make_beanstalk_protocol(const Options& options) {
    return std::make_unique<BeanstalkProtocol>(options);
}

}  // namespace tranter::bench

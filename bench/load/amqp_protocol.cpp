// AMQP 0-9-1 as RabbitMQ speaks it: a quorum queue, and a channel that confirms what it publishes.
// Only sending. The handshake goes out together with the first request of a connection, and its
// answers are skipped. A batch is several publishes; every batch of a run has the same size, so the
// delivery tags, which count from 1, say which batch a confirmation belongs to.
#include "load/protocol.hpp"

#include <fmt/format.h>

#include <bitset>

namespace tranter::bench {
namespace {

using Length = std::expected<std::size_t, std::string>;

enum class Frame : std::uint8_t { method = 1, header = 2, body = 3 };
constexpr char frame_end = '\xCE';
constexpr std::size_t frame_head_bytes = 7;

constexpr std::uint32_t method(std::uint32_t class_id, std::uint32_t method_id) {
    return class_id << 16U | method_id;
}
constexpr std::uint32_t connection_start_ok = method(10, 11);
constexpr std::uint32_t connection_tune_ok = method(10, 31);
constexpr std::uint32_t connection_open = method(10, 40);
constexpr std::uint32_t connection_close = method(10, 50);
constexpr std::uint32_t channel_open = method(20, 10);
constexpr std::uint32_t channel_close = method(20, 40);
constexpr std::uint32_t queue_declare = method(50, 10);
constexpr std::uint32_t queue_declare_ok = method(50, 11);
constexpr std::uint32_t basic_publish = method(60, 40);
constexpr std::uint32_t basic_ack = method(60, 80);
constexpr std::uint32_t basic_nack = method(60, 120);
constexpr std::uint32_t confirm_select = method(85, 10);

/// Appends the fields of a method or header, in network order.
class Fields {
  public:
    template <class Value>
    Fields& number(Value value) {
        for (std::size_t i = sizeof value; i-- > 0;)
            bytes_ += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
        return *this;
    }
    Fields& short_text(std::string_view text) {
        number(static_cast<std::uint8_t>(text.size()));
        bytes_ += text;
        return *this;
    }
    Fields& long_text(std::string_view text) {
        number(static_cast<std::uint32_t>(text.size()));
        bytes_ += text;
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

std::string frame(Frame type, std::uint16_t channel, std::string_view payload) {
    Fields head;
    head.number(static_cast<std::uint8_t>(type)).number(channel).long_text(payload);
    return head.bytes() + frame_end;
}

std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : bytes.substr(offset, size))
        value = value << 8U | static_cast<unsigned char>(byte);
    return value;
}

class AmqpProtocol final : public Protocol {
  public:
    explicit AmqpProtocol(const Options& options)
        : queue_(options.queue), body_(make_body(options.body_bytes)) {
        Fields publish;
        publish.number(basic_publish).number(std::uint16_t{0}).short_text("").short_text(queue_);
        publish.number(std::uint8_t{0});
        before_body_ = frame(Frame::method, 1, publish.bytes());
        Fields header;
        header.number(std::uint16_t{60}).number(std::uint16_t{0});
        header.number(std::uint64_t{options.body_bytes});
        header.number(std::uint16_t{0x1000}).number(std::uint8_t{2});  // delivery mode: persistent
        before_body_ += frame(Frame::header, 1, header.bytes());
    }

    void hello(std::string& out) const override {
        out += std::string_view("AMQP\0\0\x09\x01", 8);
        using namespace std::string_view_literals;
        Fields start;
        start.number(connection_start_ok).long_text("").short_text("PLAIN");
        start.long_text("\0guest\0guest"sv).short_text("en_US");
        out += frame(Frame::method, 0, start.bytes());
        Fields tune;  // channels, largest frame, no heartbeats
        tune.number(connection_tune_ok).number(std::uint16_t{16}).number(std::uint32_t{131072});
        out += frame(Frame::method, 0, tune.number(std::uint16_t{0}).bytes());
        Fields open;
        open.number(connection_open).short_text("/").short_text("").number(std::uint8_t{0});
        out += frame(Frame::method, 0, open.bytes());
        out += frame(Frame::method, 1, Fields().number(channel_open).short_text("").bytes());
        Fields confirm;
        confirm.number(confirm_select).number(std::uint8_t{0});
        out += frame(Frame::method, 1, confirm.bytes());
    }

    void create(std::string& out) const override {
        static constexpr std::uint8_t durable = 2;
        Fields arguments;
        arguments.short_text("x-queue-type").number('S').long_text("quorum");
        Fields declare;
        declare.number(queue_declare).number(std::uint16_t{0}).short_text(queue_);
        declare.number(durable).long_text(arguments.bytes());
        out += frame(Frame::method, 1, declare.bytes());
    }

    void send(std::string& out, unsigned count, std::string_view stamp) const override {
        for (unsigned i = 0; i < count; ++i) {
            out += before_body_;
            const std::size_t body_at = out.size() + frame_head_bytes;
            out += frame(Frame::body, 1, body_);
            out.replace(body_at, stamp.size(), stamp);
        }
    }

    void receive(std::string&, unsigned, unsigned) const override {}
    void remove(std::string&, std::span<const std::string_view>) const override {}

    Length read(Op op, unsigned count, std::string_view input, Answer& answer) const override {
        std::bitset<16> confirmed;
        for (std::size_t at = 0; input.size() - at >= frame_head_bytes;) {
            const auto bytes = static_cast<std::size_t>(number_at(input, at + 3, 4));
            if (input.size() - at < frame_head_bytes + bytes + 1) return 0;
            const std::string_view payload = input.substr(at + frame_head_bytes, bytes);
            at += frame_head_bytes + bytes + 1;
            const auto kind = static_cast<std::uint32_t>(number_at(payload, 0, 4));
            if (kind == connection_close || kind == channel_close || kind == basic_nack) {
                return std::unexpected(fmt::format("refused: {}", payload.substr(4)));
            }
            if (kind == queue_declare_ok && op == Op::create) return at;
            if (kind == basic_ack) confirm(payload, count, confirmed);
            if (op == Op::send && confirmed.count() == count) {
                answer.messages = count;
                return at;
            }
        }
        return 0;
    }

  private:
    static void confirm(std::string_view payload, unsigned count, std::bitset<16>& confirmed) {
        const auto place = static_cast<std::size_t>((number_at(payload, 4, 8) - 1) % count);
        const bool all_before = number_at(payload, 12, 1) != 0;
        for (std::size_t i = all_before ? 0 : place; i <= place; ++i)
            confirmed.set(i);
    }

    std::string queue_;
    std::string body_;
    std::string before_body_;  // what comes before the frame of a body
};

}  // namespace

std::unique_ptr<Protocol> make_amqp_protocol(const Options& options) {
    return std::make_unique<AmqpProtocol>(options);
}

}  // namespace tranter::bench

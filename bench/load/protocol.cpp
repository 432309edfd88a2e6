#include "load/protocol.hpp"

namespace tranter::bench {

std::unique_ptr<Protocol> make_protocol(const Options& options) {
    switch (options.api) {
        case Api::sqs:
            break;
        case Api::beanstalk:
            return make_beanstalk_protocol(options);
        case Api::redis:
            return make_redis_protocol(options);
        case Api::amqp:
            return make_amqp_protocol(options);
    }
    return make_sqs_protocol(options);
}

std::string make_body(unsigned bytes) {
    static constexpr std::string_view alphabet =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string body(bytes, ' ');
    std::uint32_t state = 12345;
    for (char& letter : body) {
        state = state * 1664525 + 1013904223;
        letter = alphabet[(state >> 16) % alphabet.size()];
    }
    return body;
}

}  // namespace tranter::bench

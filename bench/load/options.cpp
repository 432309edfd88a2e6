#include "load/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tranter::bench {
namespace {

using Member = std::variant<
    bool Options::*,
    std::uint16_t Options::*,
    unsigned Options::*,
    std::uint64_t Options::*,
    double Options::*,
    int Options::*,
    std::string Options::*>;

struct Option {
    std::string_view name;
    Member member;
    std::string_view help;
};

const std::array option_table{
    Option{"port", &Options::port, "TCP port of the server on 127.0.0.1 (required)"},
    Option{"queue", &Options::queue, "queue name, created when it is missing [bench]"},
    Option{"threads", &Options::threads, "generator threads [1]"},
    Option{"connections", &Options::connections, "connections, shared among the threads [16]"},
    Option{"batch", &Options::batch, "messages per request, 1 to 10 [1]"},
    Option{"body_bytes", &Options::body_bytes, "bytes of each message body [256]"},
    Option{"messages", &Options::messages, "stop after so many messages"},
    Option{"seconds", &Options::seconds, "stop after so long"},
    Option{"warmup", &Options::warmup, "seconds of the same load before it counts [0]"},
    Option{"depth", &Options::depth, "messages to queue before it counts [0]"},
    Option{"wait", &Options::wait, "seconds that a long poll waits [20]"},
    Option{"rate", &Options::rate, "latency: messages per second, Poisson arrivals [200]"},
    Option{"producers", &Options::producers, "latency: connections that send [8]"},
    Option{"seed", &Options::seed, "latency: seed of the arrival times [1]"},
    Option{"repeats", &Options::repeats, "start: how often [10]"},
    Option{"server_pid", &Options::server_pid, "process whose CPU time and memory to report"},
    Option{"number", &Options::number, "send: number the requests in their bodies; receive: check"},
    Option{"sdk_headers", &Options::sdk_headers, "send the headers that an AWS SDK sends"},
    Option{"json", &Options::json, "print one line of JSON instead of a table"},
};

constexpr std::array mode_names{"send", "receive", "mixed", "latency", "idle", "start"};
constexpr std::array api_names{"sqs", "beanstalk", "redis", "amqp"};

/// Nothing when no name is the text.
template <class Value, std::size_t count>
std::optional<Value> find_name(const std::array<const char*, count>& names, std::string_view text) {
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return std::nullopt;
    return static_cast<Value>(found - names.begin());
}

std::string shown(std::string_view name) {
    std::string text(name);
    for (char& letter : text) {
        if (letter == '_') letter = '-';
    }
    return "--" + text;
}

/// False when the text is not a value of the member's type.
bool assign(Options& options, const Member& member, std::string_view text) {
    return std::visit(
        [&](auto pointer) {
            auto& target = options.*pointer;
            using Value = std::remove_reference_t<decltype(target)>;
            if constexpr (std::is_same_v<Value, std::string>) {
                target = text;
                return true;
            } else if constexpr (std::is_same_v<Value, bool>) {
                return false;  // flags take no value
            } else {
                const auto [end, error] =
                    std::from_chars(text.data(), text.data() + text.size(), target);
                return error == std::errc{} && end == text.data() + text.size();
            }
        },
        member
    );
}

const Option* find_option(std::string_view argument) {
    for (const Option& option : option_table) {
        if (shown(option.name) == argument) return &option;
    }
    return nullptr;
}

std::expected<void, std::string> check(const Options& options) {
    if (options.port == 0) return std::unexpected("--port is missing");
    if (options.batch < 1 || options.batch > 10) {
        return std::unexpected(fmt::format("--batch is {}, must be 1 to 10", options.batch));
    }
    if (options.threads < 1 || options.connections < options.threads) {
        return std::unexpected("--threads must be at least 1 and at most --connections");
    }
    if (options.body_bytes < 16) return std::unexpected("--body-bytes must be at least 16");
    if (options.mode == Mode::start) {
        if (options.command.empty()) return std::unexpected("start needs `-- COMMAND ARGUMENTS`");
        return {};
    }
    if (options.mode != Mode::send && (options.api == Api::redis || options.api == Api::amqp)) {
        return std::unexpected(
            fmt::format("--api {} can only send", api_names[static_cast<std::size_t>(options.api)])
        );
    }
    if (options.messages == 0 && options.seconds <= 0) {
        return std::unexpected("--messages or --seconds must say when to stop");
    }
    if ((options.mode == Mode::latency || options.mode == Mode::idle) && options.seconds <= 0) {
        return std::unexpected(fmt::format("{} needs --seconds", name_of(options.mode)));
    }
    return {};
}

}  // namespace

std::string usage() {
    std::string text =
        "Usage: tranter_load MODE --port PORT [OPTION]... [-- COMMAND...]\n\n"
        "Puts load on a queue server on this machine and says what a message cost it.\n\n"
        "Modes:\n"
        "  send      send messages as fast as the connections allow\n"
        "  receive   receive and delete until the queue is empty or the run is over\n"
        "  mixed     every connection sends, receives and deletes, so the depth stays the same\n"
        "  latency   open loop: send at --rate, time until a waiting long poll has the message\n"
        "  idle      hold --connections long polls on an empty queue\n"
        "  start     run COMMAND, time from exec to its first answer\n\n"
        "Options:\n"
        "  --api NAME             sqs (AWS JSON 1.0 over HTTP), beanstalk, redis, amqp [sqs]\n";
    for (const Option& option : option_table) {
        text += fmt::format("  {:<22} {}\n", shown(option.name), option.help);
    }
    text +=
        "\nExample:\n  tranter_load receive --port 9324 --depth 100000 --messages 100000 "
        "--server-pid $(pidof tranter)\n";
    return text;
}

const char* name_of(Mode mode) {
    return mode_names[static_cast<std::size_t>(mode)];
}

std::expected<Options, std::string> parse_options(int argc, char** argv) {
    Options options;
    if (argc < 2) return std::unexpected("MODE is missing, see --help");
    const auto mode = find_name<Mode>(mode_names, argv[1]);
    if (!mode) return std::unexpected(fmt::format("unknown mode `{}`, see --help", argv[1]));
    options.mode = *mode;

    for (int i = 2; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--") {
            options.command.assign(argv + i + 1, argv + argc);
            break;
        }
        const Option* option = find_option(argument);
        if (option != nullptr && std::holds_alternative<bool Options::*>(option->member)) {
            options.*std::get<bool Options::*>(option->member) = true;
            continue;
        }
        if (option == nullptr && argument != "--api") {
            return std::unexpected(fmt::format("unknown option `{}`, see --help", argument));
        }
        if (i + 1 == argc) return std::unexpected(fmt::format("{} needs a value", argument));
        const std::string_view value = argv[++i];
        const auto api = find_name<Api>(api_names, value);
        if (option == nullptr && api) {
            options.api = *api;
        } else if (option == nullptr || !assign(options, option->member, value)) {
            return std::unexpected(fmt::format("{}: `{}` is not a valid value", argument, value));
        }
    }
    if (auto checked = check(options); !checked) return std::unexpected(checked.error());
    return options;
}

}  // namespace tranter::bench

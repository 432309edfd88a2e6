#include "control/codec.hpp"

#include "control/values.hpp"

#include <simdjson.h>

#include <utility>

namespace tranter::control {
namespace {

using Element = simdjson::dom::element;

template <class T>
std::string write_reply(std::uint64_t id, std::string_view member, const T& value) {
    std::string out;
    ValueWriter writer(out);
    writer.json().begin_object().member("id", id);
    writer(member, value);
    writer.json().end_object();
    return out += '\n';
}

/// One line, kept as long as what was read of it is looked at.
class ReadLine {
  public:
    explicit ReadLine(std::string_view text) {
        if (parser_.parse(text).get(root_) != simdjson::SUCCESS) {
            problem_ = "it is no JSON";
        } else if (!root_.is_object()) {
            problem_ = "it is no object";
        }
    }

    const std::string& problem() const { return problem_; }
    bool has(std::string_view member, Element& value) const {
        return root_[member].get(value) == simdjson::SUCCESS;
    }
    const Element& root() const { return root_; }

  private:
    simdjson::dom::parser parser_{};
    Element root_{};
    std::string problem_{};
};

std::unexpected<Error> not_understood(const std::string& why) {
    return fail(Errc::internal, "the answer of the daemon is not understood: " + why);
}

Error read_failure(const Element& error) {
    std::string_view message;
    Errc code = Errc::internal;
    Element name;
    if (error["message"].get(message) != simdjson::SUCCESS) message = "the daemon does not say why";
    if (error["code"].get(name) == simdjson::SUCCESS) {
        // A code of a later version is an error all the same.
        [[maybe_unused]] const auto problem = ValueReader::read(name, code);
    }
    return {code, std::string(message)};
}

struct Nothing {};

template <class T>
Result<T> read_ok(std::string_view text) {
    const ReadLine line(text);
    if (!line.problem().empty()) return not_understood(line.problem());
    Element found;
    if (line.has("error", found)) return std::unexpected(read_failure(found));
    if (!line.has("ok", found)) return not_understood("it has no member ok");
    T value{};
    if constexpr (!std::same_as<T, Nothing>) {
        if (const auto problem = ValueReader::read(found, value); !problem.empty()) {
            return not_understood(problem);
        }
    }
    return value;
}

template <class T>
Result<Followed> read_member(const Element& element) {
    T value{};
    const auto problem = ValueReader::read(element, value);
    if (!problem.empty()) return not_understood(problem);
    return value;
}

}  // namespace

std::string write_request(const Request& request) {
    std::string out;
    ValueWriter(out).write(request);
    return out += '\n';
}

Result<Request> read_request(std::string_view text) {
    const ReadLine line(text);
    auto problem = line.problem();
    Request request;
    if (problem.empty()) problem = ValueReader::read(line.root(), request);
    if (!problem.empty()) {
        return fail(Errc::invalid_argument, "a request is not understood: " + problem);
    }
    return request;
}

std::string write_answer(std::uint64_t id, const Payload& payload) {
    return std::visit(
        [&](const auto& value) {
            if constexpr (std::same_as<std::decay_t<decltype(value)>, std::monostate>) {
                return write_reply(id, "ok", true);
            } else {
                return write_reply(id, "ok", value);
            }
        },
        payload
    );
}

std::string write_failure(std::uint64_t id, const Error& error) {
    std::string out;
    ValueWriter writer(out);
    writer.json().begin_object().member("id", id).key("error").begin_object();
    writer("code", error.code());
    writer("message", error.message());
    writer.json().end_object().end_object();
    return out += '\n';
}

std::string write_line(std::uint64_t id, const supervise::OutputLine& line) {
    return write_reply(id, "line", line);
}

std::string write_event(std::uint64_t id, const supervise::Event& event) {
    return write_reply(id, "event", event);
}

template <class T>
Result<T> read_answer(std::string_view line) {
    return read_ok<T>(line);
}
template <>
Result<void> read_answer<void>(std::string_view line) {
    auto answer = read_ok<Nothing>(line);
    if (!answer) return std::unexpected(std::move(answer.error()));
    return {};
}
template Result<DaemonView> read_answer(std::string_view line);
template Result<std::vector<supervise::InstanceView>> read_answer(std::string_view line);
template Result<std::vector<supervise::App>> read_answer(std::string_view line);
template Result<std::vector<supervise::Event>> read_answer(std::string_view line);
template Result<std::vector<supervise::OutputLine>> read_answer(std::string_view line);

Result<Followed> read_followed(std::string_view text) {
    const ReadLine line(text);
    if (!line.problem().empty()) return not_understood(line.problem());
    Element found;
    if (line.has("error", found)) return std::unexpected(read_failure(found));
    if (line.has("line", found)) return read_member<supervise::OutputLine>(found);
    if (line.has("event", found)) return read_member<supervise::Event>(found);
    return Followed();
}

std::string write_apps(const std::vector<supervise::App>& apps) {
    std::string out;
    ValueWriter writer(out);
    writer.json().begin_object();
    writer("apps", apps);
    writer.json().end_object();
    return out += '\n';
}

Result<std::vector<supervise::App>> read_apps(std::string_view text) {
    const ReadLine line(text);
    auto problem = line.problem();
    std::vector<supervise::App> apps;
    if (Element found; problem.empty()) {
        problem = line.has("apps", found) ? ValueReader::read(found, apps) : "apps is missing";
    }
    if (!problem.empty()) return fail(Errc::corrupted, problem);
    return apps;
}

}  // namespace tranter::control

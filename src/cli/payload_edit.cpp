#include "cli/payload_edit.hpp"

#include "base/unicode.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/terminal.hpp"
#include "jobs/json_cursor.hpp"

#include <tranter/json.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <system_error>

namespace tranter::cli {

namespace {

/// Looks for one member or element of the outermost value.
struct PartSearch {
    jobs::JsonCursor* cursor = nullptr;
    std::string_view name{};
    std::size_t wanted = 0;
    std::size_t parts = 0;
    std::string_view found{};  // into the text; null: it is not there

    bool look(bool here) {
        ++parts;
        std::string_view value;
        unsigned depth = 0;
        if (!cursor->take_any(value, depth)) return false;
        if (here) found = value;
        return true;
    }
};

std::unexpected<Error> no_room(std::string_view path, std::string_view why) {
    return fail(Errc::invalid_argument, fmt::format("--set {}: {}", in_quotes(path), why));
}

/// `{"a":{"b":value}}` for the path a.b.
std::string nested_in_objects(std::string_view path, std::string_view value) {
    if (path.empty()) return std::string(value);
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string_view rest = path.substr(std::min(end + 1, path.size()));
    return fmt::format(
        "{{{}:{}}}", Json(path.substr(0, end)).dump(), nested_in_objects(rest, value)
    );
}

Result<std::string> replaced_part(
    std::string_view json, std::string_view whole, std::string_view path, std::string_view value
) {
    if (path.empty()) return std::string(value);
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string_view rest = path.substr(std::min(end + 1, path.size()));
    jobs::JsonCursor cursor(json);
    if (!cursor.begin()) return no_room(whole, "the payload is not JSON");
    PartSearch search{.cursor = &cursor, .name = path.substr(0, end)};
    const jobs::JsonKind kind = cursor.kind();
    if (kind == jobs::JsonKind::object) {
        cursor.members(&search, [](void* call, std::string_view key) {
            auto& one = *static_cast<PartSearch*>(call);
            return one.look(key == one.name);
        });
    } else if (kind == jobs::JsonKind::array) {
        const char* last = search.name.data() + search.name.size();
        const auto [stop, error] = std::from_chars(search.name.data(), last, search.wanted);
        if (error != std::errc() || stop != last) {
            return no_room(whole, fmt::format("{} is no position in an array", search.name));
        }
        cursor.elements(nullptr, &search, [](void* call, std::size_t index) {
            auto& one = *static_cast<PartSearch*>(call);
            return one.look(index == one.wanted);
        });
        if (search.found.data() == nullptr) {
            return no_room(
                whole,
                fmt::format("the array has {} elements, none is {}", search.parts, search.name)
            );
        }
    } else {
        return no_room(
            whole, fmt::format("what {} would be in is neither object nor array", search.name)
        );
    }
    if (search.found.data() == nullptr) {
        // Behind the last member.
        return fmt::format(
            "{}{}{}:{}}}",
            json.substr(0, json.size() - 1),
            search.parts > 0 ? "," : "",
            Json(search.name).dump(),
            nested_in_objects(rest, value)
        );
    }
    const auto replaced = replaced_part(search.found, whole, rest, value);
    if (!replaced) return replaced;
    const auto begin = static_cast<std::size_t>(search.found.data() - json.data());
    return fmt::format(
        "{}{}{}", json.substr(0, begin), *replaced, json.substr(begin + search.found.size())
    );
}

/// A file that nobody else can read, gone at the end.
class EditedFile {
  public:
    explicit EditedFile(std::string_view text) {
        const char* folder = std::getenv("TMPDIR");
        path_ = fmt::format(
            "{}/tranter-XXXXXX.json", folder != nullptr && *folder != '\0' ? folder : "/tmp"
        );
        constexpr int suffix_bytes = 5;
        const int fd = ::mkostemps(path_.data(), suffix_bytes, O_CLOEXEC);
        if (fd < 0) {
            throw SystemError(
                fmt::format("{} cannot be made: {}", path_, std::generic_category().message(errno))
            );
        }
        write_all(fd, text);
        ::close(fd);
    }
    ~EditedFile() { ::unlink(path_.c_str()); }
    EditedFile(const EditedFile&) = delete;
    EditedFile& operator=(const EditedFile&) = delete;

    const std::string& path() const { return path_; }

    /// Whether the editor ended well.
    bool edit() {
        std::string script = "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"";
        std::string shell = "/bin/sh";
        std::string flag = "-c";
        const std::array<char*, 6> words{
            shell.data(), flag.data(), script.data(), shell.data(), path_.data(), nullptr};
        pid_t editor = 0;
        if (::posix_spawn(&editor, "/bin/sh", nullptr, nullptr, words.data(), environ) != 0) {
            return false;
        }
        int status = 0;
        while (::waitpid(editor, &status, 0) < 0 && errno == EINTR) {
        }
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

  private:
    std::string path_{};
};

Result<std::string> edited_by_hand(const std::string& payload) {
    EditedFile file(indented_json(payload) + "\n");
    if (!file.edit()) {
        return fail(Errc::cancelled, "the editor ended with an error, the payload stays as it is");
    }
    const auto input = Input::open("@" + file.path());
    if (!input) return std::unexpected(input.error());
    const auto read = ::tranter::Json::parse(read_all(input->fd(), input->name()));
    if (!read) {
        return fail(
            Errc::invalid_argument,
            fmt::format("the edited payload is no JSON: {}", read.error().message())
        );
    }
    return read->text();
}

}  // namespace

Result<std::string> json_with(
    std::string_view json, std::string_view path, std::string_view value
) {
    const auto compact = ::tranter::Json::parse(json);
    if (!compact) return std::unexpected(compact.error());
    const auto compact_value = ::tranter::Json::parse(value);
    if (!compact_value) return std::unexpected(compact_value.error());
    const bool empty_step =
        path.empty() || path.starts_with('.') || path.ends_with('.') || path.contains("..");
    if (empty_step) return no_room(path, "expected names with dots between");
    return replaced_part(compact->text(), path, path, compact_value->text());
}

std::string indented_json(std::string_view json) {
    constexpr std::string_view step = "  ";
    std::string out;
    std::size_t depth = 0;
    const auto new_line = [&] {
        out += '\n';
        for (std::size_t i = 0; i < depth; ++i)
            out += step;
    };
    bool text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (text) {
            out += c;
            if (c == '\\') out += json[++i];
            text = c != '"';
            continue;
        }
        if (c == '}' || c == ']') {
            --depth;
            if (json[i - 1] != '{' && json[i - 1] != '[') new_line();
        }
        out += c;
        text = c == '"';
        if (c == ':') out += ' ';
        if (c == '{' || c == '[') ++depth;
        const bool empty = i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
        if (c == ',' || ((c == '{' || c == '[') && !empty)) new_line();
    }
    return out;
}

Result<PayloadEdit> PayloadEdit::read(const Arguments& arguments) {
    PayloadEdit edit;
    edit.editor_ = arguments.is_on("edit");
    if (const auto given = arguments.find("payload")) {
        std::string text = *given;
        if (names_input(text)) {
            const auto input = Input::open(text);
            if (!input) return std::unexpected(input.error());
            text = read_all(input->fd(), input->name());
        }
        const auto json = ::tranter::Json::parse(text);
        if (!json) return fail(Errc::invalid_argument, "--payload: " + json.error().message());
        edit.replacement_ = json->text();
    }
    for (const std::string& change : arguments.list("set")) {
        auto parts = split_assignment(change, "--set");
        if (!parts) return std::unexpected(parts.error());
        const auto json = ::tranter::Json::parse(parts->second);
        if (!json) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "--set {}: {}, expected JSON (a text stands in quotes)",
                    in_quotes(change),
                    json.error().message()
                )
            );
        }
        edit.changes_.emplace_back(std::move(parts->first), json->text());
    }
    if (edit.replacement_ && !edit.changes_.empty()) {
        return fail(Errc::invalid_argument, "--payload and --set are both given, expected one");
    }
    return edit;
}

Result<std::string> PayloadEdit::apply(std::string_view payload) const {
    std::string edited = replacement_ ? *replacement_ : std::string(payload);
    for (const auto& [path, value] : changes_) {
        auto changed = json_with(edited, path, value);
        if (!changed) return changed;
        edited = std::move(*changed);
    }
    return editor_ ? edited_by_hand(edited) : edited;
}

std::vector<Option> PayloadEdit::options() {
    return {
        {.name = "set",
         .value = "PATH=JSON",
         .help = "another value in the payload: --set 'user.locale=\"en\"'",
         .repeated = true},
        {.name = "payload",
         .value = "JSON",
         .help = "another payload, also '-' or '@FILE'",
         .completes = Completes::files},
        {.name = "edit", .value = "", .help = "edit each payload with $EDITOR"},
    };
}

}  // namespace tranter::cli

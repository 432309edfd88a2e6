#include "appfile/path_text.hpp"
#include "appfile/pm2_context.hpp"
#include "appfile/programs.hpp"
#include "appfile/words.hpp"
#include "base/unicode.hpp"
#include "process/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::appfile {
namespace {

using Words = std::vector<std::string>;

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> interpreters{{
    {".js", "node"},
    {".cjs", "node"},
    {".mjs", "node"},
    {".sh", "bash"},
    {".py", "python"},
    {".rb", "ruby"},
    {".php", "php"},
    {".pl", "perl"},
    {".coffee", "coffee"},
    {".ls", "lsc"},
    {".ts", "bun"},
    {".tsx", "bun"},
}};

/// What the file says about the command, before anything was looked for.
struct Spelling {
    std::string script{};
    std::string interpreter{};  // empty: by the script
    Words interpreter_words{};
    Words words{};
};

bool is_shell(std::string_view program) {
    const std::string name = base_name(program);
    return name == "bash" || name == "sh";
}

std::string shell_of(const Pm2Context& context) {
    return process::find_program("bash", context.options.environment).empty() ? "sh" : "bash";
}

Words joined(Words first, const Words& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// A line for a shell; arguments beside it are handed on to it.
Words shell_command(const Spelling& spelling, const std::string& shell) {
    if (spelling.words.empty()) return {shell, "-c", spelling.script};
    return joined({shell, "-c", spelling.script + " \"$@\"", shell}, spelling.words);
}

/// "python" is python3 where there is no other.
std::string resolve_interpreter(const std::string& name, const Pm2Context& context) {
    const auto& environment = context.options.environment;
    const bool is_replaced = name == "python" && process::find_program(name, environment).empty() &&
                             !process::find_program("python3", environment).empty();
    return is_replaced ? "python3" : expand_home(name, environment);
}

/// Who runs a file for which the app names nobody; empty: itself.
Words choose_interpreter(const std::string& path, const ScriptFile& file) {
    const std::string extension = extension_of(path);
    for (const auto& [ending, interpreter] : interpreters) {
        if (extension == ending) return {std::string(interpreter)};
    }
    if (file.kind == ScriptFile::Kind::binary) return {};
    if (file.kind == ScriptFile::Kind::script) {
        return file.is_executable ? Words{} : split_words(file.interpreter);
    }
    return {"node"};
}

/// The script as an argument: as it was written when it is relative to the app's directory.
std::string script_word(const std::string& script, const std::string& path, bool is_program) {
    if (script.starts_with('/') || script.starts_with('~')) return path;
    const std::string word = normalize_path(script);
    return is_program && !word.contains('/') ? "./" + word : word;
}

Spelling read_spelling(Fields& fields) {
    Spelling out;
    out.script = fields.text({"script", "exec", "cmd", "command"}).value_or("");
    if (out.script.empty() && !fields.has_failed()) {
        fields.refuse("script", Place{}, "is missing, write the file or command to run");
    }
    out.interpreter = fields.text({"interpreter", "exec_interpreter"}).value_or("");
    out.interpreter_words =
        fields.words({"interpreter_args", "node_args", "interpreterArgs"}).value_or(Words{});
    out.words = fields.words({"args"}).value_or(Words{});
    if (out.interpreter.contains('@')) {
        fields.refuse("interpreter", Place{}, "names a version for nvm, write a path of node");
    }
    return out;
}

void missing_script(Fields& fields, const Pm2Context& context, const Pm2Command& out) {
    std::string text = fmt::format(
        "is {}, which is no file in {}{}",
        in_quotes(out.script),
        printable(out.directory),
        out.script.contains('/') ? "" : " and no program in PATH"
    );
    if (context.options.converts) {
        context.remark(fields, "script", std::move(text));
    } else {
        const Value* script = fields.find({"script", "exec", "cmd", "command"});
        fields.refuse("script", script != nullptr ? script->place : Place{}, text);
    }
}

/// Where the script is: in the app's directory, or else beside the file that names it.
std::string find_script(const Fields& fields, const Pm2Context& context, Pm2Command& out) {
    const std::string script = expand_home(out.script, context.options.environment);
    std::string path = resolve_path(out.directory, script);
    const bool may_be_beside =
        !fields.has({"cwd"}) && !script.starts_with('/') && context.file_directory != out.directory;
    if (may_be_beside && look_at(path).kind == ScriptFile::Kind::missing) {
        const std::string beside = resolve_path(context.file_directory, script);
        if (look_at(beside).kind != ScriptFile::Kind::missing) {
            out.script = beside;
            return beside;
        }
    }
    return path;
}

}  // namespace

Pm2Command read_command(Fields& fields, const Pm2Context& context) {
    Pm2Command out;
    const Spelling spelling = read_spelling(fields);
    const auto& environment = context.options.environment;
    out.directory = resolve_path(
        context.directory, expand_home(fields.text({"cwd"}).value_or(""), environment)
    );
    out.script = spelling.script;
    if (fields.has_failed()) return out;

    const bool runs_itself = spelling.interpreter == "none";
    const bool names_interpreter = !spelling.interpreter.empty() && !runs_itself;
    const std::string path = find_script(fields, context, out);
    const ScriptFile file = look_at(path);
    std::string word = script_word(out.script, path, false);
    if (file.kind == ScriptFile::Kind::missing) {
        const bool is_line =
            spelling.script.contains(' ') && (!names_interpreter || is_shell(spelling.interpreter));
        if (is_line) {
            out.command = shell_command(spelling, shell_of(context));
            return out;
        }
        const std::string program = spelling.script.contains('/')
                                        ? std::string()
                                        : process::find_program(spelling.script, environment);
        if (program.empty()) missing_script(fields, context, out);
        if (!program.empty() && !names_interpreter) {
            out.command = joined({spelling.script}, spelling.words);
            return out;
        }
        if (!program.empty()) word = program;
    }
    Words runner = runs_itself ? Words{} : Words{spelling.interpreter};
    if (spelling.interpreter.empty()) runner = choose_interpreter(path, file);
    if (runner.empty()) {
        out.command = joined({script_word(out.script, path, true)}, spelling.words);
        return out;
    }
    runner[0] = resolve_interpreter(runner[0], context);
    const std::string name = base_name(runner[0]);
    out.is_node = name == "node" || name == "bun";
    out.is_python = name.contains("python");
    runner = joined(std::move(runner), spelling.interpreter_words);
    runner.push_back(word);
    out.command = joined(std::move(runner), spelling.words);
    return out;
}

}  // namespace tranter::appfile

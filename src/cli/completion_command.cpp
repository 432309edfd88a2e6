#include "cli/completion_command.hpp"

#include "cli/command_tree.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <functional>
#include <iterator>

namespace tranter::cli {

namespace {

using Visit = std::function<void(const Command&, const std::string& path)>;

void walk(const Command& command, const std::string& path, const Visit& visit) {
    visit(command, path);
    for (const Command& child : command.commands) {
        walk(child, fmt::format("{} {}", path, child.name), visit);
    }
}

/// Words that can follow: commands, values of the first argument, options.
std::vector<std::string> words_of(const Command& command) {
    std::vector<std::string> words;
    for (const Command& child : command.commands) {
        words.emplace_back(child.name);
    }
    for (const Positional& positional : command.positionals) {
        words.insert(words.end(), positional.choices.begin(), positional.choices.end());
    }
    for (const Option& option : command.options) {
        words.push_back(fmt::format("--{}", option.name));
    }
    words.emplace_back("--help");
    return words;
}

/// Lines that bash and zsh share: they find the command that is being typed, as $path.
std::string path_of_words(const Command& root) {
    std::vector<std::string> paths;
    walk(root, std::string(root.name), [&](const Command& command, const std::string& path) {
        if (&command != &root) paths.push_back(fmt::format("'{}'", path));
    });
    return fmt::format("            {}) path=\"$path $word\" ;;\n", fmt::join(paths, "|"));
}

std::string cases_by_path(const Command& root, std::string_view variable) {
    std::string out;
    walk(root, std::string(root.name), [&](const Command& command, const std::string& path) {
        fmt::format_to(
            std::back_inserter(out),
            "        '{}') {}='{}' ;;\n",
            path,
            variable,
            fmt::join(words_of(command), " ")
        );
    });
    return out;
}

/// Options with values: what can stand behind them. `files` is what the shell calls files.
std::string cases_by_option(
    const Command& root, std::string_view variable, std::string_view files
) {
    std::map<std::string, std::string> values;
    walk(root, "", [&](const Command& command, const std::string&) {
        for (const Option& option : command.options) {
            if (option.value.empty()) continue;
            std::string pattern = fmt::format("--{}", option.name);
            if (option.letter != 0) pattern += fmt::format("|-{}", option.letter);
            std::string words = fmt::format("{}", fmt::join(option.choices, " "));
            if (option.completes == Completes::files) words = files;
            const auto [known, is_new] = values.emplace(std::move(pattern), words);
            // Some commands take fewer formats than most; theirs must not hide the others.
            const bool offers_more = words.size() > known->second.size();
            if (!is_new && !option.choices.empty() && offers_more) known->second = words;
        }
    });
    std::string out;
    for (const auto& [pattern, words] : values) {
        fmt::format_to(
            std::back_inserter(out), "        {}) {}='{}' ;;\n", pattern, variable, words
        );
    }
    return out;
}

std::string bash_script(const Command& root) {
    return fmt::format(
        R"(# bash completion of tranter: source <(tranter completion bash)
_tranter() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local path=tranter word words='' values=none
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
{}        esac
    done
    case $previous in
{}    esac
    if [[ $values == @files || ($values == none && $current == @*) ]]; then
        compopt -o filenames 2>/dev/null
        local prefix=''
        [[ $current == @* ]] && prefix=@
        COMPREPLY=($(compgen -P "$prefix" -f -- "${{current#@}}"))
        return
    fi
    if [[ $values != none ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
        return
    fi
    case $path in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _tranter tranter
)",
        path_of_words(root),
        cases_by_option(root, "values", "@files"),
        cases_by_path(root, "words")
    );
}

std::string zsh_script(const Command& root) {
    return fmt::format(
        R"(#compdef tranter
# zsh completion of tranter: tranter completion zsh > "${{fpath[1]}}/_tranter"
_tranter() {{
    local path=tranter word offered='' values=none
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$path $word" in
{}        esac
    done
    case "${{words[CURRENT-1]}}" in
{}    esac
    if [[ $values == @files ]]; then
        _files
        return
    fi
    if [[ $values != none ]]; then
        compadd -- ${{=values}}
        return
    fi
    case $path in
{}    esac
    compadd -- ${{=offered}}
    [[ $PREFIX == @* ]] && compset -P '@' && _files
}}
if [[ $funcstack[1] == _tranter ]]; then
    _tranter "$@"
else
    compdef _tranter tranter
fi
)",
        path_of_words(root),
        cases_by_option(root, "values", "@files"),
        cases_by_path(root, "offered")
    );
}

std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string fish_option(const Option& option, std::string_view condition) {
    std::string line = fmt::format("complete -c tranter {} -l {}", condition, option.name);
    if (option.letter != 0) line += fmt::format(" -s {}", option.letter);
    if (!option.value.empty()) line += option.completes == Completes::files ? " -r -F" : " -x";
    if (!option.choices.empty()) {
        line +=
            fmt::format(" -a {}", fish_quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    }
    return fmt::format("{} -d {}\n", line, fish_quoted(option.help));
}

std::string fish_script(const Command& root) {
    std::vector<std::string> paths;
    std::string lines;
    walk(root, std::string(root.name), [&](const Command& command, const std::string& path) {
        if (&command != &root) paths.push_back(fish_quoted(path));
        const std::string condition =
            fmt::format("-n {}", fish_quoted("__tranter_at '" + path + "'"));
        for (const Command& child : command.commands) {
            fmt::format_to(
                std::back_inserter(lines),
                "complete -c tranter {} -a {} -d {}\n",
                condition,
                child.name,
                fish_quoted(child.summary)
            );
        }
        for (const Positional& positional : command.positionals) {
            for (const std::string_view choice : positional.choices) {
                fmt::format_to(
                    std::back_inserter(lines), "complete -c tranter {} -a {}\n", condition, choice
                );
            }
            if (positional.completes == Completes::files) {
                fmt::format_to(std::back_inserter(lines), "complete -c tranter {} -F\n", condition);
            }
        }
        for (const Option& option : command.options) {
            lines += fish_option(option, condition);
        }
        fmt::format_to(
            std::back_inserter(lines),
            "complete -c tranter {} -l help -s h -d 'show help'\n",
            condition
        );
    });
    return fmt::format(
        R"(# fish completion of tranter: tranter completion fish > ~/.config/fish/completions/tranter.fish
function __tranter_at
    set -l path tranter
    for word in (commandline -opc)[2..-1]
        contains -- "$path $word" {}; and set path "$path $word"
    end
    test "$path" = "$argv[1]"
end
complete -c tranter -f
{})",
        fmt::join(paths, " "),
        lines
    );
}

Result<int> run(const Arguments& arguments) {
    write_all(STDOUT_FILENO, completion_script(command_tree(), arguments.text("SHELL")));
    return 0;
}

}  // namespace

std::string completion_script(const Command& root, std::string_view shell) {
    if (shell == "zsh") return zsh_script(root);
    if (shell == "fish") return fish_script(root);
    return bash_script(root);
}

Command completion_command() {
    return {
        .name = "completion",
        .summary = "print a script that completes tranter's words in a shell",
        .positionals = {{.name = "SHELL", .help = "the shell", .choices = {"bash", "zsh", "fish"}}},
        .examples =
            {{"in ~/.bashrc", "source <(tranter completion bash)"},
             {"zsh", "tranter completion zsh > \"${fpath[1]}/_tranter\""},
             {"fish", "tranter completion fish > ~/.config/fish/completions/tranter.fish"}},
        .run = run,
    };
}

}  // namespace tranter::cli

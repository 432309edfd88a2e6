#include "cli/help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace tranter::cli {

namespace {

struct Row {
    std::string left;
    std::string right;
};

constexpr std::size_t line_columns = 100;

/// Text in lines of at most `width` characters, the further ones indented.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    while (text.size() > width) {
        const std::size_t space = text.rfind(' ', width);
        if (space == std::string_view::npos) break;
        out += text.substr(0, space);
        out += '\n';
        out.append(indent, ' ');
        text.remove_prefix(space + 1);
    }
    out += text;
    return out;
}

void append_rows(std::string& out, std::string_view title, const std::vector<Row>& rows) {
    if (rows.empty()) return;
    std::size_t width = 0;
    for (const Row& row : rows) {
        width = std::max(width, row.left.size());
    }
    fmt::format_to(std::back_inserter(out), "\n{}:\n", title);
    for (const Row& row : rows) {
        const std::size_t indent = 2 + width + 2;
        const std::string right = wrapped(row.right, line_columns - indent, indent);
        fmt::format_to(std::back_inserter(out), "  {:{}}  {}\n", row.left, width, right);
    }
}

std::string with_choices(std::string_view help, const std::vector<std::string_view>& choices) {
    if (choices.empty()) return std::string(help);
    return fmt::format("{}: {}", help, fmt::join(choices, ", "));
}

Row option_row(const Option& option) {
    Row row;
    row.left = option.letter == 0 ? "    " : fmt::format("-{}, ", option.letter);
    row.left += fmt::format("--{}", option.name);
    if (!option.value.empty()) row.left += fmt::format(" {}", option.value);
    row.right = with_choices(option.help, option.choices);
    if (option.repeated) row.right += "; may be repeated";
    if (!option.environment.empty()) row.right += fmt::format(" [${}]", option.environment);
    return row;
}

std::string usage(const Command& command, std::string_view path) {
    std::string line = fmt::format("Usage: {}", path);
    if (!command.commands.empty() && command.run == nullptr) {
        return line + " COMMAND [ARGUMENT...]\n";
    }
    if (!command.options.empty()) line += " [OPTION...]";
    for (const Positional& positional : command.positionals) {
        std::string word(positional.name);
        if (positional.repeated) word += "...";
        line += positional.required ? fmt::format(" {}", word) : fmt::format(" [{}]", word);
    }
    if (!command.commands.empty()) {
        line += fmt::format("\n       {} COMMAND [ARGUMENT...]", path);
    }
    return line + "\n";
}

}  // namespace

std::string help_text(const Command& command, std::string_view path) {
    std::string out = usage(command, path) + "\n";
    const std::size_t summary = out.size();
    fmt::format_to(std::back_inserter(out), "{}.\n", command.summary);
    out[summary] = static_cast<char>(std::toupper(command.summary.front()));
    if (!command.description.empty()) {
        fmt::format_to(std::back_inserter(out), "\n{}\n", command.description);
    }

    std::vector<Row> commands;
    for (const Command& child : command.commands) {
        commands.push_back({std::string(child.name), std::string(child.summary)});
    }
    append_rows(out, "Commands", commands);

    std::vector<Row> positionals;
    for (const Positional& positional : command.positionals) {
        positionals.push_back(
            {std::string(positional.name), with_choices(positional.help, positional.choices)}
        );
    }
    append_rows(out, "Arguments", positionals);

    std::vector<Row> options;
    for (const Option& option : command.options) {
        options.push_back(option_row(option));
    }
    options.push_back({"-h, --help", "this text"});
    append_rows(out, "Options", options);

    if (command.examples.empty()) return out;
    out += "\nExamples:\n";
    for (const Example& example : command.examples) {
        fmt::format_to(std::back_inserter(out), "  # {}\n  {}\n", example.does, example.line);
    }
    return out;
}

}  // namespace tranter::cli

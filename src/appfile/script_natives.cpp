#include "appfile/script_natives.hpp"

#include "appfile/path_text.hpp"
#include "base/encoding.hpp"
#include "base/process_name.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace tranter::appfile {
namespace {

struct NativeMember {
    Native of;
    std::string_view name;
    Native gives;
};

constexpr NativeMember members_of_natives[] = {
    {Native::path, "posix", Native::path},
    {Native::path, "join", Native::path_join},
    {Native::path, "resolve", Native::path_resolve},
    {Native::path, "dirname", Native::path_dirname},
    {Native::path, "basename", Native::path_basename},
    {Native::path, "extname", Native::path_extname},
    {Native::path, "normalize", Native::path_normalize},
    {Native::os, "cpus", Native::os_cpus},
    {Native::os, "availableParallelism", Native::os_parallelism},
    {Native::os, "hostname", Native::os_hostname},
    {Native::os, "homedir", Native::os_home},
    {Native::url, "fileURLToPath", Native::url_to_path},
    {Native::process, "env", Native::process_env},
    {Native::process, "cwd", Native::process_cwd},
    {Native::object, "assign", Native::object_assign},
    {Native::math, "max", Native::math_max},
    {Native::math, "min", Native::math_min},
    {Native::math, "floor", Native::math_floor},
    {Native::math, "ceil", Native::math_ceil},
    {Native::math, "round", Native::math_round},
    {Native::console, "log", Native::console_print},
    {Native::console, "info", Native::console_print},
    {Native::console, "warn", Native::console_print},
    {Native::console, "error", Native::console_print},
};

struct NamedNative {
    std::string_view name;
    Native native;
};

constexpr NamedNative modules[] = {
    {"path", Native::path},
    {"os", Native::os},
    {"url", Native::url},
    {"process", Native::process},
    {"console", Native::console},
};

constexpr NamedNative globals[] = {
    {"require", Native::require},
    {"process", Native::process},
    {"console", Native::console},
    {"Object", Native::object},
    {"Math", Native::math},
    {"parseInt", Native::parse_int},
    {"parseFloat", Native::parse_float},
    {"Number", Native::number},
    {"String", Native::text},
    {"Boolean", Native::boolean},
};

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    const std::size_t start = text.find_first_not_of(blanks);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

/// As much of the text as is a decimal number; NaN when that is nothing.
double leading_number(std::string_view text, bool needs_all) {
    if (text.starts_with('+') && !text.substr(1).starts_with('-')) text.remove_prefix(1);
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.starts_with("Infinity") && (!needs_all || digits.size() == 8)) {
        const double infinity = std::numeric_limits<double>::infinity();
        return text.starts_with('-') ? -infinity : infinity;
    }
    // from_chars knows "inf" and "nan" as well.
    if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
        return not_a_number;
    }
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc()) return not_a_number;
    if (needs_all && read.ptr != text.data() + text.size()) return not_a_number;
    return value;
}

double integer_in_base(std::string_view text, double radix) {
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) text.remove_prefix(1);
    int base = std::isfinite(radix) ? static_cast<int>(std::clamp(radix, -100.0, 100.0)) : 0;
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    if (is_hex && (base == 0 || base == 16)) {
        text.remove_prefix(2);
        base = 16;
    }
    if (base == 0) base = 10;
    if (base < 2 || base > 36) return not_a_number;
    double value = 0;
    std::size_t used = 0;
    for (; used < text.size(); ++used) {
        const char c = text[used];
        const char lower = static_cast<char>(c | 0x20);
        const bool is_letter = lower >= 'a' && lower <= 'z';
        const int digit = c >= '0' && c <= '9' ? c - '0' : is_letter ? lower - 'a' + 10 : 99;
        if (digit >= base) break;
        value = value * base + digit;
    }
    if (used == 0) return not_a_number;
    return is_negative ? -value : value;
}

std::string home_directory(const ScriptOptions& options) {
    for (const std::string& variable : options.environment) {
        if (variable.starts_with("HOME=")) return variable.substr(5);
    }
    const passwd* entry = ::getpwuid(::getuid());
    return entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "/";
}

std::expected<Value, std::string> path_of_url(const std::vector<Value>& arguments) {
    const std::string* url = arguments.empty() ? nullptr : arguments[0].text();
    if (url == nullptr || !url->starts_with("file:///")) {
        return std::unexpected("fileURLToPath needs a URL like file:///srv/app.js");
    }
    const auto path = percent_decode(std::string_view(*url).substr(7));
    if (!path) return std::unexpected("fileURLToPath needs a URL with two digits behind each %");
    return value_of(*path);
}

std::expected<Value, std::string> call_path(
    Native function, const std::vector<Value>& arguments, const ScriptOptions& options
) {
    std::vector<std::string> texts;
    for (const Value& argument : arguments) {
        if (argument.text() == nullptr) {
            return std::unexpected(fmt::format("a path is text, and this is {}", kind_of(argument))
            );
        }
        texts.push_back(*argument.text());
    }
    if (function == Native::path_join) return value_of(join_paths(texts));
    if (function == Native::path_resolve) return value_of(resolve_path(options.directory, texts));
    if (texts.empty()) return std::unexpected("a path is text, and this is undefined");
    if (function == Native::path_dirname) return value_of(directory_of(texts[0]));
    if (function == Native::path_extname) return value_of(extension_of(texts[0]));
    if (function == Native::path_normalize) return value_of(normalize_path(texts[0]));
    return value_of(base_name(texts[0], texts.size() > 1 ? texts[1] : ""));
}

std::expected<Value, std::string> assign_members(const std::vector<Value>& arguments) {
    Value::Object out;
    for (const Value& argument : arguments) {
        if (argument.is_nothing()) continue;
        if (argument.object() == nullptr) {
            return std::unexpected(
                fmt::format("Object.assign is for objects, and this is {}", kind_of(argument))
            );
        }
        for (const Member& member : *argument.object()) {
            set_member(out, member.key, member.value);
            if (out.size() > members_max) return std::unexpected(too_many_members());
        }
    }
    return value_of(std::move(out));
}

double call_math(Native function, const std::vector<Value>& arguments) {
    if (function == Native::math_max || function == Native::math_min) {
        const bool is_max = function == Native::math_max;
        double best = is_max ? -std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::infinity();
        for (const Value& argument : arguments) {
            const double number = to_number(argument);
            if (std::isnan(number)) return number;
            best = is_max ? std::max(best, number) : std::min(best, number);
        }
        return best;
    }
    const double number = arguments.empty() ? not_a_number : to_number(arguments[0]);
    if (function == Native::math_floor) return std::floor(number);
    if (function == Native::math_ceil) return std::ceil(number);
    return std::floor(number + 0.5);
}

std::expected<Value, std::string> call_conversion(
    Native function, const std::vector<Value>& arguments
) {
    const Value first = arguments.empty() ? Value{} : arguments[0];
    switch (function) {
        case Native::parse_int: {
            const double radix = arguments.size() > 1 ? to_number(arguments[1]) : 0;
            return value_of(integer_in_base(trimmed(to_text(first)), radix));
        }
        case Native::parse_float:
            return value_of(leading_number(trimmed(to_text(first)), false));
        case Native::number:
            return value_of(arguments.empty() ? 0 : to_number(first));
        case Native::text:
            return value_of(arguments.empty() ? std::string() : to_text(first));
        default:
            return value_of(is_truthy(first));
    }
}

}  // namespace

std::string too_many_members() {
    return fmt::format("an object has more than {} members", members_max);
}

std::uint32_t processor_count() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1U, static_cast<std::uint32_t>(CPU_COUNT(&set)));
}

bool is_truthy(const Value& value) {
    if (value.is_nothing()) return false;
    if (const auto* flag = value.flag()) return *flag;
    if (const auto* number = value.number()) return *number != 0 && !std::isnan(*number);
    if (const auto* text = value.text()) return !text->empty();
    return true;
}

double to_number(const Value& value) {
    if (const auto* number = value.number()) return *number;
    if (const auto* flag = value.flag()) return *flag ? 1 : 0;
    if (value.is_undefined()) return not_a_number;
    if (value.is_nothing()) return 0;
    const std::string all = to_text(value);
    const std::string_view text = trimmed(all);
    if (text.empty()) return 0;
    if (text.size() > 2 && (text.starts_with("0x") || text.starts_with("0X"))) {
        const bool is_hex =
            std::ranges::all_of(text.substr(2), [](char c) { return hex_digit(c) >= 0; });
        return is_hex ? integer_in_base(text, 16) : not_a_number;
    }
    return leading_number(text, true);
}

std::optional<Native> find_module(std::string_view name) {
    if (name.starts_with("node:")) name.remove_prefix(5);
    const auto found = std::ranges::find(modules, name, &NamedNative::name);
    if (found == std::end(modules)) return {};
    return found->native;
}

std::optional<Value> find_global(std::string_view name, const ScriptOptions& options) {
    if (name == "undefined") return Value{};
    if (name == "NaN") return value_of(not_a_number);
    if (name == "Infinity") return value_of(std::numeric_limits<double>::infinity());
    if (options.form == ScriptOptions::Form::module) {
        if (name == "__filename") return value_of(options.path);
        if (name == "__dirname") return value_of(directory_of(options.path));
    }
    const auto found = std::ranges::find(globals, name, &NamedNative::name);
    if (found == std::end(globals)) return {};
    const bool is_there =
        found->native != Native::require || options.form == ScriptOptions::Form::module;
    if (!is_there) return {};
    return value_of(found->native);
}

std::optional<Value> find_native_member(
    Native native, std::string_view name, const ScriptOptions& options
) {
    if (native == Native::process_env) {
        for (const std::string_view variable : options.environment) {
            const std::size_t equals = variable.find('=');
            if (equals != std::string_view::npos && variable.substr(0, equals) == name) {
                return value_of(std::string(variable.substr(equals + 1)));
            }
        }
        return Value{};
    }
    if (native == Native::cpus && name == "length") {
        // All that there are, as node counts them, not those that we may use.
        return value_of(double(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))));
    }
    if (native == Native::process && name == "platform") return value_of(std::string("linux"));
    if (native == Native::path && name == "sep") return value_of(std::string("/"));
    if (native == Native::import_meta) {
        if (name == "filename") return value_of(options.path);
        if (name == "dirname") return value_of(directory_of(options.path));
        if (name != "url") return {};
        std::string url = "file://";
        append_percent_encoded(url, options.path, Slash::keep);
        return value_of(std::move(url));
    }
    const auto* const found = std::ranges::find_if(members_of_natives, [&](const auto& member) {
        return member.of == native && member.name == name;
    });
    if (found == std::end(members_of_natives)) return {};
    return value_of(found->gives);
}

bool is_function(Native native) {
    return native >= Native::require;
}

Value::Object environment_object(const ScriptOptions& options) {
    Value::Object out;
    for (const std::string_view variable : options.environment) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string_view::npos) continue;
        out.push_back(
            {std::string(variable.substr(0, equals)),
             value_of(std::string(variable.substr(equals + 1)))}
        );
    }
    return out;
}

std::expected<Value, std::string> call_native(
    Native function, const std::vector<Value>& arguments, const ScriptOptions& options
) {
    switch (function) {
        case Native::require: {
            const std::string* name = arguments.empty() ? nullptr : arguments[0].text();
            if (name == nullptr) return std::unexpected("require needs the name of a module");
            if (const auto native = find_module(*name)) return value_of(*native);
            return std::unexpected(fmt::format("require of \"{}\"", *name));
        }
        case Native::path_join:
        case Native::path_resolve:
        case Native::path_dirname:
        case Native::path_basename:
        case Native::path_extname:
        case Native::path_normalize:
            return call_path(function, arguments, options);
        case Native::os_cpus:
            return value_of(Native::cpus);
        case Native::os_parallelism:
            return value_of(double(processor_count()));
        case Native::os_hostname:
            return value_of(host_name());
        case Native::os_home:
            return value_of(home_directory(options));
        case Native::url_to_path:
            return path_of_url(arguments);
        case Native::process_cwd:
            return value_of(options.directory);
        case Native::object_assign:
            return assign_members(arguments);
        case Native::math_max:
        case Native::math_min:
        case Native::math_floor:
        case Native::math_ceil:
        case Native::math_round:
            return value_of(call_math(function, arguments));
        case Native::console_print:
            return Value{};
        default:
            return call_conversion(function, arguments);
    }
}

}  // namespace tranter::appfile

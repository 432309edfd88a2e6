#include "telemetry/settings.hpp"

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"
#include "http/client.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace tranter::telemetry {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Values are not shown: a header may hold a secret.
void say_bad(const char* name, std::string_view right) {
    log_warn(
        "telemetry",
        "a variable of OpenTelemetry cannot be read, its default counts",
        {{"variable", name}, {"expected", right}}
    );
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

class Variables {
  public:
    explicit Variables(const Getenv& getenv) : getenv_(getenv) {}

    /// The standard treats an empty one as one that is not set.
    std::string_view text(const char* name) const {
        const char* value = getenv_(name);
        return value == nullptr ? std::string_view() : trimmed(value);
    }

    bool is(const char* name, std::string_view value) const {
        return std::ranges::equal(text(name), value, [](char a, char b) {
            return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
        });
    }

    template <class T>
    void number(const char* name, T low, T high, T& target) const {
        const std::string_view written = text(name);
        if (written.empty()) return;
        T value{};
        const char* const end = written.data() + written.size();
        const auto read = std::from_chars(written.data(), end, value);
        if (read.ec == std::errc() && read.ptr == end && value >= low && value <= high) {
            target = value;
        } else {
            say_bad(name, "a number within its limits, see docs/tracing.md");
        }
    }

    void millis(const char* name, Duration& target) const {
        std::int64_t value = std::chrono::duration_cast<std::chrono::milliseconds>(target).count();
        number<std::int64_t>(name, 1, 3'600'000, value);
        target = std::chrono::milliseconds(value);
    }

    /// "name=value,name=value", with percent-encoded values.
    Pairs pairs(const char* name) const {
        Pairs out;
        std::string_view rest = text(name);
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(','), rest.size());
            const std::string_view one = trimmed(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (one.empty()) continue;
            const std::size_t equals = one.find('=');
            auto value = equals == std::string_view::npos
                             ? std::nullopt
                             : percent_decode(trimmed(one.substr(equals + 1)));
            const std::string_view key = trimmed(one.substr(0, equals));
            if (key.empty() || !value || !is_valid_utf8(*value)) {
                say_bad(name, "name=value, separated by commas");
                continue;
            }
            out.emplace_back(key, std::move(*value));
        }
        return out;
    }

  private:
    const Getenv& getenv_;
};

void set(Pairs& pairs, std::string_view name, std::string_view value) {
    std::erase_if(pairs, [&](const auto& pair) { return pair.first == name; });
    pairs.emplace_back(name, value);
}

std::string url_of(const Variables& variables) {
    if (const auto traces = variables.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); !traces.empty())
        return std::string(traces);
    std::string url(variables.text("OTEL_EXPORTER_OTLP_ENDPOINT"));
    if (url.empty()) return url;
    while (url.ends_with('/'))
        url.pop_back();
    return url + "/v1/traces";
}

bool is_header(const std::pair<std::string, std::string>& header) {
    const auto is_token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").contains(c);
    };
    const auto is_text = [](char c) {
        return static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    };
    return std::ranges::all_of(header.first, is_token) &&
           std::ranges::all_of(header.second, is_text);
}

Pairs headers_of(const Variables& variables) {
    const char* name = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
    if (variables.text(name).empty()) name = "OTEL_EXPORTER_OTLP_HEADERS";
    Pairs headers = variables.pairs(name);
    const std::size_t refused =
        std::erase_if(headers, [](const auto& header) { return !is_header(header); });
    if (refused > 0) say_bad(name, "names and values that HTTP headers may have");
    for (const auto& [key, value] : headers)
        hide_secret(value);
    return headers;
}

Pairs resource_of(const Variables& variables) {
    Pairs resource = variables.pairs("OTEL_RESOURCE_ATTRIBUTES");
    const std::string_view service = variables.text("OTEL_SERVICE_NAME");
    const bool has_name =
        std::ranges::any_of(resource, [](const auto& one) { return one.first == "service.name"; });
    if (!service.empty() || !has_name) {
        set(resource, "service.name", service.empty() ? "tranter" : service);
    }
    return resource;
}

Sampler sampler_of(const Variables& variables) {
    constexpr const char* name = "OTEL_TRACES_SAMPLER";
    constexpr std::string_view prefix = "parentbased_";
    std::string_view kind = variables.text(name);
    if (kind.empty()) return {};
    Sampler sampler{.parent_based = kind.starts_with(prefix)};
    if (sampler.parent_based) kind.remove_prefix(prefix.size());
    if (kind == "always_on") return sampler;
    if (kind == "always_off") {
        sampler.ratio = 0;
    } else if (kind == "traceidratio") {
        variables.number("OTEL_TRACES_SAMPLER_ARG", 0.0, 1.0, sampler.ratio);
    } else {
        say_bad(name, "always_on, always_off or traceidratio, or parentbased_ and one of these");
        return {};
    }
    return sampler;
}

void look_at_protocol(const Variables& variables) {
    const char* name = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    if (variables.text(name).empty()) name = "OTEL_EXPORTER_OTLP_PROTOCOL";
    const std::string_view protocol = variables.text(name);
    if (!protocol.empty() && protocol != "http/json") say_bad(name, "http/json");
}

}  // namespace

bool Sampler::samples_root(const TraceId& id) const {
    if (ratio >= 1) return true;
    if (ratio <= 0) return false;
    // As other SDKs decide it, so that they agree about a trace: by its last 63 bits.
    std::uint64_t last = 0;
    for (std::size_t i = 8; i < id.size(); ++i)
        last = last << 8U | id[i];
    return static_cast<double>(last >> 1U) < ratio * std::ldexp(1.0, 63);
}

bool Sampler::samples(const TraceId& id, const TraceContext* parent) const {
    return parent_based && parent != nullptr ? parent->sampled : samples_root(id);
}

std::optional<Settings> read_settings(const Getenv& getenv) {
    const Variables variables(getenv);
    if (variables.is("OTEL_SDK_DISABLED", "true")) return std::nullopt;
    if (variables.is("OTEL_TRACES_EXPORTER", "none")) return std::nullopt;
    Settings settings{.url = url_of(variables)};
    if (settings.url.empty()) return std::nullopt;
    if (auto checked = http::check_url(settings.url); !checked) {
        log_error(
            "telemetry",
            "the endpoint for spans is no URL that we can use, nothing is exported",
            {{"error", checked.error().message()}}
        );
        return std::nullopt;
    }
    look_at_protocol(variables);
    settings.headers = headers_of(variables);
    settings.resource = resource_of(variables);
    settings.sampler = sampler_of(variables);
    variables.millis("OTEL_EXPORTER_OTLP_TIMEOUT", settings.timeout);
    variables.millis("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", settings.timeout);
    variables.millis("OTEL_BSP_SCHEDULE_DELAY", settings.batch_delay);
    variables.number<std::size_t>("OTEL_BSP_MAX_QUEUE_SIZE", 1, 1'000'000, settings.queue_max);
    variables.number<std::size_t>("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, 100'000, settings.batch_max);
    settings.batch_max = std::min(settings.batch_max, settings.queue_max);
    return settings;
}

}  // namespace tranter::telemetry

#include "load/report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::bench {
namespace {

double milliseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e6;
}

double megabytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / 1e6;
}

/// Builds one flat JSON object.
class JsonLine {
  public:
    JsonLine& number(std::string_view name, double value) {
        return member(name, fmt::format("{:.9g}", value));
    }
    JsonLine& text(std::string_view name, std::string_view value) {
        std::string quoted = "\"";
        for (const char letter : value) {
            if (letter == '"' || letter == '\\') quoted += '\\';
            quoted += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
        }
        return member(name, quoted + '"');
    }
    JsonLine& percentiles(const std::string& prefix, const Histogram& histogram) {
        number(prefix + "p50_ms", milliseconds(histogram.quantile(0.5)));
        number(prefix + "p90_ms", milliseconds(histogram.quantile(0.9)));
        number(prefix + "p99_ms", milliseconds(histogram.quantile(0.99)));
        number(prefix + "p999_ms", milliseconds(histogram.quantile(0.999)));
        return number(prefix + "max_ms", milliseconds(histogram.max()));
    }
    void print() const { fmt::print("{{{}}}\n", line_); }

  private:
    JsonLine& member(std::string_view name, std::string_view value) {
        line_ += fmt::format("{}\"{}\":{}", line_.empty() ? "" : ",", name, value);
        return *this;
    }

    std::string line_;
};

void print_percentiles(std::string_view what, const Histogram& histogram) {
    if (histogram.count() == 0) return;
    fmt::print(
        "  {:<15} p50 {:.3f}  p90 {:.3f}  p99 {:.3f}  p99.9 {:.3f}  max {:.3f} ms\n",
        what,
        milliseconds(histogram.quantile(0.5)),
        milliseconds(histogram.quantile(0.9)),
        milliseconds(histogram.quantile(0.99)),
        milliseconds(histogram.quantile(0.999)),
        milliseconds(histogram.max())
    );
}

void print_errors(std::uint64_t errors, const std::string& first_error) {
    if (errors > 0) fmt::print("  {} ERRORS, the first: {}\n", errors, first_error);
}

constexpr std::pair<Op, const char*> measured_ops[] = {
    {Op::send, "send"}, {Op::receive, "receive"}, {Op::remove, "delete"}};

}  // namespace

void print(const Options& options, const ClosedReport& report) {
    const Sample& sample = report.sample;
    const std::uint64_t messages = options.mode == Mode::send ? sample.sent : sample.removed;
    const double count = static_cast<double>(messages > 0 ? messages : 1);
    const double rate = static_cast<double>(messages) / report.seconds;
    const double server_us = (report.after.cpu - report.before.cpu) / count * 1e6;
    const double generator_us = report.generator_cpu / count * 1e6;
    const double user = report.after.user - report.before.user;
    const double system = report.after.system - report.before.system;
    const double system_share = user + system > 0 ? system / (user + system) : 0;

    if (options.json) {
        JsonLine line;
        line.text("mode", name_of(options.mode)).number("messages", static_cast<double>(messages));
        line.number("seconds", report.seconds).number("rate", rate);
        line.number("server_us", server_us).number("system_share", system_share);
        line.number("generator_us", generator_us);
        line.number("rss", static_cast<double>(report.after.rss));
        line.number("displaced", static_cast<double>(sample.displaced));
        line.number("empty", static_cast<double>(sample.empty));
        line.number("errors", static_cast<double>(sample.errors)).text("error", sample.first_error);
        for (const auto& [op, name] : measured_ops) {
            const Histogram& latency = sample.latency[static_cast<std::size_t>(op)];
            if (latency.count() > 0) line.percentiles(fmt::format("{}_", name), latency);
        }
        line.print();
        return;
    }
    fmt::print(
        "{}: {} messages in {:.2f} s, {:.0f}/s; {} connections, batch {}, body {} bytes\n",
        name_of(options.mode),
        messages,
        report.seconds,
        rate,
        options.connections,
        options.batch,
        options.body_bytes
    );
    if (options.server_pid != 0) {
        fmt::print(
            "  server          {:.2f} us CPU/message, {:.0f} % of it in the kernel; {:.1f} MB\n",
            server_us,
            system_share * 100,
            megabytes(report.after.rss)
        );
    }
    fmt::print("  generator       {:.2f} us CPU/message\n", generator_us);
    for (const auto& [op, name] : measured_ops) {
        print_percentiles(name, sample.latency[static_cast<std::size_t>(op)]);
    }
    print_errors(sample.errors, sample.first_error);
}

void print(const Options& options, const LatencySample& sample) {
    const std::string reason = sample.void_reason();
    if (options.json) {
        JsonLine line;
        line.text("mode", name_of(options.mode));
        line.number("messages", static_cast<double>(sample.arrived));
        line.number("planned", static_cast<double>(sample.planned));
        line.percentiles("", sample.from_intended).percentiles("sent_", sample.from_sent);
        line.percentiles("lag_", sample.lag).text("void", reason);
        line.number("errors", static_cast<double>(sample.errors)).text("error", sample.first_error);
        line.print();
        return;
    }
    fmt::print(
        "latency: {} of {} messages at {:.0f}/s through {} long polls\n",
        sample.arrived,
        sample.planned,
        options.rate,
        options.connections
    );
    print_percentiles("from intended", sample.from_intended);
    print_percentiles("from sent", sample.from_sent);
    print_percentiles("generator lag", sample.lag);
    if (!reason.empty()) fmt::print("  VOID: {}\n", reason);
}

void print(const Options& options, const IdleSample& sample) {
    const double share = (sample.after.cpu - sample.before.cpu) / sample.seconds * 100;
    if (options.json) {
        JsonLine line;
        line.text("mode", name_of(options.mode)).number("seconds", sample.seconds);
        line.number("cpu_percent", share).number("rss", static_cast<double>(sample.after.rss));
        line.number("renewed", static_cast<double>(sample.renewed));
        line.number("errors", static_cast<double>(sample.errors)).text("error", sample.first_error);
        line.print();
        return;
    }
    fmt::print("idle: {} long polls for {:.1f} s\n", options.connections, sample.seconds);
    fmt::print("  server          {:.2f} % of a core, ", share);
    fmt::print("{:.1f} MB; {} polls renewed\n", megabytes(sample.after.rss), sample.renewed);
    print_errors(sample.errors, sample.first_error);
}

void print(const Options& options, const StartSample& sample) {
    const double median = sample.milliseconds[sample.milliseconds.size() / 2];
    if (options.json) {
        JsonLine line;
        line.text("mode", name_of(options.mode)).number("p50_ms", median);
        line.number("max_ms", sample.milliseconds.back());
        line.number("rss", static_cast<double>(sample.idle_rss));
        line.print();
        return;
    }
    fmt::print(
        "start: first answer after {:.1f} ms (median of {}, max {:.1f}); idle {:.1f} MB\n",
        median,
        sample.milliseconds.size(),
        sample.milliseconds.back(),
        megabytes(sample.idle_rss)
    );
}

}  // namespace tranter::bench

#include "base/log_text.hpp"

#include <tranter/registry.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tranter {

namespace {

constexpr std::size_t step_name_bytes_max = 128;

/// Keeps the steps of several runs of a job apart.
std::string run_suffix(std::uint32_t run) {
    return fmt::format("#{}", run);
}

void check_entry(std::string_view what, const Registry::Entry& entry) {
    const auto refuse = [&](std::string_view problem) {
        throw Exception(Error(Errc::invalid_argument, fmt::format("{}: {}", what, problem)));
    };
    if (!entry.run) refuse("the handler is empty");
    if (entry.options.timeout && entry.options.timeout->count() < 0) {
        refuse(fmt::format(
            "timeout is {}ms, it must not be below zero", entry.options.timeout->count()
        ));
    }
    if (entry.options.runs > runs_max) {
        refuse(fmt::format("runs is {}, limit is {}", entry.options.runs, runs_max));
    }
    if (entry.options.retry && !entry.options.retry->problem().empty()) {
        refuse(entry.options.retry->problem());
    }
}

}  // namespace

void Registry::add(std::string_view type, std::string_view queue, Entry entry) {
    if (!is_valid_kind(type) || type.starts_with("__")) {
        throw Exception(Error(
            Errc::invalid_argument,
            fmt::format(
                "type is \"{}\", it must be 1 to {} letters, digits and _ - . : / and not begin "
                "with __",
                one_line(type),
                kind_bytes_max
            )
        ));
    }
    check_entry(fmt::format("type {}", type), entry);
    if (!entries_.try_emplace(std::string(type), std::move(entry)).second) {
        throw Exception(
            Error(Errc::already_exists, fmt::format("type {} has a handler already", type))
        );
    }
    queues_.emplace(queue);
}

void Registry::add_otherwise(Entry entry) {
    check_entry("any other type", entry);
    if (otherwise_) {
        throw Exception(Error(Errc::already_exists, "there is a handler for any other type already")
        );
    }
    otherwise_ = std::move(entry);
}

void Registry::use(RunMiddleware layer) {
    if (!layer) throw Exception(Error(Errc::invalid_argument, "the middleware is empty"));
    layers_.push_back(std::move(layer));
}

const Registry::Entry* Registry::find(std::string_view type) const {
    const auto found = entries_.find(type);
    if (found != entries_.end()) return &found->second;
    return otherwise_ ? &*otherwise_ : nullptr;
}

AttemptOutcome Registry::run(const Entry& entry, Context& context) const {
    return layers_.empty() ? entry.run(context) : run_layer(0, entry, context);
}

AttemptOutcome Registry::run_layer(std::size_t layer, const Entry& entry, Context& context) const {
    if (layer == layers_.size()) return entry.run(context);
    return layers_[layer](context, [this, layer, &entry](Context& inner) {
        return run_layer(layer + 1, entry, inner);
    });
}

bool Registry::has_limits() const {
    const auto has_limit = [](const Entry& entry) {
        return entry.options.concurrency > 0;
    };
    if (otherwise_ && has_limit(*otherwise_)) return true;
    return std::ranges::any_of(entries_, has_limit, &decltype(entries_)::value_type::second);
}

std::vector<std::string> Registry::queues() const {
    return {queues_.begin(), queues_.end()};
}

std::vector<std::string> Registry::types() const {
    std::vector<std::string> types;
    types.reserve(entries_.size());
    for (const auto& [type, entry] : entries_)
        types.push_back(type);
    return types;
}

std::string Context::step_name(std::string_view name) const {
    if (name.empty() || name.size() > step_name_bytes_max) {
        throw Exception(Error(
            Errc::invalid_argument,
            fmt::format(
                "the name of a step is {} bytes, it must be 1 to {}",
                name.size(),
                step_name_bytes_max
            )
        ));
    }
    return runs() == 1 ? std::string(name) : std::string(name) + run_suffix(run_);
}

std::vector<Step> Context::earlier_steps() const {
    if (runs() == 1) return job_.steps;
    const std::string suffix = run_suffix(run_);
    std::vector<Step> out;
    for (const Step& step : job_.steps) {
        if (!step.name.ends_with(suffix)) continue;
        const std::size_t bytes = step.name.size() - suffix.size();
        out.push_back({.name = step.name.substr(0, bytes), .result = step.result});
    }
    return out;
}

}  // namespace tranter

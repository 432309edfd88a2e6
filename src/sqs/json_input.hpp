#pragma once

#include "sqs/input.hpp"

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tranter::sqs {

/// Members of one JSON object, read once and then found by name. A name that occurs twice is a
/// failure: readers that differ in which one they believe are a way around checks. So are more than
/// items_max members.
class JsonInput final : public Input {
  public:
    explicit JsonInput(simdjson::dom::object object);
    JsonInput(const JsonInput&) = delete;
    JsonInput& operator=(const JsonInput&) = delete;

    std::optional<std::string_view> text(std::string_view name) override;
    std::optional<Integer> integer(std::string_view name) override;
    std::vector<std::string_view> list(const ListName& name) override;
    std::vector<NamedText> map(const MapName& name) override;
    std::vector<AttributeInput> attributes(const MapName& name) override;
    std::size_t entries(
        const ListName& name, std::size_t most, const std::function<void(Input&)>& visit
    ) override;

  private:
    struct Field {
        std::string_view name;
        simdjson::dom::element value;
    };

    /// Nothing when absent or null.
    const simdjson::dom::element* find(std::string_view name) const;
    void fail_type(std::string_view name, std::string_view wanted);
    void check_distinct();

    std::array<Field, 8> few_;
    std::vector<Field> many_;  // instead of few_, when that is too small
    std::span<const Field> fields_;
};

/// A request body, parsed by this thread's parser: one at a time per thread, used on that thread
/// only. The body outlives the document and is followed by http::body_padding_bytes readable bytes.
class JsonDocument {
  public:
    explicit JsonDocument(std::string_view body);
    ~JsonDocument();
    JsonDocument(const JsonDocument&) = delete;
    JsonDocument& operator=(const JsonDocument&) = delete;

    /// SerializationException unless the body is one JSON object of valid UTF-8, at most 64 levels
    /// deep; InvalidMessageContents when all that is wrong is half a surrogate pair.
    const std::optional<Failure>& failure() const { return failure_; }
    /// Its members, when there is no failure.
    Input& input() { return *input_; }

  private:
    std::optional<Failure> failure_;
    std::optional<JsonInput> input_;
};

}  // namespace tranter::sqs

#pragma once

#include "sqs/input.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tranter::sqs {

/// One parameter of a form, percent-decoded.
struct Parameter {
    std::string_view name;
    std::string_view value;
};

/// The parameters of a Query request: those of the body, then those of the URL. Refers to the
/// request where nothing had to be decoded.
class QueryForm {
  public:
    static constexpr std::size_t parameters_max = items_max;

    /// MalformedQueryString for a broken percent-escape, invalid UTF-8 in a name or too many
    /// parameters.
    [[nodiscard]] static Outcome<QueryForm> parse(std::string_view body, std::string_view query);

    std::span<const Parameter> parameters() const { return parameters_; }
    /// The first of that name.
    std::optional<std::string_view> find(std::string_view name) const;

  private:
    [[nodiscard]] Outcome<> add(std::string_view form);
    [[nodiscard]] std::optional<std::string_view> decode(std::string_view text);

    std::vector<Parameter> parameters_;
    std::unique_ptr<char[]> decoded_;
    char* free_ = nullptr;
};

/// Reads `Name`, `Name.N`, `Name.member.N` and `Name.N.Member` (SQS_SPEC 3): numbers may be sparse,
/// in any order or missing. The first of several equal names counts.
class QueryInput final : public Input {
  public:
    explicit QueryInput(std::span<const Parameter> parameters) : parameters_(parameters) {}

    std::optional<std::string_view> text(std::string_view name) override;
    std::optional<Integer> integer(std::string_view name) override;
    std::vector<std::string_view> list(const ListName& name) override;
    std::vector<NamedText> map(const MapName& name) override;
    std::vector<AttributeInput> attributes(const MapName& name) override;
    std::size_t entries(
        const ListName& name, std::size_t most, const std::function<void(Input&)>& visit
    ) override;

  private:
    struct Numbered {
        std::uint64_t number = 0;  // 0: none was written
        std::size_t place = 0;     // in the form; decides between equal numbers
        Parameter parameter;       // the name is what follows the number, without the dot
    };
    std::optional<std::string_view> find(std::string_view name) const;
    /// What stands below `prefix`, by number.
    std::vector<Numbered> below(std::string_view prefix);
    void each_numbered(
        std::string_view prefix, const std::function<void(std::uint64_t, QueryInput&)>& visit
    );

    std::span<const Parameter> parameters_;
};

}  // namespace tranter::sqs

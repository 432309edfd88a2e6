#pragma once

#include "sqs/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::sqs {

/// What one list, map or object of a request may hold, however lax the limits are: an item that
/// takes three bytes to send takes hundreds to keep, and whoever sends it need not have signed.
inline constexpr std::size_t items_max = 10'000;

/// A whole number as a client wrote it.
struct Integer {
    std::int64_t value = 0;
    bool valid = true;        // false: not a whole number of 64 bits
    std::string_view text{};  // what was written, when it was text
    double number = 0;        // what was written, when it was a number that is not valid

    static Integer from_text(std::string_view text);
    /// For error texts.
    std::string shown() const;
};

struct NamedText {
    std::string_view name;
    std::string_view value;
};

/// One message attribute as a client sent it, unchecked.
struct AttributeInput {
    std::string_view name;
    std::optional<std::string_view> type{};
    std::optional<std::string_view> string_value{};
    std::optional<std::string_view> binary_value{};  // base64
    bool has_list = false;                           // StringListValues or BinaryListValues
};

// The two protocols call the same member by different names (SQS_SPEC 3).
struct ListName {
    std::string_view json;
    std::string_view query;
};
struct MapName {
    std::string_view json;
    std::string_view query;
    std::string_view key = "Name";  // query: Attribute.1.Name, Tag.1.Key
};

/// The parameters of a request, or of one entry of a batch, whatever the protocol. Views in the
/// results live until the handler returns.
///
/// What is absent or null reads as nothing. A member of the wrong type also does, and is kept as
/// failure(): actions read everything they need and then ask once whether that went well.
class Input {
  public:
    virtual ~Input() = default;

    virtual std::optional<std::string_view> text(std::string_view name) = 0;
    virtual std::optional<Integer> integer(std::string_view name) = 0;
    virtual std::vector<std::string_view> list(const ListName& name) = 0;
    virtual std::vector<NamedText> map(const MapName& name) = 0;
    virtual std::vector<AttributeInput> attributes(const MapName& name) = 0;
    /// Calls `visit` for the first `most` entries in order and says how many there are; those after
    /// them are not looked at. What is wrong inside an entry is also wrong here.
    virtual std::size_t entries(
        const ListName& name, std::size_t most, const std::function<void(Input&)>& visit
    ) = 0;

    /// The first thing that could not be read.
    const std::optional<Failure>& failure() const { return failure_; }

  protected:
    void fail(Failure failure) {
        if (!failure_) failure_ = std::move(failure);
    }

  private:
    std::optional<Failure> failure_;
};

}  // namespace tranter::sqs

#pragma once

#include "cli/args.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

/// JSON with the value at `path` replaced. The path is names of members and positions in arrays
/// with dots between (`user.tags.0`); objects that are missing on the way are made. All else stays
/// as it is written, digit by digit. `invalid_argument` for a path that the value has no room for.
[[nodiscard]] Result<std::string> json_with(
    std::string_view json, std::string_view path, std::string_view value
);

/// JSON on many lines, for people.
std::string indented_json(std::string_view json);

/// What --payload, --set and --edit make of a payload.
class PayloadEdit {
  public:
    /// `invalid_argument` for what is no JSON, no PATH=JSON, or both of --payload and --set.
    static Result<PayloadEdit> read(const Arguments& arguments);

    bool changes() const { return replacement_ || !changes_.empty() || editor_; }
    /// Compact JSON. With --edit runs $VISUAL, $EDITOR or vi on a private file; `cancelled` when
    /// that ends with another status than 0.
    [[nodiscard]] Result<std::string> apply(std::string_view payload) const;

    static std::vector<Option> options();

  private:
    std::optional<std::string> replacement_{};
    std::vector<std::pair<std::string, std::string>> changes_{};
    bool editor_ = false;
};

}  // namespace tranter::cli

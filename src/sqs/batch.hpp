#pragma once

#include "sqs/call.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What the three batch actions share (SQS_SPEC 5.8).
namespace tranter::sqs {

/// Entries of one request.
constexpr std::size_t batch_entries_max(Limits limits) {
    return limits == Limits::strict ? 10 : items_max;
}

struct BatchKind {
    ListName entries;
    OutputList successful;
};

/// Number of entries, syntax and uniqueness of their ids: what fails the whole request. `count` is
/// how many there are, of which `ids` has no more than may be.
[[nodiscard]] Outcome<> check_batch(
    const std::vector<std::string_view>& ids,
    std::size_t count,
    const BatchKind& kind,
    Limits limits
);

/// Writes `Successful` entry by entry and `Failed`, if there is any, after it.
class BatchAnswer {
  public:
    BatchAnswer(Output& output, const BatchKind& kind) : output_(output), kind_(kind) {
        output_.begin_list(kind_.successful);
    }
    BatchAnswer(const BatchAnswer&) = delete;
    BatchAnswer& operator=(const BatchAnswer&) = delete;

    /// Members beyond the id are written between these two.
    void begin_success(std::string_view id);
    void end_success() { output_.end_object(kind_.successful); }
    void failure(std::string_view id, Failure failure);
    void finish();

  private:
    struct Entry {
        std::string_view id;
        Failure failure;
    };
    Output& output_;
    const BatchKind& kind_;
    std::vector<Entry> failed_;
};

}  // namespace tranter::sqs

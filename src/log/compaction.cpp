#include "log/compaction.hpp"

namespace tranter::log {
namespace {

/// Read and kept between two waits, so that a commit never carries more than this for compaction.
constexpr std::size_t step_bytes = 256U << 10U;

class KeepEach final : public RecordVisitor {
  public:
    explicit KeepEach(Keeper& keeper) : keeper_(keeper) {}
    void record(Position at, RecordType type, std::string_view body) override {
        keeper_.keep(at, type, body);
    }

  private:
    Keeper& keeper_;
};

}  // namespace

bool Compactor::worth_it(const LogFigures& figures, std::uint64_t live, std::uint64_t segment) {
    return figures.oldest_segment < figures.newest_segment && figures.bytes > 2 * live + segment;
}

Compactor::Need Compactor::step(bool force) {
    if (segment_ == 0) {
        const LogFigures figures = log_.figures();
        if (figures.oldest_segment >= figures.newest_segment) return Need::nothing;
        if (!force && !worth_it(figures, keeper_.live_bytes(), log_.segment_bytes())) {
            return Need::nothing;
        }
        segment_ = figures.oldest_segment;
        offset_ = 0;
        visited_ = false;
    } else if (!log_.is_durable(waiting_for_)) {
        return Need::durable;
    }
    if (visited_) {
        segment_ = 0;
        return log_.drop_oldest() ? Need::step : Need::nothing;
    }
    KeepEach visitor(keeper_);
    offset_ = log_.visit_oldest(offset_, step_bytes, visitor);
    if (offset_ == 0) {
        keeper_.settle();
        visited_ = true;
    }
    waiting_for_ = log_.end();
    return Need::durable;
}

}  // namespace tranter::log

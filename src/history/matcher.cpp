#include "history/matcher.hpp"

#include "history/database.hpp"
#include "history/rows.hpp"
#include "history/store.hpp"
#include "history/text.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::history {

class Matcher::Texts {
  public:
    explicit Texts(const HistoryFilter& filter) : search_(filter, tokenizer_) {}

    bool match(const JobEntry& entry) const {
        const std::string errors = encode_errors(entry.errors);
        const std::string log = entry.log.text();
        return search_.matches({entry.payload, entry.result, errors, log});
    }

  private:
    Database database_{std::string(HistoryOptions::memory), Database::Mode::write};
    Tokenizer tokenizer_{database_};
    TextSearch search_;
};

Matcher::Matcher(HistoryFilter filter) : filter_(std::move(filter)) {
    if (!filter_.words.empty() || !filter_.errors.empty()) {
        texts_ = std::make_unique<Texts>(filter_);
    }
}

Matcher::~Matcher() = default;

bool Matcher::matches(const JobEntry& entry) const {
    if (filter_.queue && entry.queue != *filter_.queue) return false;
    if (filter_.type && entry.type != *filter_.type) return false;
    if (filter_.group && entry.group != *filter_.group) return false;
    const auto has_tag = [&entry](const std::string& tag) {
        return std::ranges::find(entry.tags, tag) != entry.tags.end();
    };
    if (!std::ranges::all_of(filter_.tags, has_tag)) return false;
    const auto has_value = [&entry](const ArgumentTerm& term) {
        return argument_matches(entry.payload, term);
    };
    if (!std::ranges::all_of(filter_.arguments, has_value)) return false;
    return !texts_ || texts_->match(entry);
}

}  // namespace tranter::history

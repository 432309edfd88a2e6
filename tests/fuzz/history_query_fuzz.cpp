#include "history/query.hpp"
#include "history/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// Whatever people type to find jobs: either one line of error, or a filter that survives being
/// written and read again, and of which FTS5 accepts what we make of it: what it finds in a text
/// is what comparing finds. The input is the query, up to a newline, and then that text.
namespace {

using namespace tranter;
using namespace tranter::history;

constexpr Instant now{std::chrono::hours(24 * 365 * 50)};

[[noreturn]] void fail(std::string_view what, const std::string& text) {
    std::fprintf(stderr, "%.*s\n%s\n", static_cast<int>(what.size()), what.data(), text.c_str());
    std::abort();
}

class Index {
  public:
    Index() {
        database_.execute(fmt::format(
            "CREATE VIRTUAL TABLE probe USING fts5(payload, result, errors, log, tokenize='{}')",
            Tokenizer::definition
        ));
    }

    void compare(const HistoryFilter& filter, std::string_view text) {
        const TextSearch search(filter, tokenizer_);
        const Texts texts{text, "", text, text};
        const bool compared = search.matches(texts);
        if (search.empty()) {
            if (!compared) fail("nothing to search for finds nothing:", std::string(text));
            return;
        }
        std::string buffer;
        const std::string_view plain = indexed_text(texts, TextField::payload, buffer);
        database_.execute("DELETE FROM probe");
        database_.use("INSERT INTO probe VALUES(?1, '', ?1, ?2)")
            ->bind(1, plain)
            .bind(2, text)
            .run();
        const std::string expression = search.match_expression();
        const StatementUse found = database_.use("SELECT 1 FROM probe WHERE probe MATCH ?1");
        found->bind(1, expression);
        if (found->step() != compared) fail("FTS5 finds what comparing does not:", expression);
    }

  private:
    Database database_{":memory:", Database::Mode::write};
    Tokenizer tokenizer_{database_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Index index;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view query = input.substr(0, end);
    auto filter = parse_query(query, now);
    if (!filter) {
        const std::string& error = filter.error().message();
        if (error.empty() || error.find('\n') != std::string::npos) fail("not one line:", error);
        return 0;
    }
    const std::string written = format_query(*filter, now);
    const auto again = parse_query(written, now);
    // quotes and backslashes may make it longer than what is accepted
    if (!again && written.size() <= 4096) fail(again.error().message(), written);
    if (again && *again != *filter) fail("reads back differently:", written);
    // groups and tags are not compared by their text
    filter->group.reset();
    filter->tags.clear();
    index.compare(*filter, input.substr(std::min(end + 1, input.size())));
    return 0;
}

#pragma once

#include "history/database.hpp"
#include "history/figures.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tranter::history {

/// Fills what is filled some time after an entry came: the table of ids and the text indexes.
/// Works on the writing connection; every function is one transaction, and when it throws
/// DatabaseError nothing has changed. One thread at a time.
class Indexer {
  public:
    /// A text index covers `text_index_entries` sequence numbers, a multiple of `span_length`.
    Indexer(Database& database, const Figures& figures, RecentIds& recent, Seq text_index_entries);

    /// Takes the next few thousand entries. Whether there are more.
    bool step();
    /// Drops a text index whose entries are gone, or makes one of two neighbours of which little
    /// is left. Whether it found any.
    bool tidy();

  private:
    struct TextIndex {
        std::int64_t id = 0;
        Seq first = 0;
        Seq last = 0;
    };
    struct Batch;

    Batch read_batch();
    void add_ids(const Batch& batch);
    bool forget_ids();
    void add_texts(std::int64_t index, Seq first, Seq last);
    std::int64_t index_for(Seq seq);
    std::vector<TextIndex> text_indexes();
    std::int64_t create(Seq first, Seq last);
    void drop(std::int64_t index);

    Database& database_;
    const Figures& figures_;
    RecentIds& recent_;
    const Seq text_index_entries_;
};

}  // namespace tranter::history

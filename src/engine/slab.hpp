#pragma once

#include "engine/message.hpp"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tranter::engine {

/// Messages in chunks that never move, addressed by slot; freed slots are used again, latest first.
/// A chunk exists once a slot of it is used, so a restored message with a high slot costs only its
/// own chunk.
class Slab {
  public:
    Message& operator[](Slot slot) { return chunks_[slot / chunk_size][slot % chunk_size]; }
    const Message& operator[](Slot slot) const {
        return chunks_[slot / chunk_size][slot % chunk_size];
    }

    Slot allocate() {
        ++used_;
        if (free_ != no_slot) {
            const Slot slot = free_;
            free_ = (*this)[slot].line.next;
            return slot;
        }
        if (fresh_ == fresh_end_) start_chunk();
        return fresh_++;
    }

    /// Restoring, before any allocate(): the slot belongs to the newest message that claims it.
    void claim(Slot slot, Sequence sequence) {
        const std::size_t chunk = slot / chunk_size;
        if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
        if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<Message[]>(chunk_size);
        Message& message = (*this)[slot];
        if (message.sequence == 0) ++used_;
        if (message.sequence < sequence) message.sequence = sequence;
    }
    /// Every slot of the claimed chunks that nobody claimed is free now.
    void end_claims() {
        for (std::size_t chunk = chunks_.size(); chunk-- > 0;) {
            if (!chunks_[chunk]) continue;
            for (std::size_t i = chunk_size; i-- > 0;) {
                if (chunks_[chunk][i].sequence != 0) continue;
                chunks_[chunk][i].line.next = free_;
                free_ = static_cast<Slot>(chunk * chunk_size + i);
            }
        }
    }

    void release(Slot slot) {
        Message& message = (*this)[slot];
        // Assigning would copy member by member, each bit for itself.
        std::destroy_at(&message);
        std::construct_at(&message);
        message.line.next = free_;
        free_ = slot;
        if (--used_ == 0) shrink();
    }

    /// The message when the slot holds the one of that sequence number, else null.
    Message* find(Slot slot, Sequence sequence) {
        if (!exists(slot) || (*this)[slot].sequence != sequence || sequence == 0) return nullptr;
        return &(*this)[slot];
    }
    const Message* find(Slot slot, Sequence sequence) const {
        return const_cast<Slab*>(this)->find(slot, sequence);
    }

    std::size_t size() const { return used_; }
    /// Whether the slot may be looked at, used or not.
    bool exists(Slot slot) const {
        return slot / chunk_size < chunks_.size() && chunks_[slot / chunk_size] != nullptr;
    }

  private:
    static constexpr std::size_t chunk_size = 1024;

    void start_chunk() {
        while (next_chunk_ < chunks_.size() && chunks_[next_chunk_])
            ++next_chunk_;
        if (next_chunk_ == chunks_.size()) chunks_.emplace_back();
        chunks_[next_chunk_] = std::make_unique<Message[]>(chunk_size);
        fresh_ = static_cast<Slot>(next_chunk_ * chunk_size);
        fresh_end_ = fresh_ + static_cast<Slot>(chunk_size);
    }

    /// An empty slab keeps one chunk, so that a burst does not hold its memory for good.
    void shrink() {
        if (chunks_.size() <= 1) return;
        std::unique_ptr<Message[]> kept;
        for (auto& chunk : chunks_) {
            if (!kept) kept = std::move(chunk);
        }
        for (std::size_t i = 0; i < chunk_size; ++i)
            kept[i] = Message{};
        chunks_.clear();
        chunks_.push_back(std::move(kept));
        chunks_.shrink_to_fit();
        free_ = no_slot;
        next_chunk_ = 0;
        fresh_ = 0;
        fresh_end_ = static_cast<Slot>(chunk_size);
    }

    std::vector<std::unique_ptr<Message[]>> chunks_;  // null: none of its slots was ever used
    std::size_t next_chunk_ = 0;                      // chunks below exist
    Slot fresh_ = 0;                                  // from here to fresh_end_: never used
    Slot fresh_end_ = 0;
    Slot free_ = no_slot;
    std::size_t used_ = 0;
};

/// A doubly linked list through one of the Links members of the slab's messages.
template <Links Message::*member>
class MessageList {
  public:
    bool empty() const { return head_ == no_slot; }
    Slot head() const { return head_; }
    Slot tail() const { return tail_; }

    void push_back(Slab& slab, Slot slot) {
        Links& links = slab[slot].*member;
        links = {.prev = tail_, .next = no_slot};
        (tail_ == no_slot ? head_ : (slab[tail_].*member).next) = slot;
        tail_ = slot;
    }

    void push_front(Slab& slab, Slot slot) {
        Links& links = slab[slot].*member;
        links = {.prev = no_slot, .next = head_};
        (head_ == no_slot ? tail_ : (slab[head_].*member).prev) = slot;
        head_ = slot;
    }

    /// `after` is in the list; no_slot: at its end.
    void insert_before(Slab& slab, Slot after, Slot slot) {
        if (after == no_slot) return push_back(slab, slot);
        const Slot before = prev(slab, after);
        before == no_slot ? push_front(slab, slot) : insert_after(slab, before, slot);
    }

    /// `before` is in the list.
    void insert_after(Slab& slab, Slot before, Slot slot) {
        Links& links = slab[slot].*member;
        links = {.prev = before, .next = (slab[before].*member).next};
        (links.next == no_slot ? tail_ : (slab[links.next].*member).prev) = slot;
        (slab[before].*member).next = slot;
    }

    void remove(Slab& slab, Slot slot) {
        const Links links = slab[slot].*member;
        (links.prev == no_slot ? head_ : (slab[links.prev].*member).next) = links.next;
        (links.next == no_slot ? tail_ : (slab[links.next].*member).prev) = links.prev;
        slab[slot].*member = {};
    }

    static Slot next(const Slab& slab, Slot slot) { return (slab[slot].*member).next; }
    static Slot prev(const Slab& slab, Slot slot) { return (slab[slot].*member).prev; }

  private:
    Slot head_ = no_slot;
    Slot tail_ = no_slot;
};

using ArrivalList = MessageList<&Message::arrival>;
using Line = MessageList<&Message::line>;

}  // namespace tranter::engine

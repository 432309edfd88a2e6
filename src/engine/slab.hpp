#pragma once

#include "engine/message.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace tranter::engine {

/// Messages in chunks that never move, addressed by slot; freed slots are used again, latest first.
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
        if (end_ == chunks_.size() * chunk_size) {
            chunks_.push_back(std::make_unique<Message[]>(chunk_size));
        }
        return end_++;
    }

    void release(Slot slot) {
        Message& message = (*this)[slot];
        message = Message{};
        message.line.next = free_;
        free_ = slot;
        if (--used_ == 0) shrink();
    }

    /// The message when the slot holds the one of that sequence number, else null.
    Message* find(Slot slot, Sequence sequence) {
        if (slot >= end_ || (*this)[slot].sequence != sequence || sequence == 0) return nullptr;
        return &(*this)[slot];
    }

    std::size_t size() const { return used_; }

  private:
    static constexpr std::size_t chunk_size = 1024;

    /// An empty slab keeps one chunk, so that a burst does not hold its memory for good.
    void shrink() {
        if (chunks_.size() <= 1) return;
        chunks_.resize(1);
        chunks_.shrink_to_fit();
        for (std::size_t i = 0; i < chunk_size; ++i)
            chunks_[0][i] = Message{};
        free_ = no_slot;
        end_ = 0;
    }

    std::vector<std::unique_ptr<Message[]>> chunks_;
    Slot end_ = 0;  // slots below were used at least once
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

    void remove(Slab& slab, Slot slot) {
        const Links links = slab[slot].*member;
        (links.prev == no_slot ? head_ : (slab[links.prev].*member).next) = links.next;
        (links.next == no_slot ? tail_ : (slab[links.next].*member).prev) = links.prev;
        slab[slot].*member = {};
    }

    static Slot next(const Slab& slab, Slot slot) { return (slab[slot].*member).next; }

  private:
    Slot head_ = no_slot;
    Slot tail_ = no_slot;
};

using ArrivalList = MessageList<&Message::arrival>;
using Line = MessageList<&Message::line>;

}  // namespace tranter::engine

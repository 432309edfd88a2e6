#include "admin/jobs_once.hpp"

#include "base/encoding.hpp"
#include "base/uuid.hpp"

#include <algorithm>
#include <utility>

namespace tranter::admin {
namespace {

Uuid derived_id(const IdempotentRequests::Request& request, std::size_t index) {
    std::string text = request.key + "\n";
    append_hex(text, request.content);
    text += "\n" + std::to_string(index);
    const Sha256Digest digest = sha256(text);
    Uuid id{};
    std::copy_n(digest.begin(), id.size(), id.begin());
    id[6] = static_cast<std::uint8_t>((id[6] & 0x0F) | 0x80);  // version 8: whatever we like
    id[8] = static_cast<std::uint8_t>((id[8] & 0x3F) | 0x80);
    return id;
}

}  // namespace

IdempotentRequests::Request IdempotentRequests::describe(
    std::string_view queue, std::string_view key, std::string_view body
) {
    // A queue's name has no line break.
    std::string name(queue);
    name.append("\n").append(key);
    return {.key = std::move(name), .content = sha256(body)};
}

std::vector<std::string> IdempotentRequests::choose_ids(
    const Request& request, std::span<NewJob> jobs
) {
    std::vector<std::string> chosen(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (!jobs[i].id.empty()) continue;
        chosen[i] = format_uuid(derived_id(request, i));
        jobs[i].id = chosen[i];
    }
    return chosen;
}

IdempotentRequests::Begun IdempotentRequests::begin(
    const Request& request, http::Exchange& exchange
) {
    http::Response repeated;
    {
        const std::lock_guard lock(mutex_);
        forget_old(Clock::now());
        const auto [found, added] = entries_.try_emplace(request.key);
        Entry& entry = found->second;
        if (added) {
            entry.content = request.content;
            entry.number = next_number_++;
            return Begun::first;
        }
        if (entry.content != request.content) return Begun::other;
        if (!entry.finished) {
            entry.waiting.push_back(std::move(exchange));
            return Begun::answered;
        }
        repeated = entry.response;
    }
    std::move(exchange).respond(std::move(repeated));
    return Begun::answered;
}

void IdempotentRequests::finish(const Request& request, const http::Response& response) {
    std::vector<http::Exchange> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(request.key);
        if (found == entries_.end() || found->second.finished) return;
        Entry& entry = found->second;
        waiting = std::exchange(entry.waiting, {});
        if (response.status / 100 == 2) {
            entry.finished = true;
            entry.response = response;
            bytes_ += response.body.size();
            ages_.push_back({Clock::now(), request.key, entry.number});
        } else {
            entries_.erase(found);
        }
    }
    for (http::Exchange& exchange : waiting) {
        http::Response same = response;
        std::move(exchange).respond(std::move(same));
    }
}

void IdempotentRequests::forget_old(Clock::time_point now) {
    while (!ages_.empty() && (ages_.size() > bounds_.answers || bytes_ > bounds_.bytes ||
                              now - ages_.front().at >= bounds_.time)) {
        const auto found = entries_.find(ages_.front().key);
        if (found != entries_.end() && found->second.number == ages_.front().number) {
            bytes_ -= found->second.response.body.size();
            entries_.erase(found);
        }
        ages_.pop_front();
    }
}

}  // namespace tranter::admin

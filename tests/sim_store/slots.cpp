#include "slots.hpp"

#include "broker/store.hpp"
#include "choices.hpp"
#include "content.hpp"
#include "virtual_clock.hpp"
#include "virtual_disk.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::store_sim {
namespace {

using std::chrono::seconds;
using View = engine::MessageView;

constexpr std::uint32_t bodies_max = 40;
constexpr std::uint32_t group_count = 6;
constexpr Duration lease_max = seconds(60);
constexpr std::size_t messages_max = 80;
constexpr const char* queue_name = "work";

engine::QueuePolicy draw_limits(sim::Choices& choices) {
    engine::QueuePolicy policy{.retention = {}};
    if (choices.percent(30)) policy.groups.order = engine::Order::fifo;
    policy.groups.fairness = choices.one_of<engine::Fairness>(
        {engine::Fairness::off, engine::Fairness::round_robin, engine::Fairness::aws}
    );
    policy.max_in_flight = static_cast<std::uint32_t>(choices.between(1, 8));
    policy.groups.max_in_flight_per_group = static_cast<std::uint32_t>(choices.between(1, 3));
    policy.groups.max_queued_per_group = static_cast<std::uint32_t>(choices.between(1, 5));
    return policy;
}

/// One queue with limits on a disk, and those who use it. What is there is read from the queue's
/// messages, one by one, and never from a count of it.
class SlotsWorld {
  public:
    SlotsWorld(std::uint64_t seed, SlotsTally& tally) : choices_(seed), tally_(tally) {
        disk_.decide_by(choices_);
        clock_.set(Instant(seconds(1'800'000'000)));
        // In smaller ones what is live would outweigh what is not, and compaction never end.
        log_.segment_bytes = choices_.one_of<std::uint32_t>({32768, 65536});
        log_.grow_bytes = 4096;
        open();
        policy_ = draw_limits(choices_);
        if (!broker().create_queue(queue_name, {.engine = policy_})) {
            throw Violation(Invariant::settings, "the queue cannot be made");
        }
        store_->log().sync();
    }

    void round() {
        for (std::int64_t steps = choices_.between(2, 12); steps > 0; --steps)
            step();
        crash();
        require_exact("after a crash");
        forget_consumers();
        pass(lease_max);
        if (!messages(View::State::in_flight).empty()) {
            throw Violation(Invariant::lease, "a lease goes on after its end");
        }
        require_exact("after the leases");
        if (queue()->peek(0, messages_max).size() == messages_max) work_off();
    }

  private:
    using Counts = std::map<std::string, std::uint32_t>;
    broker::Broker& broker() { return store_->broker(); }
    broker::QueueHandle queue() { return broker().find_queue(queue_name); }
    bool fifo() const { return policy_.groups.order == engine::Order::fifo; }

    void open() {
        const Instant wall = clock_.now();
        store_ = std::make_unique<broker::Store>(
            disk_,
            broker::StoreOptions{.broker = {}, .log = log_},
            [&](Instant newest) -> const Clock& {
                clock_.set(std::max(wall, newest));
                return clock_;
            }
        );
        compactor_ = std::make_unique<log::Compactor>(store_->log(), store_->keeper());
    }

    void pass(Duration time) {
        clock_.set(clock_.now() + time);
        broker().run_due();
    }

    std::vector<View> messages(View::State state) {
        const auto handle = queue();
        handle->counters(clock_.now());
        std::vector<View> views = handle->peek(0, SIZE_MAX);
        std::erase_if(views, [&](const View& view) { return view.state != state; });
        return views;
    }
    Counts by_group(std::initializer_list<View::State> states) {
        Counts counts;
        for (const View::State state : states) {
            for (const View& view : messages(state))
                ++counts[view.group];
        }
        return counts;
    }

    std::string pick_group() { return "g" + std::to_string(choices_.below(group_count)); }

    bool send(const std::string& group, Duration delay = {}) {
        const Token token = ++last_token_;
        const std::string id = fifo() ? "d" + std::to_string(token) : "";
        const auto result = broker().send(
            queue(),
            {.payload = payload_of(token, bodies_max, id),
             .options = {.delay = delay, .group = group}}
        );
        if (result.sent) return true;
        const Error& error = result.sent.error();
        const bool clear = error.code() == Errc::limit_exceeded &&
                           error.message().find("group " + group + " ") != std::string::npos;
        if (!clear) throw Violation(Invariant::answers, "refused: " + error.message());
        ++tally_.refused;
        return false;
    }

    std::vector<engine::Receipt> receive(std::uint32_t max, Duration lease) {
        std::vector<engine::Receipt> got;
        const auto wait = broker().receive(
            queue(),
            {.max_messages = max, .visibility_timeout = lease},
            false,
            [&](const engine::Received& received) {
                for (const engine::Delivery& delivery : received.deliveries)
                    got.push_back(delivery.receipt);
            }
        );
        // It is answered once its leases are written.
        store_->log().write();
        if (wait != 0) throw Violation(Invariant::answers, "a receive waits that should not");
        tally_.received += got.size();
        return got;
    }

    void step() {
        switch (choices_.below(8)) {
            case 0:
            case 1:
                send(pick_group(), choices_.percent(20) && !fifo() ? seconds(5) : seconds(0));
                break;
            case 2:
            case 3: {
                const auto max = static_cast<std::uint32_t>(choices_.between(1, 10));
                for (const auto& receipt : receive(max, seconds(choices_.between(1, 60))))
                    held_.push_back(receipt);
                break;
            }
            case 4:
                settle();
                break;
            case 5:
                extend();
                break;
            case 6:
                choices_.percent(50) ? store_->log().sync() : store_->log().write();
                // A crash then interrupts it, and begins it again.
                if (choices_.percent(30)) compactor_->step(choices_.percent(50));
                break;
            default:
                pass(seconds(choices_.between(0, 20)));
                break;
        }
    }

    /// By one who may have lost it long ago.
    void settle() {
        if (held_.empty()) return;
        const std::size_t which = choices_.below(held_.size());
        const engine::Settle settle{
            .kind = choices_.one_of<engine::Settle::Kind>(
                {engine::Settle::Kind::complete,
                 engine::Settle::Kind::put_back,
                 engine::Settle::Kind::take_out}
            ),
            .receipt = held_[which],
            .delay = choices_.one_of<Duration>({seconds(0), seconds(3)}),
            .counts = choices_.percent(50)};
        (void)broker().settle(queue(), {&settle, 1});
        // Now and then it is told twice.
        if (choices_.percent(70)) held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
    }

    void extend() {
        if (held_.empty()) return;
        const engine::Receipt receipt = held_[choices_.below(held_.size())];
        const Duration lease = seconds(choices_.between(0, 60));
        if (choices_.percent(70)) {
            (void)broker().extend(queue(), {&receipt, 1}, lease);
        } else {
            // Not longer: a client of SQS may hide what it has lost already, whatever the limit.
            (void)broker().change_visibility(queue(), receipt, seconds(0));
        }
    }

    void crash() {
        ++tally_.crashes;
        tally_.held_in_crash += messages(View::State::in_flight).size();
        const std::uint64_t who = choices_.below(3);
        if (who == 0) {
            ++tally_.vanished;
            return forget_consumers();
        }
        ++(who == 1 ? tally_.kills : tally_.power_cuts);
        compactor_.reset();
        who == 1 ? disk_.kill() : disk_.power_cut();
        store_.reset();
        open();
        keep_log_short();
        if (!queue()) throw Violation(Invariant::nothing_lost, "the queue is gone");
    }

    void forget_consumers() { held_.clear(); }

    /// What comes back passes the limits, so now and then more has to be done than came back.
    void work_off() {
        while (!held_.empty()) {
            for (const engine::Receipt& receipt : std::exchange(held_, {})) {
                const engine::Settle complete{.receipt = receipt};
                (void)broker().settle(queue(), {&complete, 1});
            }
            held_ = receive(10, lease_max);
        }
    }

    void keep_log_short() {
        using Need = log::Compactor::Need;
        for (Need need = compactor_->step(); need != Need::nothing; need = compactor_->step()) {
            if (need == Need::durable) store_->log().sync();
        }
    }

    /// How many more can be had, by the rules and by what is there.
    std::size_t available() {
        Counts in_flight = by_group({View::State::in_flight});
        std::size_t all = 0;
        for (const auto& [group, count] : in_flight)
            all += count;
        std::map<std::string, bool> blocked;  // FIFO: something unfinished is in front
        std::size_t more = 0;
        for (const View& view : queue()->peek(0, SIZE_MAX)) {
            const bool waits = view.state == View::State::visible;
            const bool passes = !fifo() || !blocked[view.group];
            if (!waits) blocked[view.group] = true;
            const bool room = in_flight[view.group] < policy_.groups.max_in_flight_per_group;
            if (!waits || !passes) continue;
            if (!room || all + more >= policy_.max_in_flight) {
                ++tally_.kept_waiting;
                continue;
            }
            ++in_flight[view.group];
            ++more;
        }
        return more;
    }

    void require_exact(const std::string& when) {
        require_places(when);
        const std::size_t expected = available();
        std::size_t got = 0;
        while (true) {
            const auto more = receive(10, seconds(choices_.between(1, 60)));
            got += more.size();
            held_.insert(held_.end(), more.begin(), more.end());
            if (more.empty()) break;
        }
        if (got != expected) {
            throw Violation(
                Invariant::limits,
                when + " " + std::to_string(got) + " messages can be had, the limits leave " +
                    std::to_string(expected)
            );
        }
        for (const auto& [group, count] : by_group({View::State::in_flight})) {
            if (count <= policy_.groups.max_in_flight_per_group) continue;
            throw Violation(Invariant::limits, group + " has too many in flight " + when);
        }
        if (messages(View::State::in_flight).size() > policy_.max_in_flight) {
            throw Violation(Invariant::limits, "the queue has too many in flight " + when);
        }
    }

    /// Each group takes as many as its limit leaves.
    void require_places(const std::string& when) {
        const std::uint32_t limit = policy_.groups.max_queued_per_group;
        Counts queued = by_group({View::State::visible, View::State::delayed});
        for (std::uint32_t i = 0; i < group_count; ++i) {
            const std::string group = "g" + std::to_string(i);
            // What comes back from flight may pass the limit.
            const std::uint32_t expected = limit - std::min(limit, queued[group]);
            std::uint32_t taken = 0;
            while (taken <= limit && send(group))
                ++taken;
            if (taken == expected) continue;
            throw Violation(
                Invariant::limits,
                when + " " + group + " takes " + std::to_string(taken) + " messages, its limit " +
                    std::to_string(limit) + " leaves " + std::to_string(expected)
            );
        }
    }

    sim::SeededChoices choices_;
    SlotsTally& tally_;
    VirtualDisk disk_;
    VirtualClock clock_;
    log::LogOptions log_{};
    engine::QueuePolicy policy_{};
    std::unique_ptr<broker::Store> store_;
    std::unique_ptr<log::Compactor> compactor_;
    std::vector<engine::Receipt> held_;
    Token last_token_ = 0;
};

}  // namespace

SlotsTally run_slots(std::uint64_t seed, std::uint64_t crashes) {
    SlotsTally tally;
    SlotsWorld world(seed, tally);
    while (tally.crashes < crashes)
        world.round();
    return tally;
}

}  // namespace tranter::store_sim

#pragma once

#include "broker/store.hpp"
#include "model.hpp"
#include "scenario.hpp"
#include "tally.hpp"
#include "virtual_clock.hpp"
#include "virtual_disk.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tranter::store_sim {

/// One store on its disk, its clients, and the model of what must be true of it. All of it on one
/// thread: each step is a client's operation, a bit of work that a thread of the process would do,
/// or a stroke of fate. Throws Violation.
class World {
  public:
    /// `tally` outlives the world.
    World(const Scenario& scenario, Tally& tally);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void step(const Step& step);
    /// No more faults, a last power cut, and everything must come out.
    void finish(std::uint64_t seed);

    void keep_history() { keeps_history_ = true; }
    const std::vector<std::string>& history() const { return history_; }
    std::uint64_t trace() const { return trace_ ^ disk_.trace(); }

  private:
    /// A hand-out, as a client remembers it.
    struct Issued {
        QueueId queue = 0;
        Token token = 0;
        engine::Receipt receipt{};
        std::string text{};
        std::uint64_t process = 0;
    };
    /// A receive under way: what it handed out, and what it will be answered.
    struct Answer {
        QueueId queue = 0;
        std::uint32_t max_messages = 0;
        Duration timeout{};
        std::optional<std::set<Sequence>> expected{};  // nothing: still being called
        std::map<Sequence, Message> handed{};
        std::size_t events = 0;
        std::uint64_t wait = 0;
        std::optional<engine::Received> received{};
    };
    enum class Until : std::uint8_t { durable, written };

    // world.cpp
    void run(Kind kind);
    void pass_some_time();
    void pass_time(Duration time);
    void commit(Kind kind);
    void compact();
    void keep_disk_bound();
    void check_waiters();
    void fill_disk();
    void collect_disk_tally();
    void say(const std::string& text);
    void note(std::uint64_t what);

    // clients.cpp: messages
    void overlap();
    void send();
    /// A send before it is made, and what the model says to it.
    struct Sending {
        Token token = 0;
        std::string group{};
        std::string key{};  // of its de-duplication id
        engine::Traits traits{};
        broker::Broker::SendRequest request{};
    };
    struct Expected {
        enum class What : std::uint8_t { new_one, duplicate, replaces, refused } what{};
        Sequence of = 0;  // whose duplicate, whose place
    };
    std::unique_ptr<Sending> draw_send(const Queue& queue);
    engine::Traits draw_traits();
    static Expected expect(const Queue& queue, const Sending& sending);
    void check_sent(
        const Queue& queue,
        const Sending& sending,
        const Expected& expected,
        const engine::Sent& sent
    );
    Event sent_event(const Queue& queue, const Sending& sending, const engine::Sent& sent) const;
    void receive();
    void receive_from(QueueId id, const engine::ReceiveOptions& options);
    void acknowledge();
    void delete_by(const Issued& issued);
    void check_deleted(Queue& queue, const Issued& issued, const Result<bool>& done);
    void change_visibility();
    void take_back();
    const Issued* pick_receipt();
    void forged_receipt();
    Queue* pick_queue();
    void refused(const Error& error, bool needs_space);
    bool is_out_of_memory(const Error& error) const;

    // jobs.cpp: messages that are found by their id, and settled by who holds them
    void send_batch();
    void check_refused_batch(
        const Queue& queue, const std::vector<std::unique_ptr<Sending>>& all, const Error& error
    );
    void settle();
    const Message* holds(const Queue& queue, const Issued& issued) const;
    void check_settled(
        const Queue& queue, const Issued& issued, const Result<engine::MessageView>& settled
    ) const;
    void take_settled(QueueId id, const engine::Settle& settle, const Message& before);
    void extend();
    void keep_note();
    struct Picked {
        Message message{};
        engine::MessageId id{};
    };
    std::optional<Picked> pick_message(const Queue& queue);
    void cancel();
    void promote();
    void move_job();
    void take_report(QueueId id, const broker::Broker::Ending& ending);
    void check_reports();
    void resume_queues();

    // deliveries.cpp: what a receive may hand out and move away
    void take_hand_outs(Answer& answer);
    void check_hand_out(
        const Queue& queue,
        const Message& message,
        const engine::MessageView& view,
        Duration timeout
    ) const;
    void take_answer(Answer& answer);
    const Message& check_delivery(const Answer& answer, const engine::Delivery& delivery) const;
    void check_fifo(const Queue& queue, const std::set<Sequence>& handed) const;
    void check_nothing_left(const Queue& queue, std::uint32_t max, const std::set<Sequence>& handed)
        const;
    void lease(Queue& queue, const Message& message);
    bool exhausted(const Queue& queue, const Message& message) const;
    bool has_dead_letter_queue(const Queue& queue) const;
    void take_dead_letters(QueueId id);
    std::vector<engine::MessageView> look(QueueId id);
    std::vector<engine::MessageView> arrivals(const Queue& queue);
    enum class MovedBy : std::uint8_t { receives, consumer, task, id };
    void take_moved(QueueId from, QueueId to, const engine::MessageView& view, MovedBy by);
    void take_moved_and_expired(QueueId from, QueueId to, Sequence before);
    void take_vanished(QueueId id, const Message& message);
    void add_move(QueueId from, QueueId to, const Message& old, Sequence sequence, MovedBy by);

    // queues.cpp: what is done to whole queues
    void create_queue();
    void delete_queue();
    void purge();
    void change_settings();
    void put_settings(QueueId id, std::shared_ptr<const broker::QueueSettings> wanted);
    broker::QueueSettings draw_settings(const std::string& name);
    void start_move_task();
    void cancel_move_task();
    void run_due();
    void take_task_moves(const Task& task);

    // acknowledgements.cpp: which events clients may rely on
    void begin_operation();
    void end_operation();
    Event& add(Event event);
    void stands_at(Position position);
    void stand_up_to(Position position);
    std::optional<std::size_t> find_event(Event::Kind kind, QueueId queue, Sequence sequence);
    void wait_for(Until until, Position position, std::size_t events, Probe probe);
    void expose(QueueId queue, Sequence sequence);
    void forget_ghosts();

    // crash.cpp
    void crash(bool power);
    broker::StoreOptions store_options() const;
    void open_store();
    void open_until_it_works();
    void match_recovered(bool power);
    State survivors(broker::Broker& broker, Position end, std::size_t required);
    bool survived(const Event& event, broker::Broker& broker) const;

    // damage.cpp
    void take_suffix();
    void flip_a_bit();
    void judge_flip(VirtualDisk& twin, const std::string& file, std::uint64_t offset);
    void judge_repair(
        VirtualDisk& twin, const VirtualDisk& whole, const std::string& file, std::uint64_t offset
    );

    // drain.cpp
    void drain();
    bool drain_queue(QueueId id);

    broker::Broker& broker() { return store_->broker(); }
    log::Log& log() { return store_->log(); }
    broker::Journal& journal() { return store_->broker().journal(); }
    Instant now() const { return clock_.now(); }
    sim::Choices& choices() { return *choices_; }

    const Scenario scenario_;
    Tally& tally_;
    std::unique_ptr<sim::SeededChoices> choices_;
    VirtualDisk disk_;
    VirtualClock clock_;
    std::unique_ptr<broker::Store> store_;
    std::unique_ptr<log::Compactor> compactor_;
    bool compacting_ = false;

    State base_;  // when the process started
    State live_;  // now, with all of events_
    std::vector<Event> events_;
    std::size_t required_durable_ = 0;  // how many of them must survive a power cut
    std::size_t required_written_ = 0;  // ... the end of the process
    Position recovered_end_ = 0;        // of the log, when it was opened
    Position operation_begin_ = 0;
    std::size_t operation_first_ = 0;

    std::uint64_t process_ = 0;  // how often the store was opened
    std::uint64_t next_wait_ = 0;
    std::map<std::uint64_t, std::pair<Until, Position>> waiting_;
    // The highest number that somebody saw; and of a message that was safe on the disk then.
    std::map<QueueId, Sequence> exposed_;
    std::map<QueueId, Sequence> exposed_durable_;
    std::deque<Issued> issued_;
    Token next_token_ = 1;
    std::vector<std::string> names_used_;
    QueueId last_exposed_queue_ = 0;
    bool clock_may_go_back_ = true;
    Instant last_event_at_{};
    bool last_crash_was_power_ = false;
    std::uint64_t forgotten_before_ = 0;
    std::size_t kept_events_ = 0;  // by the last survivors()
    struct Report {
        QueueId queue = 0;
        Sequence sequence = 0;
        auto operator<=>(const Report&) const = default;
    };
    std::vector<Report> reports_;  // since the last look at them
    std::set<Report> reported_;    // by this process

    bool keeps_history_ = false;
    std::vector<std::string> history_;
    std::uint64_t trace_ = 1469598103934665603ULL;
};

std::string describe(Duration time);

}  // namespace tranter::store_sim

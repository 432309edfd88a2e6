#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "broker/journal.hpp"
#include "broker/queue.hpp"
#include "broker/receipt.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::broker {

struct BrokerOptions {
    SipKey receipt_key{};
    /// A name may not be used again for this long after its queue was deleted; 0: at once.
    Duration delete_cooldown{};
    /// Between two purges of a queue; 0: no limit.
    Duration purge_cooldown{};
    /// Long polls waiting in one queue; more are answered `limit_exceeded`.
    std::size_t waiters_per_queue = 100'000;
    /// Of payloads in all queues; sends beyond it are answered `limit_exceeded`. 0: no limit.
    std::uint64_t bytes_max = 0;
    /// About what queues may take of memory. From three quarters of it on, the bytes of messages
    /// that come stay in the journal's records, where it keeps them; at the limit sends are
    /// `unavailable`. 0: no limit.
    std::uint64_t memory_limit = 0;
};

/// A move of dead letters back to where they came from, or elsewhere (SQS_SPEC 8.3).
struct MoveTask {
    enum class Status : std::uint8_t { running, completed, cancelling, cancelled, failed };
    std::string id{};  // a UUID
    std::string source{};
    std::string destination{};  // empty: each message's own source
    std::uint32_t max_per_second = 0;
    Status status = Status::running;
    std::uint64_t moved = 0;
    std::uint64_t to_move = 0;
    std::string failure{};
    Instant started{};
};

/// Text of the status in records, and back; nothing for other texts.
std::string_view status_text(MoveTask::Status status);
std::optional<MoveTask::Status> parse_status(std::string_view text);

/// Longest note of a message: what a record of the log may hold beside the largest message.
inline constexpr std::size_t note_bytes_max = 4U << 20U;

struct Restored;
struct MovedSlot;

/// All queues of one store: thread-safe, one mutex per queue, long polls in order of arrival.
/// Nothing here blocks, starts threads or does I/O, but for reading back a message whose bytes were
/// left on disk, under no lock, on the thread that calls or that learns that its lease is written;
/// who needs durability waits on
/// the journal position that a change returns, or on journal().end() where none is returned.
///
/// When the journal takes nothing any more, every operation that would change something is
/// `unavailable` with the journal's reason; when it must not grow, so are sends, new queues, new
/// settings and new move tasks, and move tasks pause.
class Broker {
  public:
    /// Clock and journal outlive the broker.
    Broker(BrokerOptions options, const Clock& clock, Journal& journal);
    ~Broker();

    const ReceiptCodec& receipts() const;
    Journal& journal();
    Instant now() const;
    Duration wall_ahead() const;  // see Clock
    /// Payload bytes held by all queues.
    std::uint64_t bytes() const;
    /// Fills a new broker with what was stored. Before anything else is called. Returns the
    /// messages that have another slot than before, which the log must learn.
    std::vector<MovedSlot> restore(Restored restored);

    // Queues -----------------------------------------------------------------------------------
    /// `already_exists` when the name is taken, `conflict` inside the delete cool-down.
    [[nodiscard]] Result<QueueHandle> create_queue(std::string_view name, QueueSettings settings);
    /// Nothing when there is no such queue.
    QueueHandle find_queue(std::string_view name) const;
    QueueHandle find_queue(QueueId id) const;
    /// In order of name; names starting with `prefix` and greater than `after`, at most `max`.
    std::vector<QueueHandle> list_queues(
        std::string_view prefix, std::string_view after, std::size_t max
    ) const;
    /// Queues whose dead-letter queue is `name`, in order of name.
    std::vector<QueueHandle> dead_letter_sources(std::string_view name) const;
    /// Drops the queue with its messages and move tasks; its long polls are answered empty.
    /// `not_found` when it is gone already.
    [[nodiscard]] Result<Position> delete_queue(const QueueHandle& queue);
    /// `conflict` inside the purge cool-down, `not_found` when the queue is gone.
    [[nodiscard]] Result<Position> purge(const QueueHandle& queue);
    /// Replaces the settings by what `change` makes of them, atomically; nothing happens when it
    /// returns an error. `not_found` when the queue is gone.
    [[nodiscard]] Result<Position> change_settings(
        const QueueHandle& queue, const std::function<Result<void>(QueueSettings&)>& change
    );

    // Messages ---------------------------------------------------------------------------------
    struct SendRequest {
        engine::Payload payload;
        engine::SendOptions options{};
    };
    struct SendResult {
        Result<engine::Sent> sent;
        Position position = 0;
    };
    /// Stores one message and hands it to the longest-waiting long poll that may have it.
    /// `limit_exceeded` over a quota of bytes. The position of a duplicate is that of everything
    /// before it, because the first send may not be durable yet.
    [[nodiscard]] SendResult send(const QueueHandle& queue, const SendRequest& request);

    /// Called exactly once, from any thread, outside every lock, once the journal has written the
    /// leases; when it cannot, with nothing and `unavailable`. Deliveries that turn out not to
    /// reach their consumer are given to take_back().
    using Receiver = std::move_only_function<void(engine::Received)>;
    /// 0: answered already. Otherwise names the wait for cancel_wait().
    using WaitId = std::uint64_t;
    /// Answers `receiver` at once (calling it before returning, unless leases have to be written
    /// first) when a message is available, when `wait` is false or when the broker is stopping;
    /// otherwise the receiver waits in line until a message comes or cancel_wait() or stop() is
    /// called. The caller watches the time.
    ///
    /// One call moves a bounded number of dead letters. When it found nothing else before that, a
    /// receiver without `wait` is in line, too, until run_due() has moved the others; where nobody
    /// set on_earlier_event(), this call goes on with them itself.
    [[nodiscard]] WaitId receive(
        const QueueHandle& queue,
        const engine::ReceiveOptions& options,
        bool wait,
        Receiver receiver
    );
    /// Answers a waiting receiver with nothing (on this thread). No effect when it was answered.
    void cancel_wait(const QueueHandle& queue, WaitId id);
    /// These deliveries never reached a consumer: visible again at once, in their old order.
    void take_back(const QueueHandle& queue, const std::vector<engine::Receipt>& receipts);

    /// The payload of a message that was looked at, read from the disk when its bytes are there.
    /// Empty when the message has gone meanwhile.
    engine::Payload with_bytes(const engine::Payload& payload) const;

    struct ChangeResult {
        Result<bool> done;  // acknowledge: whether a message was deleted; visibility: true
        /// acknowledge: wait until it is durable; visibility: until it is written.
        Position position = 0;
    };
    [[nodiscard]] ChangeResult acknowledge(
        const QueueHandle& queue, const engine::Receipt& receipt
    );
    [[nodiscard]] ChangeResult change_visibility(
        const QueueHandle& queue, const engine::Receipt& receipt, Duration timeout
    );

    // Jobs -------------------------------------------------------------------------------------
    // Every MessageView that these calls return or report has the bytes of its payload, read from
    // the disk when they were left there, whether or not the message is still in a queue. Only when
    // the disk fails has_bytes() is false. (Queue::peek() and held() read nothing.)
    struct SendAllResult {
        Result<std::vector<engine::Sent>> sent;  // one for each request
        Position position = 0;
    };
    /// All of them, or none when one is refused, also after a crash. Positions as in send(). The
    /// limit of a group may count a message too many where several of a batch have one unique key
    /// or de-duplication id, or are past their deadline.
    [[nodiscard]] SendAllResult send_all(
        const QueueHandle& queue, std::span<const SendRequest> requests
    );
    struct SettleResult {
        /// One for each: the message as it was. take_out: it went to the queue's dead-letter queue
        /// when that exists, and is gone otherwise.
        std::vector<Result<engine::MessageView>> settled{};
        Position position = 0;  // of the last record
    };
    /// Under one lock. engine::Queue::settle says what can be wrong with each. A put_back that
    /// removes its message, because it was cancelled or its deadline has passed, is reported by
    /// on_ended() as well.
    [[nodiscard]] SettleResult settle(
        const QueueHandle& queue, std::span<const engine::Settle> settlements
    );
    struct ExtendResult {
        std::vector<Result<bool>> cancel_requested{};  // one for each receipt
        Position position = 0;                         // wait until it is written
    };
    [[nodiscard]] ExtendResult extend(
        const QueueHandle& queue, std::span<const engine::Receipt> receipts, Duration lease
    );
    /// Wait until the position is durable. `limit_exceeded` over note_bytes_max or a quota of
    /// bytes.
    [[nodiscard]] Result<Position> set_note(
        const QueueHandle& queue, const engine::Receipt& receipt, std::string note
    );
    /// What these receipts hold, with the checks of settle() and without a change. One for each.
    std::vector<Result<engine::MessageView>> held(
        const QueueHandle& queue, std::span<const engine::Receipt> receipts
    ) const;
    std::optional<engine::MessageView> find(const QueueHandle& queue, const engine::MessageId& id)
        const;
    std::vector<engine::MessageView> list(
        const QueueHandle& queue, std::uint32_t slot, engine::Sequence after, std::size_t max
    ) const;
    struct CancelOutcome {
        Result<engine::CancelResult> done;
        std::optional<engine::MessageView> message{};  // as it was; nothing when it is not found
        Position position = 0;
    };
    /// Both outcomes count once the position is durable: what was removed is gone, and what is in
    /// flight ends with its lease, whoever settles it or not.
    [[nodiscard]] CancelOutcome cancel(const QueueHandle& queue, const engine::MessageId& id);
    [[nodiscard]] Result<Position> promote(const QueueHandle& queue, const engine::MessageId& id);
    /// Moves a message that is not in flight, with its receives forgotten; its id, note and traits
    /// stay. `not_found`, `conflict` (in flight).
    [[nodiscard]] Result<Position> move(
        const QueueHandle& from, const engine::MessageId& id, const QueueHandle& to
    );
    /// What ended by itself: engine::Ended, and what used up its receives and went to the
    /// dead-letter queue, or would have but there is none and the message has max_receives of its
    /// own (then it is gone). Each is reported once, unless the process ends before: what ends
    /// while a store is closed, or was not written yet, is reported by the first run_due() after it
    /// was opened.
    struct Ending {
        engine::MessageView message{};
        enum class Why : std::uint8_t { expired, cancelled, exhausted } why = Why::expired;
    };
    /// Called from any thread, outside every lock. Set it before the first request.
    void on_ended(std::function<void(const QueueHandle&, std::vector<Ending>)> hook);

    // Move tasks -------------------------------------------------------------------------------
    /// `not_found` (destination), `conflict` (a task is running for this source).
    [[nodiscard]] Result<MoveTask> start_move_task(
        const QueueHandle& source, std::string_view destination, std::uint32_t max_per_second
    );
    /// `not_found` unless that task is running. The returned count is final.
    [[nodiscard]] Result<MoveTask> cancel_move_task(std::string_view id);
    /// Newest first.
    std::vector<MoveTask> list_move_tasks(std::string_view source, std::size_t max) const;

    // Time -------------------------------------------------------------------------------------
    /// When run_due() has something to do next.
    std::optional<Instant> next_event() const;
    /// When anything happens next in any queue, and lets run_due() act at that very moment: for a
    /// clock that is set by hand. next_event() may be up to a second later where nobody waits.
    /// Asks every queue.
    std::optional<Instant> next_change();
    /// Ends delays and leases that are due (serving long polls), drops expired messages, advances
    /// move tasks. Call it at next_event(), from one thread at a time.
    void run_due();
    /// Called, from any thread and outside every lock, when next_event() became earlier.
    void on_earlier_event(std::function<void()> hook);

    /// Answers every long poll with nothing and lets no new one wait.
    void stop();
    bool stopping() const;
    /// Long polls waiting now in all queues.
    std::size_t waiting() const;

  private:
    friend class StoreKeeper;
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::broker

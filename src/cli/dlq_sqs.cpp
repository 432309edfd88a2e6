#include "cli/dlq_sqs_letter.hpp"
#include "cli/dlq_store.hpp"
#include "providers/sqs_batch.hpp"
#include "providers/sqs_connections.hpp"
#include "providers/sqs_limits.hpp"
#include "providers/sqs_queues.hpp"
#include "providers/sqs_send.hpp"
#include "providers/sqs_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace tranter::cli {

namespace {

using providers::SqsEndpoint;
using providers::SqsUrl;

/// How long a message is ours without a word. Whoever is killed hides what it left for so long.
constexpr std::chrono::seconds letters_visibility(120);
/// Long enough that SQS asks all of its servers.
constexpr std::chrono::seconds letters_wait(1);
/// Answers in a row with nothing but what was there before: all of it has been seen.
constexpr int barren_answers_max = 3;

/// One client as an endpoint, for one thread.
class ClientEndpoint final : public SqsEndpoint {
  public:
    explicit ClientEndpoint(std::shared_ptr<SqsClient> client) : client_(std::move(client)) {}

    std::string_view name() const override { return client_->endpoint().text; }
    Result<Json> call(const providers::SqsCall& call) override {
        return client_->call(call.action, call.input, call.wait, call.stop);
    }

  private:
    std::shared_ptr<SqsClient> client_;  // also of the session that made it
};

class SqsDeadLetters final : public DeadLetterStore {
  public:
    SqsDeadLetters(SqsUrl url, std::unique_ptr<SqsEndpoint> endpoint)
        : only_(std::exchange(url.queue, {})),
          url_(std::move(url)),
          endpoint_(std::move(endpoint)) {}
    SqsDeadLetters(const SqsDeadLetters&) = delete;
    SqsDeadLetters& operator=(const SqsDeadLetters&) = delete;

    bool receives_to_look() const override { return true; }
    std::size_t batch_max() const override { return providers::sqs_batch_max; }

    Result<std::vector<DeadLetterQueue>> queues() override {
        auto found = policies();
        if (!found) return std::unexpected(found.error());
        std::vector<DeadLetterQueue> queues;
        for (auto& [name, queue] : *found) {
            queue.name = name;
            if (auto counted = count(queue); !counted) return std::unexpected(counted.error());
            queues.push_back(std::move(queue));
        }
        return queues;
    }

    Result<DeadLetterQueue> queue(const std::string& name) override {
        DeadLetterQueue queue{.name = name};
        if (auto counted = count(queue); !counted) return std::unexpected(counted.error());
        if (!queue.exists) {
            return fail(
                Errc::not_found, fmt::format("there is no queue {} at {}", name, endpoint_->name())
            );
        }
        const auto sources = sources_of(name);
        // Whoever may not ask has to know.
        if (!sources) return queue;
        if (sources->empty()) {
            if (auto checked = check_dead_letter_name(name); !checked) {
                return std::unexpected(checked.error());
            }
        }
        for (const std::string& source : *sources)
            queue.sources.push_back({.queue = source});
        return queue;
    }

    Result<> walk(const LetterQuery& query, const Visit& visit) override {
        const auto filter = LetterFilter::read(query);
        if (!filter) return std::unexpected(filter.error());
        const auto queue = queues_.get(query.queue);
        if (!queue) return std::unexpected(queue.error());
        source_ = only_source(query.queue);
        auto walked = walk_queue(**queue, query, **filter, visit);
        release(**queue);
        return walked;
    }

    std::vector<Result<>> replay(const std::string& name, std::span<const LetterReplay> letters)
        override {
        std::vector<Result<>> results(letters.size());
        std::map<std::string, std::vector<std::size_t>> by_target;
        for (std::size_t i = 0; i < letters.size(); ++i) {
            const std::string& to =
                letters[i].to.empty() ? home_of(*letters[i].letter) : letters[i].to;
            if (to.empty()) {
                results[i] = fail(
                    Errc::invalid_argument,
                    fmt::format(
                        "message {} does not say where it came from, expected --to QUEUE",
                        letters[i].letter->job.id
                    )
                );
            } else {
                by_target[to].push_back(i);
            }
        }
        for (const auto& [to, indexes] : by_target)
            replay_to({name, to}, letters, indexes, results);
        return results;
    }

    std::vector<Result<>> remove(
        const std::string& name, std::span<const DeadLetter* const> letters
    ) override {
        const auto queue = queues_.get(name);
        if (!queue) return {letters.size(), std::unexpected(queue.error())};
        std::vector<std::string> handles;
        for (const DeadLetter* letter : letters)
            handles.emplace_back(letter->message["ReceiptHandle"].text());
        auto results = providers::delete_sqs_messages(*endpoint_, **queue, handles);
        for (std::size_t i = 0; i < letters.size(); ++i) {
            if (results[i]) held_.erase(std::string(letters[i]->message["MessageId"].text()));
        }
        return results;
    }

    Result<LogPage> log_of(const DeadLetter& /*letter*/) override {
        return fail(Errc::unsupported, "SQS keeps no logs of jobs");
    }

  private:
    struct Way {
        std::string from{};
        std::string to{};
    };

    const std::string only_;
    const SqsUrl url_;
    const std::unique_ptr<SqsEndpoint> endpoint_;
    SteadyClock clock_{};
    providers::SqsQueues queues_{*endpoint_, url_, clock_};
    // Of a walk:
    std::string source_{};                                 // the only one of its queue
    std::unordered_map<std::string, std::string> held_{};  // receipt handles by MessageId

    Result<> count(DeadLetterQueue& queue) {
        const auto stats = queues_.stats(queue.name);
        queue.exists = stats.has_value();
        if (!stats && stats.error().code() != Errc::not_found) {
            return std::unexpected(stats.error());
        }
        if (!stats) return {};
        queue.visible = stats->pending + stats->scheduled;
        queue.in_flight = stats->processing;
        return {};
    }

    Result<std::vector<std::string>> sources_of(const std::string& name) {
        Json input;
        input.set("QueueUrl", url_.queue_url(name));
        const auto answer =
            endpoint_->call({.action = "ListDeadLetterSourceQueues", .input = input});
        std::vector<std::string> sources;
        if (!answer) {
            // Not every server knows that action, so the policies of all queues say it.
            const auto all = policies();
            if (!all) return std::unexpected(all.error());
            const auto found = all->find(name);
            if (found == all->end()) return sources;
            for (const DeadLetterSource& source : found->second.sources)
                sources.push_back(source.queue);
            return sources;
        }
        // The only answer of SQS whose name begins with a small letter.
        for (const Json& url : (*answer)["queueUrls"].items())
            sources.push_back(aws::queue_name_of_url(url.text()));
        return or_by_name(std::move(sources), name);
    }

    /// The dead jobs of a queue without a policy go to where its name leads.
    std::vector<std::string> or_by_name(std::vector<std::string> sources, const std::string& name) {
        constexpr std::string_view ending = "-dlq";
        const std::size_t at = name.rfind(ending);
        if (!sources.empty() || at == std::string::npos) return sources;
        std::string source = name;
        source.erase(at, ending.size());
        if (providers::dead_letter_name(source) == name && queues_.get(source)) {
            sources.push_back(std::move(source));
        }
        return sources;
    }

    /// Where dead jobs of a queue without a policy go; empty when nothing has gone there yet.
    std::string dead_letters_by_name(const std::string& name, const std::vector<std::string>& all) {
        std::string letters = providers::dead_letter_name(name);
        const bool exists = only_.empty() ? std::ranges::find(all, letters) != all.end()
                                          : !letters.empty() && queues_.get(letters).has_value();
        return exists ? letters : std::string();
    }

    /// The dead-letter queues that redrive policies name, or names alone, without counts.
    Result<std::map<std::string, DeadLetterQueue>> policies() {
        auto names = only_.empty() ? queues_.names() : std::vector{only_};
        if (!names) return std::unexpected(names.error());
        std::map<std::string, DeadLetterQueue> found;
        for (const std::string& name : *names) {
            const auto source = queues_.get(name);
            if (!source && source.error().code() == Errc::not_found) continue;
            if (!source) return std::unexpected(source.error());
            std::string letters = (*source)->dead_letter_queue;
            if (letters.empty()) letters = dead_letters_by_name(name, *names);
            if (letters.empty()) continue;
            found[std::move(letters)].sources.push_back(
                {.queue = name, .max_receives = (*source)->max_receives}
            );
        }
        return found;
    }

    /// Empty when there are several or none, or when nobody lets us ask.
    std::string only_source(const std::string& name) {
        const auto sources = sources_of(name);
        return sources && sources->size() == 1 ? sources->front() : std::string();
    }

    Result<Json> receive(
        const providers::SqsQueue& queue, std::size_t wanted, std::stop_token stop
    ) {
        Json all;
        all.push("All");
        Json input;
        input.set("QueueUrl", queue.url)
            .set("MaxNumberOfMessages", std::min(wanted, providers::sqs_batch_max))
            .set("VisibilityTimeout", letters_visibility.count())
            .set("WaitTimeSeconds", letters_wait.count())
            .set("MessageAttributeNames", all)
            .set("AttributeNames", all)
            .set("MessageSystemAttributeNames", all);
        auto answer = endpoint_->call(
            {.action = "ReceiveMessage",
             .input = input,
             .wait = letters_wait,
             .stop = std::move(stop)}
        );
        if (!answer) return answer;
        return (*answer)["Messages"];
    }

    Result<> walk_queue(
        const providers::SqsQueue& queue,
        const LetterQuery& query,
        const LetterFilter& filter,
        const Visit& visit
    ) {
        const TimePoint begin(
            std::chrono::time_point_cast<TimePoint::duration>(std::chrono::system_clock::now())
        );
        std::unordered_set<std::string> seen;
        std::size_t shown = 0;
        for (int barren = 0; barren < barren_answers_max && !query.stop.stop_requested();) {
            const std::size_t left =
                query.letters_max == 0 ? providers::sqs_batch_max : query.letters_max - shown;
            const auto messages = receive(queue, left, query.stop);
            if (!messages && query.stop.stop_requested()) break;
            if (!messages) return std::unexpected(messages.error());
            if (messages->items().empty()) break;
            std::vector<DeadLetter> letters;
            bool news = false;
            for (const Json& message : messages->items()) {
                std::string id(message["MessageId"].text());
                held_[id] = message["ReceiptHandle"].text();
                if (!seen.insert(std::move(id)).second) continue;
                news = true;
                DeadLetter letter =
                    letter_of_message(message, queue.rules(url_.default_type), source_);
                // What was replayed and died again is not replayed for ever.
                if (query.for_change && letter_sent_at(message) > begin) continue;
                if (filter.matches(letter)) letters.push_back(std::move(letter));
            }
            barren = news ? 0 : barren + 1;
            if (letters.empty()) continue;
            shown += letters.size();
            const auto more = visit(letters);
            if (!more) return std::unexpected(more.error());
            if (!*more || (query.letters_max != 0 && shown >= query.letters_max)) break;
        }
        return {};
    }

    static const std::string& home_of(const DeadLetter& letter) { return letter.job.queue; }

    void replay_to(
        const Way& way,
        std::span<const LetterReplay> letters,
        std::span<const std::size_t> indexes,
        std::vector<Result<>>& results
    ) {
        const auto from = queues_.get(way.from);
        const auto to = queues_.get(way.to);
        if (!from || !to) {
            // Not `not_found`, which would mean the letter.
            const Error error = from ? to.error() : from.error();
            const bool missing = error.code() == Errc::not_found;
            const Error told(missing ? Errc::invalid_argument : error.code(), error.message());
            for (const std::size_t i : indexes)
                results[i] = std::unexpected(told);
            return;
        }
        std::vector<providers::SqsReplacement> replacements;
        for (const std::size_t i : indexes) {
            const Json& message = letters[i].letter->message;
            replacements.push_back(
                {.handle = std::string(message["ReceiptHandle"].text()),
                 .copy = message_again(letters[i], **to)}
            );
        }
        auto replaced = providers::replace_sqs_messages(*endpoint_, **from, **to, replacements);
        for (std::size_t k = 0; k < indexes.size(); ++k) {
            const std::size_t i = indexes[k];
            results[i] = std::move(replaced[k].done);
            if (results[i]) {
                held_.erase(std::string(letters[i].letter->message["MessageId"].text()));
            }
        }
    }

    /// What is still ours is visible again.
    void release(const providers::SqsQueue& queue) {
        std::vector<Json> entries;
        for (const auto& [id, handle] : std::exchange(held_, {})) {
            Json entry;
            entries.push_back(
                std::move(entry.set("ReceiptHandle", handle).set("VisibilityTimeout", 0))
            );
        }
        // Otherwise it is by itself, when its visibility timeout ends.
        [[maybe_unused]] const auto released = providers::call_sqs_batches(
            *endpoint_, {.action = "ChangeMessageVisibilityBatch", .queue_url = queue.url}, entries
        );
    }
};

/// The account in a queue URL.
Result<std::string> account_of(SqsClient& client, std::string_view queue) {
    std::string url;
    if (!queue.empty()) {
        auto found = client.queue_url(queue);
        if (!found) return std::unexpected(found.error());
        url = std::move(*found);
    } else {
        const auto all = client.list_queues("");
        if (!all) return std::unexpected(all.error());
        if (all->empty()) return std::string("000000000000");
        url = all->front();
    }
    const std::size_t end = url.rfind('/');
    const std::size_t begin = end == std::string::npos ? end : url.rfind('/', end - 1);
    if (begin != std::string::npos) return url.substr(begin + 1, end - begin - 1);
    return fail(Errc::unavailable, fmt::format("{} is no URL of a queue", url));
}

}  // namespace

Result<std::unique_ptr<DeadLetterStore>> sqs_dead_letters(std::string_view url) {
    auto parsed = providers::parse_sqs_url(url);
    if (!parsed) return std::unexpected(parsed.error());
    auto connections = providers::SqsConnections::open(parsed->endpoint);
    if (!connections) return std::unexpected(connections.error());
    return std::make_unique<SqsDeadLetters>(std::move(*parsed), std::move(*connections));
}

Result<std::unique_ptr<DeadLetterStore>> sqs_dead_letters(
    std::shared_ptr<SqsClient> client, std::string_view queue
) {
    auto account = account_of(*client, queue);
    if (!account) return std::unexpected(account.error());
    SqsUrl url{.endpoint = client->endpoint(), .account = std::move(*account)};
    return std::make_unique<SqsDeadLetters>(
        std::move(url), std::make_unique<ClientEndpoint>(std::move(client))
    );
}

}  // namespace tranter::cli

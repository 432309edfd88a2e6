// The history of jobs at a million entries: how many finished jobs per second it takes, and how
// long one question takes. Prints a table with the bounds that were set.
// Usage: history_bench [FILE] [ENTRIES]
#include "base/uuid.hpp"
#include "history/query.hpp"
#include "history/store.hpp"
#include "history/writer.hpp"

#include <fmt/format.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::history {
namespace {

constexpr unsigned queues = 10;
constexpr unsigned payload_bytes = 300;
constexpr double entries_per_second_min = 50'000;
constexpr double question_ms_max = 50;
constexpr int repeats = 15;

double now_seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

[[noreturn]] void stop(const std::string& text) {
    fmt::print(stderr, "history_bench: {}\n", text);
    std::exit(1);
}

const char* verdict(bool met) {
    return met ? "met" : "MISSED";
}

/// Finished jobs as a shop would have them: ten per millisecond, one in a hundred dead.
class Shop {
  public:
    Shop() : random_(42) {
        for (std::string& word : words_) {
            const auto letters = 3 + random_() % 7;
            for (std::uint64_t i = 0; i < letters; ++i)
                word += static_cast<char>('a' + random_() % 26);
        }
    }

    JobEntry next() {
        JobEntry entry;
        entry.id = format_uuid(make_uuid());
        entry.queue = fmt::format("queue-{}", number_ % queues);
        entry.type = fmt::format("shop:task-{}", number_ % 37);
        entry.payload = payload();
        entry.group = fmt::format("tenant-{}", random_() % 500);
        if (number_ % 10 == 0) entry.tags = {fmt::format("region={}", number_ % 400)};
        entry.created = entry.finished = Instant(Duration(begin_micros + number_ * 100));
        if (number_ % 100 == 7) {
            entry.state = State::dead;
            entry.errors = {{3, entry.finished, "TimeoutError", "connection to db timed out"}};
        }
        ++number_;
        return entry;
    }

    Instant time_of(std::int64_t number) const {
        return Instant(Duration(begin_micros + number * 100));
    }

  private:
    std::string payload() {
        std::string json = fmt::format(
            R"({{"user":{{"id":{},"name":"{}"}},"order":"o{}","amount":{},"note":")",
            random_() % 1'000'000,
            word(),
            number_,
            random_() % 10'000
        );
        while (json.size() < payload_bytes - 10)
            json += word() + ' ';
        return json + "\"}";
    }

    const std::string& word() { return words_[random_() % words_.size()]; }

    static constexpr std::int64_t begin_micros = 1'800'000'000'000'000;
    std::mt19937_64 random_;
    std::array<std::string, 5000> words_;
    std::int64_t number_ = 0;
};

/// What passes while the store works, on the clock and on the processor.
class Stopwatch {
  public:
    void start() {
        wall_began_ = now_seconds();
        cpu_began_ = cpu_seconds();
    }
    void stop() {
        wall_ += now_seconds() - wall_began_;
        cpu_ += cpu_seconds() - cpu_began_;
    }
    void print(std::string_view what, std::size_t entries, std::string_view verdict) const {
        const auto count = static_cast<double>(entries);
        const double cpu_us = cpu_ / count * 1e6;
        fmt::print("{:<44} {:>9.0f}/s {:>6.1f} us CPU  {}\n", what, count / wall_, cpu_us, verdict);
    }
    double wall() const { return wall_; }

  private:
    double wall_began_ = 0;
    double cpu_began_ = 0;
    double wall_ = 0;
    double cpu_ = 0;
};

/// Offers bursts that just fit the queue of the writer, and lets the text index catch up after
/// each. Entries are made while no clock runs.
void measure_intake(HistoryStore& store, Shop& shop, std::size_t entries, std::string_view what) {
    constexpr std::size_t burst = 90'000;
    HistoryWriter writer(store);
    Stopwatch taking;
    Stopwatch indexing;
    for (std::size_t done = 0; done < entries; done += burst) {
        std::vector<JobEntry> jobs;
        for (std::size_t i = 0; i < std::min(burst, entries - done); ++i)
            jobs.push_back(shop.next());
        taking.start();
        for (JobEntry& job : jobs)
            writer.add(std::move(job));
        writer.flush();
        taking.stop();
        indexing.start();
        while (store.figures().unindexed > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        indexing.stop();
    }
    const bool met = static_cast<double>(entries) / taking.wall() >= entries_per_second_min;
    taking.print(
        what, entries, fmt::format(">= {:.0f}/s  {}", entries_per_second_min, verdict(met))
    );
    indexing.print("  and into the text index afterwards", entries, "");
    if (writer.figures().dropped + writer.figures().refused > 0) stop("entries were lost");
}

struct Question {
    std::string name;
    std::string query;
    std::string cursor{};
};

class Questions {
  public:
    Questions(HistoryStore& store, Instant now) : store_(store), now_(now) {
        fmt::print("\n{:<44} {:>9} {:>9} {:>6}\n", "question", "median ms", "worst ms", "rows");
    }

    void ask(const Question& question) {
        const auto filter = parse_query(question.query, now_);
        if (!filter) stop(filter.error().message());
        time(question.name, [&] {
            const auto page = store_.list(*filter, {.cursor = question.cursor});
            if (!page) stop(page.error().message());
            return page->entries.size();
        });
    }

    template <class Work>
    void time(std::string_view name, const Work& work) {
        std::vector<double> times;
        std::size_t rows = 0;
        for (int i = 0; i < repeats; ++i) {
            const double began = now_seconds();
            rows = work();
            times.push_back((now_seconds() - began) * 1e3);
        }
        std::ranges::sort(times);
        const double median = times[times.size() / 2];
        fmt::print(
            "{:<44} {:>9.2f} {:>9.2f} {:>6}  < {} ms  {}\n",
            name,
            median,
            times.back(),
            rows,
            question_ms_max,
            verdict(median < question_ms_max)
        );
        std::fflush(stdout);
    }

  private:
    HistoryStore& store_;
    Instant now_;
};

std::string cursor_at(HistoryStore& store, Instant before) {
    HistoryFilter filter;
    filter.finished_before = before;
    const auto page = store.list(filter, {.entries_max = 1});
    if (!page || page->next.empty()) stop("there is no page in the middle");
    return page->next;
}

void ask_all(HistoryStore& store, const Shop& shop, std::size_t entries) {
    const auto last = static_cast<std::int64_t>(entries);
    const Instant now = shop.time_of(last);
    const std::string deep = cursor_at(store, shop.time_of(last / 10));
    const std::string some = fmt::format("o{}", last / 2);
    const auto some_age = fmt::format("{}us", last * 50);
    Questions questions(store, now);
    for (const Question& question : std::initializer_list<Question>{
             {"newest", ""},
             {"newest of a queue", "queue:queue-3"},
             {"dead of a queue", "queue:queue-7 state:dead"},
             {"dead of a queue that has none", "queue:queue-3 state:dead"},
             {"of a type in a queue", "queue:queue-3 type:shop:task-5"},
             {"dead of a type", "type:shop:task-5 state:dead"},
             {"of a group", "group:tenant-42"},
             {"with a tag", "tag:region=80"},
             {"finished before the middle", "age>" + some_age},
             {"of a queue, before the middle", "queue:queue-3 age>" + some_age},
             {"a word that one entry has", some},
             {"a word that no entry has", "nosuchwordanywhere"},
             {"a word that every entry has", "order"},
             {"two common words", "amount note user"},
             {"begin of a word", some.substr(0, some.size() - 1) + "*"},
             {"a word of one entry in a queue", "queue:queue-0 " + some},
             {"in errors", "error:timeout"},
             {"a phrase in errors, in a queue", "queue:queue-7 error:\"db timed\""},
             {"a payload field", "args.order:" + some},
             {"a payload field, many candidates", "args.user.id:4242"},
             {"deep in the list", "", deep},
             {"deep in a queue", "queue:queue-3", deep},
             {"deep in a search", "order", deep},
         }) {
        questions.ask(question);
    }
    const auto page = store.list({}, {.entries_max = 1, .cursor = deep});
    questions.time("one job by its id", [&] {
        const auto found = store.find(page->entries.front().id);
        return std::size_t{found && found->has_value()};
    });
    questions.time("counts by queue and state", [&] {
        return store.count({.by_queue = true, .by_state = true})->size();
    });
    questions.time("counts by queue, state and minute", [&] {
        return store.count({.by_queue = true, .by_state = true, .bucket = std::chrono::minutes(1)})
            ->size();
    });
}

void run(const std::string& path, std::size_t entries) {
    const SteadyClock clock;
    const auto store = open_history(
        {.path = path, .entries_per_queue_max = std::max<std::size_t>(entries / queues, 1000)},
        clock
    );
    Shop shop;
    measure_intake(
        *store, shop, entries, fmt::format("{} jobs of {} bytes", entries, payload_bytes)
    );
    ask_all(*store, shop, entries);
    fmt::print("\n");
    measure_intake(*store, shop, entries / 5, "more, each pushing out an old one");
}

}  // namespace
}  // namespace tranter::history

int main(int count, char** arguments) {
    const std::string path = count > 1 ? arguments[1] : "history_bench.db";
    const std::size_t entries = count > 2 ? std::stoul(arguments[2]) : 1'000'000;
    for (const char* suffix : {"", "-wal", "-shm"})
        std::remove((path + suffix).c_str());
    tranter::history::run(path, entries);
}

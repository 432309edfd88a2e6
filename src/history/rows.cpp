#include "history/rows.hpp"

#include "base/json_writer.hpp"
#include "base/uuid.hpp"

#include <simdjson.h>

#include <algorithm>

namespace tranter::history {
namespace {

void bind_text(Statement& statement, int parameter, std::string_view text) {
    if (text.empty()) {
        statement.bind_null(parameter);
    } else {
        statement.bind(parameter, text);
    }
}

void bind_time(Statement& statement, int parameter, const std::optional<Instant>& when) {
    if (when) {
        statement.bind(parameter, micros(*when));
    } else {
        statement.bind_null(parameter);
    }
}

std::optional<Instant> find_instant(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return instant(row.integer(column));
}

/// The elements of a JSON array that this room has written; none if somebody else has.
template <class Visit>
void for_each_element(std::string_view json, Visit visit) {
    if (json.empty()) return;
    thread_local simdjson::dom::parser parser;
    simdjson::dom::array array;
    if (parser.parse(json.data(), json.size()).get(array) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element element : array)
        visit(element);
}

std::string text_at(const simdjson::dom::array& array, std::size_t index) {
    std::string_view text;
    if (array.at(index).get(text) != simdjson::SUCCESS) return {};
    return std::string(text);
}

std::int64_t integer_at(const simdjson::dom::array& array, std::size_t index) {
    std::int64_t value = 0;
    if (array.at(index).get(value) != simdjson::SUCCESS) return 0;
    return value;
}

void insert_log(Database& database, const JobEntry& entry, Seq seq) {
    const std::string lines = entry.log.text();
    const StatementUse log = database.use("INSERT INTO entry_log VALUES(?1, ?2, ?3)");
    log->bind(1, seq).bind(2, static_cast<std::int64_t>(entry.log.dropped())).bind(3, lines);
    log->run();
}

}  // namespace

std::int64_t micros(Instant when) {
    return when.time_since_epoch().count();
}

Instant instant(std::int64_t micros) {
    return Instant(Duration(micros));
}

std::string encode_id(std::string_view id) {
    const auto uuid = parse_uuid(id);
    if (!uuid || format_uuid(*uuid) != id) return 't' + std::string(id);
    std::string bytes = "u";
    bytes.append(reinterpret_cast<const char*>(uuid->data()), uuid->size());
    return bytes;
}

std::string decode_id(std::string_view bytes) {
    Uuid uuid{};
    if (!bytes.starts_with('u') || bytes.size() != 1 + uuid.size()) {
        return std::string(bytes.substr(std::min<std::size_t>(bytes.size(), 1)));
    }
    std::ranges::copy(bytes.substr(1), uuid.begin());
    return format_uuid(uuid);
}

std::string encode_errors(const std::vector<AttemptError>& errors) {
    if (errors.empty()) return {};
    std::string json;
    JsonWriter writer(json);
    writer.begin_array();
    const std::size_t skipped = errors.size() - std::min(errors.size(), attempt_errors_max);
    for (std::size_t index = skipped; index < errors.size(); ++index) {
        const AttemptError& error = errors[index];
        writer.begin_array().value(error.attempt).value(micros(error.at));
        writer.value(error.type).value(error.text).end_array();
    }
    writer.end_array();
    return json;
}

std::vector<AttemptError> decode_errors(std::string_view json) {
    std::vector<AttemptError> errors;
    for_each_element(json, [&errors](const simdjson::dom::element& element) {
        simdjson::dom::array fields;
        if (element.get(fields) != simdjson::SUCCESS) return;
        AttemptError error;
        error.attempt = static_cast<std::uint32_t>(integer_at(fields, 0));
        error.at = instant(integer_at(fields, 1));
        error.type = text_at(fields, 2);
        error.text = text_at(fields, 3);
        errors.push_back(std::move(error));
    });
    return errors;
}

std::string encode_tags(const std::vector<std::string>& tags) {
    if (tags.empty()) return {};
    std::string json;
    JsonWriter writer(json);
    writer.begin_array();
    for (const std::string& tag : tags)
        writer.value(tag);
    writer.end_array();
    return json;
}

std::vector<std::string> decode_tags(std::string_view json) {
    std::vector<std::string> tags;
    for_each_element(json, [&tags](const simdjson::dom::element& element) {
        std::string_view tag;
        if (element.get(tag) == simdjson::SUCCESS) tags.emplace_back(tag);
    });
    return tags;
}

const std::string_view entry_columns =
    "e.seq, e.id, (SELECT text FROM name WHERE id=e.queue), (SELECT text FROM name WHERE "
    "id=e.type),"
    " e.state, e.attempt, e.attempts_max, e.priority, e.created, e.scheduled, e.started, "
    "e.finished,"
    " e.job_group, e.dedup_key, e.worker, e.tags, e.payload, e.result, e.errors, e.progress,"
    " e.reason, e.options";

JobEntry read_entry(const Statement& row) {
    JobEntry entry;
    entry.id = decode_id(row.text(1));
    entry.queue = row.text(2);
    entry.type = row.text(3);
    entry.state = static_cast<State>(row.integer(4));
    entry.attempt = static_cast<std::uint32_t>(row.integer(5));
    entry.attempts_max = static_cast<std::uint32_t>(row.integer(6));
    entry.priority = static_cast<std::uint8_t>(row.integer(7));
    entry.created = instant(row.integer(8));
    entry.scheduled = find_instant(row, 9);
    entry.started = find_instant(row, 10);
    entry.finished = instant(row.integer(11));
    entry.group = row.text(12);
    entry.dedup_key = row.text(13);
    entry.worker = row.text(14);
    entry.tags = decode_tags(row.text(15));
    entry.payload = row.text(16);
    entry.result = row.text(17);
    entry.errors = decode_errors(row.text(18));
    entry.progress = row.text(19);
    entry.reason = row.text(20);
    entry.options = row.text(21);
    return entry;
}

LogLines read_log(Database& database, Seq seq) {
    LogLines log;
    const StatementUse row = database.use("SELECT dropped, lines FROM entry_log WHERE seq=?1");
    row->bind(1, seq);
    if (!row->step()) return log;
    if (!row->text(1).empty()) log.append(row->text(1));
    log.add_dropped(static_cast<std::uint64_t>(row->integer(0)));
    return log;
}

void insert_entry(
    Database& database, const JobEntry& entry, Seq seq, std::string_view id, const TallyKey& key
) {
    const std::string tags = encode_tags(entry.tags);
    const std::string errors = encode_errors(entry.errors);
    const StatementUse row = database.use(
        "INSERT INTO entry(seq, id, queue, type, state, attempt, attempts_max, priority, created,"
        " scheduled, started, finished, has_log, job_group, dedup_key, worker, tags, payload,"
        " result, errors, progress, reason, options) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13,"
        " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
    );
    row->bind(1, seq).bind_blob(2, id).bind(3, key.queue).bind(4, key.type);
    row->bind(5, static_cast<std::int64_t>(key.state)).bind(6, std::int64_t{entry.attempt});
    row->bind(7, std::int64_t{entry.attempts_max}).bind(8, std::int64_t{entry.priority});
    row->bind(9, micros(entry.created)).bind(12, micros(entry.finished));
    bind_time(*row, 10, entry.scheduled);
    bind_time(*row, 11, entry.started);
    row->bind(13, std::int64_t{!entry.log.empty()});
    bind_text(*row, 14, entry.group);
    bind_text(*row, 15, entry.dedup_key);
    bind_text(*row, 16, entry.worker);
    bind_text(*row, 17, tags);
    bind_text(*row, 18, entry.payload);
    bind_text(*row, 19, entry.result);
    bind_text(*row, 20, errors);
    bind_text(*row, 21, entry.progress);
    bind_text(*row, 22, entry.reason);
    bind_text(*row, 23, entry.options);
    row->run();

    if (!entry.log.empty()) insert_log(database, entry, seq);
}

}  // namespace tranter::history

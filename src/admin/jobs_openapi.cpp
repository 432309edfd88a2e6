#include "admin/jobs_route.hpp"
#include "jobs/wire.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

// The description of the API that programs read.
namespace tranter::admin {
namespace {

struct QueryNote {
    std::string_view name;
    std::string_view type;
    std::string_view text;
};
constexpr QueryNote query_notes[] = {
    {"filter", "string", "`queue:mail state:dead tag:a args.user.id:42 error:timeout age>5m`"},
    {"limit", "integer", "So many at most, 1 to 1000."},
    {"cursor", "string", "`next` of the page before."},
    {"dead_letter_queue", "string", "Only what stands in this queue."},
    {"force", "boolean", "Also when the expression never fires."},
    {"open", "boolean", "Only those that are claimed or buffered."},
    {"from", "string", "Times after this one, RFC 3339; left out: now."},
    {"count", "integer", "How many, 1 to 10,000; 20 when it is left out."},
    {"timeout", "string", "How long to wait: \"30s\", up to 20m."},
    {"queue", "string", "Only of this queue."},
};

void write_parameter(
    JsonWriter& json, std::string_view in, std::string_view name, const QueryNote* note
) {
    json.begin_object().member("name", name).member("in", in);
    json.member("required", in == "path");
    if (note != nullptr) json.member("description", note->text);
    json.key("schema").begin_object();
    json.member("type", note == nullptr ? std::string_view("string") : note->type);
    json.end_object().end_object();
}

void write_parameters(JsonWriter& json, const JobRoute& route) {
    json.key("parameters").begin_array();
    for (const std::string_view name : {"queue", "id", "name"}) {
        if (route.path.find("{" + std::string(name) + "}") != std::string_view::npos) {
            write_parameter(json, "path", name, nullptr);
        }
    }
    for (const QueryNote& note : query_notes) {
        if ((" " + std::string(route.query) + " ").find(" " + std::string(note.name) + " ") !=
            std::string::npos) {
            write_parameter(json, "query", note.name, &note);
        }
    }
    if (route.operation == "enqueue" || (route.scheduling != nullptr && route.method != "GET")) {
        write_parameter(json, "header", "Idempotency-Key", nullptr);
    }
    if (route.operation == "events") write_parameter(json, "header", "Last-Event-ID", nullptr);
    json.end_array();
}

void write_content(
    SchemaBook& book, JsonWriter& json, std::string_view type, SchemaBook::Write schema
) {
    json.key("content").begin_object().key(type).begin_object().key("schema");
    schema(book, json);
    json.end_object().end_object();
}

void write_answer(
    SchemaBook& book, JsonWriter& json, std::string_view status, const JobRoute& route
) {
    json.key(status).begin_object();
    json.member("description", status == "202" ? "Not finished yet" : "Success");
    write_content(
        book,
        json,
        route.operation == "events" ? "text/event-stream" : "application/json",
        route.response
    );
    json.end_object();
}

void write_operation(SchemaBook& book, JsonWriter& json, const JobRoute& route) {
    json.begin_object().member("operationId", route.operation);
    json.member("summary", route.summary);
    write_parameters(json, route);
    if (route.request != nullptr) {
        json.key("requestBody").begin_object().member("required", true);
        write_content(book, json, "application/json", route.request);
        json.end_object();
    }
    json.key("responses").begin_object();
    write_answer(book, json, std::to_string(route.status), route);
    if (route.operation == "waitForJob") write_answer(book, json, "202", route);
    if (route.operation == "putSchedule") write_answer(book, json, "200", route);
    json.key("default").begin_object().member("description", "What is wrong");
    write_content(book, json, "application/problem+json", &write_schema<jobs::wire::Problem>);
    json.end_object().end_object().end_object();
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return out;
}

}  // namespace

std::string openapi_document(std::string_view version) {
    std::string out;
    JsonWriter json(out);
    SchemaBook book;
    json.begin_object().member("openapi", "3.1.0").key("info").begin_object();
    json.member("title", "Tranter Jobs API").member("version", version);
    json.member(
        "description",
        "Background jobs. Durations are one number and a unit (\"90s\", \"1500ms\", \"5m\"), times "
        "are RFC 3339. Unknown members are refused. A request that is refused with 429 or 503 may "
        "be repeated after Retry-After seconds."
    );
    json.key("license").begin_object().member("name", "Apache-2.0");
    json.member("identifier", "Apache-2.0").end_object().end_object();
    json.key("paths").begin_object();
    std::vector<std::string_view> done;
    for (const JobRoute& first : job_routes()) {
        if (std::ranges::find(done, first.path) != done.end()) continue;
        done.push_back(first.path);
        json.key(first.path).begin_object();
        for (const JobRoute& route : job_routes()) {
            if (route.path != first.path) continue;
            json.key(lower_case(route.method));
            write_operation(book, json, route);
        }
        json.end_object();
    }
    json.end_object().key("components").begin_object();
    json.key("schemas").begin_object();
    book.write_all(json);
    json.end_object();
    json.key("securitySchemes").begin_object().key("token").begin_object();
    json.member("type", "http").member("scheme", "bearer").end_object().end_object().end_object();
    json.key("security").begin_array().begin_object().key("token").begin_array().end_array();
    json.end_object().begin_object().end_object().end_array().end_object();
    return out;
}

}  // namespace tranter::admin

#include "sqs/policy.hpp"

#include "base/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <vector>

namespace tranter::sqs {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t statements_max = 20;

Failure label_failure(std::string_view label, std::string_view reason) {
    return invalid_value(label, "Label", reason);
}

Failure unreadable() {
    return {
        Code::invalid_attribute_value,
        "The policy of the queue is not a document that permissions can be added to."};
}

/// A policy taken apart: everything that is not a statement, and the statements, each as JSON.
struct Parts {
    struct Member {
        std::string name;
        std::string json;
    };
    struct Statement {
        std::string label;
        std::string json;
    };
    std::vector<Member> members;
    std::vector<Statement> statements;
};

Parts::Statement read_statement(const dom::element& element) {
    std::string_view label;
    if (element["Sid"].get(label) != simdjson::SUCCESS) label = {};
    return {std::string(label), simdjson::to_string(element)};
}

Outcome<Parts> take_apart(std::string_view policy) {
    Parts parts;
    dom::parser parser;
    dom::object document;
    const simdjson::padded_string padded(policy);
    if (parser.parse(padded).get(document) != simdjson::SUCCESS) return Failed(unreadable());
    for (const dom::key_value_pair field : document) {
        if (field.key != "Statement") {
            parts.members.push_back({std::string(field.key), simdjson::to_string(field.value)});
            continue;
        }
        dom::array statements;
        if (field.value.get(statements) != simdjson::SUCCESS) {
            parts.statements.push_back(read_statement(field.value));
            continue;
        }
        for (const dom::element statement : statements) {
            parts.statements.push_back(read_statement(statement));
        }
    }
    return parts;
}

std::string put_together(const Parts& parts) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    for (const Parts::Member& member : parts.members)
        json.key(member.name).raw(member.json);
    json.key("Statement").begin_array();
    for (const Parts::Statement& statement : parts.statements)
        json.raw(statement.json);
    json.end_array().end_object();
    return out;
}

/// AWS writes a single value as a text and several as a list.
void write_values(JsonWriter& json, const std::vector<std::string>& values) {
    if (values.size() == 1) {
        json.value(values.front());
        return;
    }
    json.begin_array();
    for (const std::string& value : values)
        json.value(value);
    json.end_array();
}

std::string new_statement(std::string_view arn, const Permission& permission) {
    std::vector<std::string> principals;
    std::vector<std::string> actions;
    for (const std::string_view account : permission.accounts) {
        principals.push_back(fmt::format("arn:aws:iam::{}:root", account));
    }
    for (const std::string_view action : permission.actions) {
        actions.push_back(fmt::format("SQS:{}", action));
    }
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("Sid", permission.label).member("Effect", "Allow");
    json.key("Principal").begin_object().key("AWS");
    write_values(json, principals);
    json.end_object().key("Action");
    write_values(json, actions);
    json.member("Resource", arn).end_object();
    return out;
}

}  // namespace

Outcome<std::string> add_statement(
    std::string_view policy, std::string_view queue_arn, const Permission& permission
) {
    Parts parts;
    if (policy.empty()) {
        std::string id;
        append_json_string(id, fmt::format("{}/SQSDefaultPolicy", queue_arn));
        parts.members = {{"Version", "\"2008-10-17\""}, {"Id", std::move(id)}};
    } else {
        Outcome<Parts> read = take_apart(policy);
        if (!read) return Failed(read.error());
        parts = std::move(*read);
    }
    for (const Parts::Statement& statement : parts.statements) {
        if (statement.label == permission.label) {
            return Failed(label_failure(permission.label, "Already exists."));
        }
    }
    if (parts.statements.size() == statements_max) {
        return failed(
            Code::over_limit,
            fmt::format(
                "{} Statements were found, maximum allowed is {}.",
                statements_max + 1,
                statements_max
            )
        );
    }
    parts.statements.push_back({std::string(permission.label), new_statement(queue_arn, permission)}
    );
    std::string out = put_together(parts);
    if (out.size() > policy_bytes_max) {
        return failed(
            Code::over_limit,
            fmt::format(
                "The policy would be {} bytes, maximum allowed is {}.", out.size(), policy_bytes_max
            )
        );
    }
    return out;
}

Outcome<std::string> remove_statement(std::string_view policy, std::string_view label) {
    Parts parts;
    if (!policy.empty()) {
        Outcome<Parts> read = take_apart(policy);
        if (!read) return Failed(read.error());
        parts = std::move(*read);
    }
    const std::size_t removed =
        std::erase_if(parts.statements, [&](const Parts::Statement& statement) {
            return statement.label == label;
        });
    if (removed == 0) return Failed(label_failure(label, "can't find label."));
    return parts.statements.empty() ? std::string() : put_together(parts);
}

}  // namespace tranter::sqs

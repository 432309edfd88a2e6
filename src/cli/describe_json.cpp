#include "cli/describe_view.hpp"
#include "control/codec.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {

Json variables_json(const supervise::App& app, Secrets secrets) {
    Json::Object variables;
    for (auto& [name, value] : visible_environment(app, secrets))
        variables.push_back({name, std::move(value)});
    return variables;
}

Json describe_json(const DescribedApp& described, Secrets secrets) {
    supervise::App app = described.app;
    app.command = visible_command(app, secrets);
    app.environment.clear();  // a list there, and an object here
    const auto apps = Json::parse(control::write_apps({std::move(app)}));
    const auto instances = Json::parse(control::write_answer(0, described.instances));
    Json record;
    if (!apps || !instances) return record;
    for (const JsonMember& member : (*apps)["apps"].items().front().members()) {
        if (member.name == "instances") {
            record.set("instances_wanted", member.value);
        } else if (member.name == "environment") {
            record.set("environment", variables_json(described.app, secrets));
        } else {
            record.set(member.name, member.value);
        }
    }
    return record.set("instances", (*instances)["ok"]);
}

}  // namespace tranter::cli

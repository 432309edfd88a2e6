#include "control/targets.hpp"

#include "base/suggest.hpp"
#include "base/unicode.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tranter::control {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
    return number;
}

class TargetSearch {
  public:
    explicit TargetSearch(const supervise::Supervisor& supervisor)
        : supervisor_(supervisor), apps_(supervisor.apps()), views_(supervisor.instances()) {}

    bool find(const std::string& word, std::vector<Target>& found) const {
        if (word == "all") {
            for (const std::string& app : apps_)
                add(found, {.app = app});
            return true;
        }
        if (supervisor_.find(word) != nullptr) {
            add(found, {.app = word});
            return true;
        }
        return find_space(word, found) || find_instance(word, found);
    }

    std::string nearest(const std::string& word) const {
        std::vector<std::string_view> names(apps_.begin(), apps_.end());
        return did_you_mean(word, names);
    }

  private:
    static void add(std::vector<Target>& found, const Target& target) {
        if (std::ranges::find(found, target) == found.end()) found.push_back(target);
    }

    bool find_space(const std::string& word, std::vector<Target>& found) const {
        bool any = false;
        for (const std::string& name : apps_) {
            const supervise::App* const app = supervisor_.find(name);
            if (app == nullptr || app->space != word) continue;
            add(found, {.app = name});
            any = true;
        }
        return any;
    }

    bool find_instance(const std::string& word, std::vector<Target>& found) const {
        const auto key = number_of(word);
        const std::size_t colon = word.rfind(':');
        const auto number = colon == std::string::npos
                                ? std::nullopt
                                : number_of(std::string_view(word).substr(colon + 1));
        for (const supervise::InstanceView& view : views_) {
            const bool is_meant =
                key ? view.key == *key
                    : number && view.id.number == *number && view.id.app == word.substr(0, colon);
            if (!is_meant) continue;
            add(found, {.app = view.id.app, .number = view.id.number});
            return true;
        }
        return false;
    }

    const supervise::Supervisor& supervisor_;
    const std::vector<std::string> apps_;
    const std::vector<supervise::InstanceView> views_;
};

}  // namespace

bool any_covers(const std::vector<Target>& targets, const supervise::InstanceId& id) {
    return std::ranges::any_of(targets, [&](const Target& target) { return target.covers(id); });
}

Result<std::vector<Target>> find_targets(
    const std::vector<std::string>& words, const supervise::Supervisor& supervisor
) {
    const TargetSearch search(supervisor);
    std::vector<Target> found;
    for (const std::string& word : words) {
        if (search.find(word, found)) continue;
        return fail(
            Errc::not_found, "no app, namespace or key is " + in_quotes(word) + search.nearest(word)
        );
    }
    return found;
}

std::vector<Target> without_parts(std::vector<Target> targets) {
    std::vector<std::string> whole;
    for (const Target& target : targets) {
        if (!target.number) whole.push_back(target.app);
    }
    std::erase_if(targets, [&whole](const Target& target) {
        return target.number && std::ranges::find(whole, target.app) != whole.end();
    });
    return targets;
}

}  // namespace tranter::control

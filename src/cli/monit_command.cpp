#include "cli/monit_command.hpp"

#include "cli/app_client.hpp"
#include "cli/exit_code.hpp"
#include "cli/monit_view.hpp"
#include "cli/screen.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace tranter::cli {

namespace {

using control::Client;
using control::Order;

constexpr auto monit_period = std::chrono::seconds(1);
constexpr std::ptrdiff_t page_steps = 10;

class Monit {
  public:
    Monit(Client client, Screen& screen) : client_(std::move(client)), screen_(screen) {}

    /// The exit status.
    int run() {
        while (true) {
            update();
            screen_.show(monit_frame(view_, screen_.size()));
            const Screen::Waited waited = screen_.wait(monit_period);
            if (waited.signal != 0) return exit_of_signal(waited.signal);
            if (waited.ended) return 0;
            if (!waited.keys.empty()) view_.message.clear();
            for (const Key& key : waited.keys) {
                if (!take(key)) return 0;
            }
        }
    }

  private:
    void update() {
        auto updated = read();
        view_.trouble.clear();
        if (!updated) {
            view_.trouble = updated.error().message();
            client_.reset();
        }
        view_.now = SteadyClock::wall_clock();
    }

    Result<> read() {
        if (!client_) {
            auto again = connect_to_apps();
            if (!again) return std::unexpected(again.error());
            client_ = std::move(*again);
        }
        auto instances = client_->instances();
        if (!instances) return std::unexpected(instances.error());
        view_.instances = std::move(*instances);
        const auto place = selected_place(view_);
        view_.lines.clear();
        if (!place) return {};
        const supervise::InstanceView& selected = view_.instances[*place];
        view_.selected = selected.id;
        auto lines = client_->latest_lines({std::to_string(selected.key)});
        // Removed since it was listed.
        if (!lines && lines.error().code() == Errc::not_found) return {};
        if (!lines) return std::unexpected(lines.error());
        std::erase_if(*lines, [&selected](const supervise::OutputLine& line) {
            return line.id != selected.id;
        });
        view_.lines = std::move(*lines);
        return {};
    }

    /// False: it is the end.
    bool take(const Key& key) {
        switch (key.kind) {
            case KeyKind::up:
                move_selection(view_, -1);
                return true;
            case KeyKind::down:
                move_selection(view_, 1);
                return true;
            case KeyKind::page_up:
                move_selection(view_, -page_steps);
                return true;
            case KeyKind::page_down:
                move_selection(view_, page_steps);
                return true;
            case KeyKind::home:
            case KeyKind::end: {
                const auto all = static_cast<std::ptrdiff_t>(view_.instances.size());
                move_selection(view_, key.kind == KeyKind::home ? -all : all);
                return true;
            }
            case KeyKind::escape:
                view_.shows_help = false;
                return true;
            case KeyKind::enter:
                return true;
            case KeyKind::text:
                break;
        }
        return take_letter(key.letter);
    }

    bool take_letter(char letter) {
        constexpr char control_c = '\x03';
        switch (letter) {
            case 'q':
            case control_c:
                return false;
            case 'k':
                move_selection(view_, -1);
                break;
            case 'j':
                move_selection(view_, 1);
                break;
            case '?':
            case 'h':
                view_.shows_help = !view_.shows_help;
                break;
            case 'r':
                order(Order::Kind::restart, "restarting");
                break;
            case 's':
                order(Order::Kind::stop, "stopping");
                break;
            default:
                break;
        }
        return true;
    }

    void order(Order::Kind kind, std::string_view doing) {
        if (!client_ || !view_.selected) return;
        const std::string& app = view_.selected->app;
        const auto given = client_->give({.kind = kind, .targets = {app}, .waits = false});
        view_.message = given ? fmt::format("{} {}", doing, app) : given.error().message();
    }

    std::optional<Client> client_;
    Screen& screen_;
    MonitView view_{};
};

Result<int> run_monit(const Arguments& /*arguments*/) {
    auto usable = Screen::check("monit", "`tranter ps` prints once");
    if (!usable) return std::unexpected(usable.error());
    auto client = connect_to_apps();
    if (!client) return std::unexpected(client.error());
    Screen screen;
    return Monit(std::move(*client), screen).run();
}

}  // namespace

Command monit_command() {
    return {
        .name = "monit",
        .summary =
            "watch the apps of `tranter up`: processor, memory, restarts and what they print",
        .description =
            "Takes the whole terminal until q is typed; ? shows the keys. r and s restart and stop "
            "the app\nthat is selected, with all its instances.",
        .examples = {{"what goes on", "tranter monit"}},
        .run = run_monit,
    };
}

}  // namespace tranter::cli

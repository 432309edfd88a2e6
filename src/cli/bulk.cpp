#include "cli/bulk.hpp"

#include "cli/exit_code.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace tranter::cli {

namespace {

// Of a hundred thousand refused lines the first few tell what is wrong.
constexpr std::uint64_t refusals_shown_max = 10;
constexpr std::int64_t pace_max = 1'000'000;
// Of a rate: pauses of a tenth of a second are as even as anybody notices.
constexpr std::int64_t batches_per_second = 10;

}  // namespace

bool concerns_one(Errc code) {
    return code == Errc::invalid_argument || code == Errc::not_found || code == Errc::conflict ||
           code == Errc::already_exists || code == Errc::limit_exceeded;
}

void Refusals::add(std::string_view which, const Error& error) {
    if (count_ == 0) first_ = error.code();
    ++count_;
    if (count_ > refusals_shown_max) return;
    progress_.hide();
    say(fmt::format("{}: {}", which, error.message()));
    if (count_ == refusals_shown_max) say("what else is refused is only counted");
}

int Refusals::exit_status(std::uint64_t done) const {
    if (count_ == 0) return 0;
    return static_cast<int>(done > 0 ? ExitCode::partial : exit_code(first_));
}

Pace::Pace(std::optional<std::int64_t> per_second)
    : per_second_(per_second), begin_(std::chrono::steady_clock::now()) {}

std::size_t Pace::batch(std::size_t most) const {
    if (!per_second_) return most;
    const std::int64_t each = std::max<std::int64_t>(*per_second_ / batches_per_second, 1);
    return std::min(most, static_cast<std::size_t>(each));
}

void Pace::keep(std::uint64_t done) const {
    if (!per_second_) return;
    const std::chrono::duration<double> spent(
        static_cast<double>(done) / static_cast<double>(*per_second_)
    );
    std::this_thread::sleep_until(
        begin_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(spent)
    );
}

Option rate_option() {
    return {
        .name = "rate",
        .value = "N",
        .help = "so many per second, also as 10/s (default: as fast as it goes)"};
}

Result<Pace> read_pace(const Arguments& arguments) {
    constexpr std::string_view per_second = "/s";
    auto given = arguments.find("rate");
    if (!given) return Pace(std::nullopt);
    if (given->ends_with(per_second)) given->resize(given->size() - per_second.size());
    const Arguments number({{"rate", {*given}}});
    const auto rate = number.integer("rate", {.min = 1, .max = pace_max});
    if (!rate) return std::unexpected(rate.error());
    return Pace(*rate);
}

}  // namespace tranter::cli

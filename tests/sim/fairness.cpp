#include "fairness.hpp"

#include <cmath>
#include <utility>

namespace tranter::sim {

namespace {

constexpr Duration silence = std::chrono::minutes(5);

}  // namespace

void Turns::waiting(const std::set<std::string>& parties) {
    std::erase_if(waits_, [&](const auto& wait) { return !parties.contains(wait.first); });
    for (const std::string& party : parties)
        waits_.try_emplace(party);
}

bool Turns::may_serve(const std::string& party) const {
    for (const auto& [waiting, served] : waits_) {
        const auto found = served.find(party);
        if (waiting != party && found != served.end() && found->second > 0) return false;
    }
    return true;
}

void Turns::served(const std::string& party) {
    for (auto& [waiting, served] : waits_) {
        if (waiting == party) {
            served.clear();
        } else {
            ++served[party];
        }
    }
}

void Turns::given_back(const std::string& party) {
    for (auto& [waiting, served] : waits_)
        --served[party];
}

void NoisyRule::processed(const std::string& group, Duration busy, Instant now) {
    work_.push_back({group, std::chrono::duration<double>(busy).count(), now});
}

void NoisyRule::forget(const std::string& group) {
    noisy_.erase(group);
    last_sent_.erase(group);
    // The queue's total keeps the work; nobody's own does.
    for (Work& work : work_) {
        if (work.group == group) work.group.clear();
    }
}

void NoisyRule::quiet_the_silent(Instant now) {
    std::erase_if(noisy_, [&](const std::string& group) {
        return last_sent_[group] + silence <= now;
    });
}

NoisyRule::Reason NoisyRule::turns_noisy(
    const std::string& group, std::uint32_t in_flight, std::uint32_t in_flight_in_all, Instant now
) {
    if (last_sent_[group] + silence <= now) return Reason::none;
    double own = 0;
    double total = 0;
    for (const Work& work : work_) {
        const double minutes = std::chrono::duration<double>(now - work.when).count() / 60;
        const double recent = work.seconds * std::exp2(-minutes);
        total += recent;
        if (work.group == group) own += recent;
    }
    const bool crowd = in_flight >= 30 && in_flight * 10 > in_flight_in_all;
    const bool busy = own * 10 > total && own >= 30;
    if (crowd || busy) noisy_.insert(group);
    return crowd ? Reason::in_flight : busy ? Reason::busy : Reason::none;
}

}  // namespace tranter::sim

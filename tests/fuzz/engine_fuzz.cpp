// The bytes decide what the simulation otherwise draws from a seed: the rules of two queues, then
// every operation. Oracle: the simulation's naive model, and a drain at the end.
#include "invariant.hpp"
#include "run.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace sim = tranter::sim;

    constexpr std::uint64_t operations_max = 1000;
    sim::ByteChoices choices({data, size});
    sim::Tally tally;
    const sim::Run done = sim::run(choices, operations_max, tally);
    if (!done.failure) return 0;

    for (const std::string& line : sim::replay(done.scenario, sim::shrink(done)).history) {
        std::printf("%s\n", line.c_str());
    }
    std::printf(
        "%s: %s\n",
        std::string(sim::name(done.failure->invariant)).c_str(),
        done.failure->text.c_str()
    );
    std::abort();
}

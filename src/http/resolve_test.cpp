#include "http/resolve.hpp"

#include "base/wake_event.hpp"
#include "http/client.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>

#include <chrono>
#include <memory>
#include <semaphore>
#include <vector>

namespace tranter::http {
namespace {

using namespace std::chrono_literals;

/// A resolver that answers once it is released.
struct SlowResolver {
    std::binary_semaphore answers{0};
    std::binary_semaphore answered{0};
};

LookUp slow(const std::shared_ptr<SlowResolver>& resolver) {
    return [resolver]() -> Result<std::vector<Address>> {
        resolver->answers.acquire();
        resolver->answered.release();
        return std::vector<Address>(1);
    };
}

TEST(ResolveTest, AStopIsHeardWhileAResolverDoesNotAnswer) {
    const ClientRequest request;
    const WakeEvent stop;
    Patience patience(request, stop.get());
    const auto resolver = std::make_shared<SlowResolver>();
    stop.wake();

    const auto found = look_up_aside(slow(resolver), patience);

    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Errc::cancelled);
    resolver->answers.release();
    resolver->answered.acquire();
}

TEST(ResolveTest, TheTimeoutOfARequestCountsWhileAResolverDoesNotAnswer) {
    ClientRequest request;
    request.timeout = 5ms;
    Patience patience(request, -1);
    const auto resolver = std::make_shared<SlowResolver>();

    const auto found = look_up_aside(slow(resolver), patience);

    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Errc::timed_out);
    resolver->answers.release();
    resolver->answered.acquire();
}

TEST(ResolveTest, WhatAResolverAnswersIsTaken) {
    const ClientRequest request;
    Patience patience(request, -1);
    const auto resolver = std::make_shared<SlowResolver>();
    resolver->answers.release();

    const auto found = look_up_aside(slow(resolver), patience);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 1);
}

TEST(ResolveTest, LocalhostIsThisMachineAndItsFamiliesTakeTurns) {
    const ClientRequest request;
    Patience patience(request, -1);

    const auto found = resolve("a.LocalHost", 80, patience);

    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2);
    EXPECT_EQ((*found)[0].bytes.ss_family, AF_INET6);
    EXPECT_EQ((*found)[1].bytes.ss_family, AF_INET);
}

}  // namespace
}  // namespace tranter::http

#pragma once

#include "process.hpp"

#include <tranter/provider.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::conformance {

/// A store while tests use it. What the tests of one kind share is started at the first use, and
/// ended with the program.
struct StorePlace {
    std::string url{};
    std::shared_ptr<void> keep{};  // what must live as long as the store is used
};

/// A kind of store that the whole suite runs against. A new one is a line in stores(), and a
/// function that starts it.
struct StoreKind {
    std::string_view name{};
    /// `unavailable`: something that it needs is not installed here, and its tests are skipped; a
    /// failure in CI.
    Result<StorePlace> (*place)() = nullptr;
    ProviderOptions options{};
    /// Several processes may open one URL at the same time.
    bool shared = false;
    /// Seconds for stores that count delays and leases in seconds.
    Milliseconds grain{1};
    /// fauxqs refuses characters above U+FFFF.
    bool whole_sqs = true;
};

const std::vector<StoreKind>& stores();

/// A store that outlives the kill -9 of the process that owns it.
class DurableStore {
  public:
    virtual ~DurableStore() = default;
    /// Starts what owns it, unless that is whoever opens the URL; gives the URL.
    virtual std::string start() = 0;
    /// SIGKILL of it; `client` is the process that has the URL open.
    virtual void kill_owner(Process& client) = 0;
};

struct DurableKind {
    std::string_view name{};
    std::unique_ptr<DurableStore> (*make)() = nullptr;
};

const std::vector<DurableKind>& durable_stores();

/// The program that the tests start to crash it (child.cpp).
std::string child_program();

}  // namespace tranter::conformance

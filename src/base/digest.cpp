#include "base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

namespace tranter {

namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<EVP_MD_CTX, FreeContext>;

/// Looking an algorithm up costs OpenSSL 3 more than hashing a small message, so it happens once
/// per process; a context is reused by its thread.
class Hasher {
  public:
    explicit Hasher(const EVP_MD* algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
        if (algorithm_ == nullptr || context_ == nullptr) {
            throw std::runtime_error("the OpenSSL on this machine lacks a digest that SQS needs");
        }
    }

    void begin() { check(EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr)); }
    void add(const void* data, std::size_t size) {
        check(EVP_DigestUpdate(context_.get(), data, size));
    }
    void end(std::uint8_t* out) { check(EVP_DigestFinal_ex(context_.get(), out, nullptr)); }

  private:
    static void check(int ok) {
        if (ok != 1) throw std::runtime_error("OpenSSL could not compute a digest");
    }

    const EVP_MD* algorithm_;  // lives as long as the process
    ContextPtr context_;
};

Hasher& sha256_hasher() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    thread_local Hasher hasher(algorithm);
    return hasher;
}

}  // namespace

Sha256Digest sha256(std::string_view data) {
    Sha256Digest digest;
    Hasher& hasher = sha256_hasher();
    hasher.begin();
    hasher.add(data.data(), data.size());
    hasher.end(digest.data());
    return digest;
}

Sha256Digest hmac_sha256(std::span<const std::uint8_t> key, std::string_view data) {
    std::array<std::uint8_t, 64> block{};
    if (key.size() > block.size()) {
        const Sha256Digest short_key =
            sha256({reinterpret_cast<const char*>(key.data()), key.size()});
        std::ranges::copy(short_key, block.begin());
    } else {
        std::ranges::copy(key, block.begin());
    }
    Hasher& hasher = sha256_hasher();
    Sha256Digest digest;
    for (auto& byte : block)
        byte ^= 0x36;
    hasher.begin();
    hasher.add(block.data(), block.size());
    hasher.add(data.data(), data.size());
    hasher.end(digest.data());

    for (auto& byte : block)
        byte ^= 0x36 ^ 0x5c;
    hasher.begin();
    hasher.add(block.data(), block.size());
    hasher.add(digest.data(), digest.size());
    hasher.end(digest.data());
    return digest;
}

Sha256Digest hmac_sha256(std::string_view key, std::string_view data) {
    return hmac_sha256(
        std::span(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()), data
    );
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace tranter

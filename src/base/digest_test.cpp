#include "base/digest.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string>

namespace tranter {
namespace {

TEST(DigestTest, Md5MatchesKnownVectors) {
    EXPECT_EQ(to_hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(to_hex(md5("hello")), "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(to_hex(md5("a\r\nb")), "65d5f03c46e62e3f2babbe712d2ce464");
    EXPECT_EQ(to_hex(md5("h\u00e9llo \U0001F600")), "207dd4f0cd7a4f13b4932646cd1f8f2b");
}

// The test suite of RFC 1321, appendix A.5.
TEST(DigestTest, Md5MatchesTheSuiteOfItsRfc) {
    EXPECT_EQ(to_hex(md5("a")), "0cc175b9c0f1b6a831c399e269772661");
    EXPECT_EQ(to_hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(to_hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(to_hex(md5("abcdefghijklmnopqrstuvwxyz")), "c3fcd3d76192e4007dfb496cca67e13b");
    EXPECT_EQ(
        to_hex(md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")),
        "d174ab98d277d9f5a5611c2c9f419d9f"
    );
    EXPECT_EQ(
        to_hex(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567"
                   "890")),
        "57edf4a22be3c955ac49da2e2107b67a"
    );
}

TEST(DigestTest, Md5IsThatOfOpenSslForEveryLength) {
    std::string text;
    for (unsigned i = 0; i < 1000; ++i) {
        Md5Digest expected{};
        ASSERT_EQ(
            EVP_Digest(text.data(), text.size(), expected.data(), nullptr, EVP_md5(), nullptr), 1
        );
        ASSERT_EQ(md5(text), expected) << text.size() << " bytes";
        text += static_cast<char>(i * 37 + i / 7);
    }
}

TEST(DigestTest, Sha256MatchesKnownVectors) {
    EXPECT_EQ(
        to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    EXPECT_EQ(
        to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

// RFC 4231 test cases 1, 2 and 6.
TEST(DigestTest, HmacMatchesKnownVectors) {
    EXPECT_EQ(
        to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    EXPECT_EQ(
        to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    EXPECT_EQ(
        to_hex(hmac_sha256(
            std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"
        )),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

TEST(DigestTest, ConstantTimeComparisonComparesContentAndLength) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace tranter

// The digest that bench/gpu compares on a card, on the executor: the harness itself works.
#include <gtest/gtest.h>

#include "gpu/digest.h"

namespace coppice::gpu {
namespace {

TEST(Digest, IsThatOfTheHost) { EXPECT_EQ(digest_on_device(20000), digest_on_host(20000)); }

TEST(Digest, SeesOneOtherBit) {
  Digest digest = digest_on_host(1000);
  digest[0] -= hash_bits(1.0, 3);
  digest[0] += hash_bits(1.0 + 0x1p-52, 3);
  EXPECT_NE(digest, digest_on_host(1000));
}

}  // namespace
}  // namespace coppice::gpu

// Target: identities and the published SM limits.
#include "nsajit/target.h"

#include <set>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;

namespace {

Target h200() {
  Target target = cuda_profile("90");
  target.name = "NVIDIA H200";
  target.processors = 132;
  target.memory_bytes = 150754820096;  // as the driver reports it
  target.l2_bytes = 62914560;
  return target;
}

}  // namespace

TEST_CASE("a CUDA target is known by name, architecture and size") {
  CHECK(to_string(h200()) == "cuda;name=NVIDIA H200;arch=90a;processors=132;memory=140GiB;l2=61440KiB;features=none");
}

TEST_CASE("a driver that reserves a little more memory does not change the identity") {
  Target other = h200();
  other.memory_bytes -= 100 << 20;
  other.driver_version = 13010;
  CHECK(to_string(other) == to_string(h200()));
}

TEST_CASE("anything that tells two machines apart changes the identity") {
  std::set<std::string> identities{to_string(h200())};
  Target other = h200();
  other.name = "NVIDIA H100";
  identities.insert(to_string(other));
  other = h200(), other.processors = 114;
  identities.insert(to_string(other));
  other = h200(), other.memory_bytes /= 2;
  identities.insert(to_string(other));
  other = h200(), other.l2_bytes /= 2;
  identities.insert(to_string(other));
  other = h200(), other.arch = 89;
  identities.insert(to_string(other));
  other = h200(), other.backend = Backend::Cpu;
  identities.insert(to_string(other));
  other = h200(), other.features = "+avx512f";
  identities.insert(to_string(other));
  other.features = "+avx2";
  identities.insert(to_string(other));
  CHECK(identities.size() == 9);
}

TEST_CASE("architecture names are as compilers take them") {
  CHECK(known_archs() == std::vector<std::string>{"80", "86", "87", "89", "90a", "100a", "103a", "120"});
  CHECK(arch_name(Target{}) == "host");
}

TEST_CASE("a profile is found by number, by name, and with the sm_ prefix") {
  CHECK(cuda_profile("90") == cuda_profile("90a"));
  CHECK(cuda_profile("sm_90a") == cuda_profile("90a"));
  CHECK(cuda_profile("sm_120").arch == 120);
}

TEST_CASE("a profile carries the published limits of its SM") {
  CHECK(cuda_profile("80").smem_bytes == 166912);
  CHECK(cuda_profile("86").smem_bytes == 101376);
  CHECK(cuda_profile("89").smem_sm_bytes == 102400);
  CHECK(cuda_profile("90").smem_bytes == 232448);
  CHECK(cuda_profile("100").smem_sm_bytes == 233472);
  CHECK(cuda_profile("120").smem_bytes == 101376);
  CHECK(cuda_profile("120").registers_sm == 65536);
  CHECK(cuda_profile("90").backend == Backend::Cuda);
}

TEST_CASE("an unknown SM is refused with the known ones") {
  const auto refusal = tests::refusal_of([] { cuda_profile("sm_75"); });
  CHECK(refusal.code == ErrorCode::InvalidArgument);
  CHECK(refusal.message == "unknown SM 'sm_75'; known: 80, 86, 87, 89, 90a, 100a, 103a, 120");
  CHECK(tests::refusal_of([] { cuda_profile("80a"); }).code == ErrorCode::InvalidArgument);
  CHECK(tests::refusal_of([] { cuda_profile(""); }).code == ErrorCode::InvalidArgument);
}

TEST_CASE("backends have names") {
  CHECK(to_string(Backend::Cpu) == "cpu");
  CHECK(to_string(Backend::Cuda) == "cuda");
}

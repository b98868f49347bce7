// Op: sizes of tensors.
#include "nsajit/op.h"

#include <catch2/catch_all.hpp>

using namespace nsajit;

TEST_CASE("a tensor has the product of its shape in elements") {
  const TensorSpec spec{.name = "q", .type = ElementType::BF16, .shape = {2, 70000, 4, 16, 128}};
  CHECK(spec.elements() == 1146880000);
  CHECK(spec.bytes() == 2293760000);  // beyond 31 bits
}

TEST_CASE("a tensor with an empty dimension has no elements and a scalar has one") {
  CHECK(TensorSpec{.shape = {4, 0, 3}}.elements() == 0);
  CHECK(TensorSpec{}.elements() == 1);
}

TEST_CASE("element types have their sizes") {
  CHECK(element_bytes(ElementType::BF16) == 2);
  CHECK(element_bytes(ElementType::FP16) == 2);
  CHECK(element_bytes(ElementType::FP32) == 4);
  CHECK(element_bytes(ElementType::INT32) == 4);
}

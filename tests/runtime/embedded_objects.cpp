// The assembler reads the object files that the build names.

#include "tests/runtime/embedded_objects.h"

asm(".section .rodata\n"
    "nsajit_rows_object: .incbin \"" NSAJIT_ROWS_OBJECT "\"\nnsajit_rows_object_end:\n"
    "nsajit_unknown_object: .incbin \"" NSAJIT_UNKNOWN_OBJECT "\"\nnsajit_unknown_object_end:\n"
    ".previous\n");

extern "C" const std::byte nsajit_rows_object[], nsajit_rows_object_end[], nsajit_unknown_object[], nsajit_unknown_object_end[];

namespace nsajit::testing {

std::span<const std::byte> rows_object() { return {nsajit_rows_object, nsajit_rows_object_end}; }
std::span<const std::byte> calls_unknown_object() { return {nsajit_unknown_object, nsajit_unknown_object_end}; }

}  // namespace nsajit::testing

// The assembler reads the files that the build names.

#include "tests/cache/golden_files.h"

asm(".section .rodata\n"
    "nsajit_golden_1: .incbin \"" NSAJIT_GOLDEN_CACHES
    "/version_1.sqlite3\"\nnsajit_golden_1_end:\n"
    "nsajit_golden_2: .incbin \"" NSAJIT_GOLDEN_CACHES
    "/version_2.sqlite3\"\nnsajit_golden_2_end:\n"
    "nsajit_golden_3: .incbin \"" NSAJIT_GOLDEN_CACHES
    "/version_3.sqlite3\"\nnsajit_golden_3_end:\n"
    "nsajit_golden_export_1: .incbin \"" NSAJIT_GOLDEN_CACHES
    "/export_1.jsonl\"\nnsajit_golden_export_1_end:\n"
    "nsajit_golden_export_2: .incbin \"" NSAJIT_GOLDEN_CACHES
    "/export_2.jsonl\"\nnsajit_golden_export_2_end:\n"
    ".previous\n");

extern "C" const std::byte nsajit_golden_1[], nsajit_golden_1_end[], nsajit_golden_2[], nsajit_golden_2_end[], nsajit_golden_3[],
    nsajit_golden_3_end[];
extern "C" const char nsajit_golden_export_1[], nsajit_golden_export_1_end[], nsajit_golden_export_2[],
    nsajit_golden_export_2_end[];

namespace nsajit::cache {

std::array<std::span<const std::byte>, kSchemaVersion> golden_files() {
  return {
      {{nsajit_golden_1, nsajit_golden_1_end}, {nsajit_golden_2, nsajit_golden_2_end}, {nsajit_golden_3, nsajit_golden_3_end}}};
}

std::array<std::string_view, ExportHeader::kVersion> golden_exports() {
  return {{{nsajit_golden_export_1, nsajit_golden_export_1_end}, {nsajit_golden_export_2, nsajit_golden_export_2_end}}};
}

}  // namespace nsajit::cache

#pragma once
// ELF symbols: the size of a function in an ELF file. A cubin and a host object are both 64-bit ELF, so one
// reader serves both compilers. Pure functions; damaged input is a miss.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nsajit::codegen {

// nullopt where `elf` is not 64-bit ELF, is cut short, or defines no function of that name.
std::optional<std::int64_t> find_function_bytes(std::span<const std::byte> elf, std::string_view function);

}  // namespace nsajit::codegen

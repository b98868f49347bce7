// ELF symbols: see the header.

#include "codegen/elf_symbols.h"

#include <elf.h>

#include <cstring>

namespace nsajit::codegen {
namespace {

// Copies a struct out: sections of a cubin are not aligned for direct access.
template <typename Struct>
std::optional<Struct> read_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Struct)) return std::nullopt;
  Struct value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::optional<Elf64_Shdr> find_section(std::span<const std::byte> elf, const Elf64_Ehdr& header, std::uint64_t index) {
  if (index >= header.e_shnum) return std::nullopt;
  return read_at<Elf64_Shdr>(elf, header.e_shoff + index * sizeof(Elf64_Shdr));
}

bool name_is(std::span<const std::byte> elf, const Elf64_Shdr& strings, std::uint32_t at, std::string_view name) {
  const std::uint64_t offset = strings.sh_offset + at;
  if (offset > elf.size() || elf.size() - offset <= name.size()) return false;
  const auto* text = reinterpret_cast<const char*>(elf.data() + offset);
  return std::string_view(text, name.size()) == name && text[name.size()] == '\0';
}

std::optional<std::int64_t> find_in_table(std::span<const std::byte> elf, const Elf64_Shdr& table,
                                          const Elf64_Shdr& strings, std::string_view function) {
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = read_at<Elf64_Sym>(elf, table.sh_offset + at);
    if (!symbol) return std::nullopt;
    const bool defined = ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF;
    if (defined && name_is(elf, strings, symbol->st_name, function)) return static_cast<std::int64_t>(symbol->st_size);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> find_function_bytes(std::span<const std::byte> elf, std::string_view function) {
  const auto header = read_at<Elf64_Ehdr>(elf, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
    return std::nullopt;
  for (std::uint64_t index = 0; index < header->e_shnum; ++index) {
    const auto table = find_section(elf, *header, index);
    if (!table || table->sh_type != SHT_SYMTAB) continue;
    const auto strings = find_section(elf, *header, table->sh_link);
    if (strings) return find_in_table(elf, *table, *strings, function);
  }
  return std::nullopt;
}

}  // namespace nsajit::codegen

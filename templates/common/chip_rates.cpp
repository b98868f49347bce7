// Chip rates: see the header.

#include "templates/common/chip_rates.h"

namespace nsajit::templates {

bool has_known_rates(const Target& target) {
  return target.arch == 90 && target.l2_bytes > 0 && target.name.find("H200") != std::string::npos;
}

}  // namespace nsajit::templates

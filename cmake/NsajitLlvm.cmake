# nsajit_link_llvm(<target> <component>...): LLVM's static archives, of the one supported major version. Include it in
# each folder that links LLVM: what find_package sets is visible in that folder only.
include_guard(DIRECTORY)

# find_package(LLVM 19) is refused by Debian's 19.1 (it wants an exact minor), so the version is checked here. Targets are
# global, since a program in another folder links what this folder's library needs.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
find_package(LLVM REQUIRED CONFIG HINTS "/usr/lib/llvm-${NSAJIT_LLVM_VERSION}" "$ENV{LLVM_ROOT}")
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
if(NOT LLVM_VERSION_MAJOR EQUAL NSAJIT_LLVM_VERSION)
  message(FATAL_ERROR "nsajit: LLVM ${NSAJIT_LLVM_VERSION} is needed, found ${LLVM_PACKAGE_VERSION} in ${LLVM_DIR}. Install "
          "llvm-${NSAJIT_LLVM_VERSION}-dev, or set LLVM_DIR to its cmake folder.")
endif()
if(NOT LLVM_ENABLE_RTTI)
  message(FATAL_ERROR "nsajit: LLVM in ${LLVM_DIR} was built without RTTI; install the distribution's llvm-${NSAJIT_LLVM_VERSION}-dev.")
endif()

# LLVM asks for shared libz, libzstd and libz3, which an installed tree would then need; the first two have archives, and
# nothing here solves constraints with Z3.
function(nsajit_make_llvm_static)
  get_target_property(libraries LLVMSupport INTERFACE_LINK_LIBRARIES)
  list(FILTER libraries EXCLUDE REGEX "libz3")
  find_library(NSAJIT_ZLIB_ARCHIVE libz.a)
  if(NSAJIT_ZLIB_ARCHIVE)
    list(TRANSFORM libraries REPLACE "^ZLIB::ZLIB$" "${NSAJIT_ZLIB_ARCHIVE}")
  endif()
  list(TRANSFORM libraries REPLACE "^zstd::libzstd_shared$" "${NSAJIT_zstd_LIBRARY}")
  set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
endfunction()
nsajit_make_llvm_static()

function(nsajit_link_llvm target)
  target_include_directories(${target} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
  llvm_map_components_to_libnames(libraries ${ARGN})
  target_link_libraries(${target} PRIVATE ${libraries})
endfunction()
